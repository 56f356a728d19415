using System.Text.Json.Nodes;
using PmemFleet.Api.Fleets;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>What nobody should send as YAML: what it has beyond JSON, and what readers of it stumble over.</summary>
internal static class HostileYaml
{
    /// <summary>None of them is a fleet.</summary>
    public static readonly IReadOnlyList<string> Documents =
    [
        "", "# nothing", "---\n", "--- 1\n--- 2\n", "...\n...\n", "%YAML 9.9\n---\na: 1\n", "%TAG ! tag:x,2002:\n---\n!x 1\n", "%", "a: &a [x]\nb: *a\n", "*a\n", "&a [*a]\n", "&a\n",
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n", "a: {<<: {b: 1}}\n",
        "!!python/object/apply:os.system [\"true\"]\n", "!<tag:yaml.org,2002:binary> aGk=\n", "!System.Diagnostics.Process,System {}\n", "? [a, b]\n: 1\n", "? {a: 1}\n: 1\n", "? |\n  a\n: 1\n",
        "a: 1\na: 2\n", "\ta: 1\n", "a:\n\t- 1\n", "a: 'x\n", "a: \"x\n", "a: \"\\ud800\"\n", "a: \"\\U00110000\"\n", "a: \"\\q\"\n", "a: |9\n x\n", "a: >-\n", "a: |0\n", "- a\n b: c\n", "{a: 1", "[,]", "{,}", "a: b: c\n",
        "@a\n", "`a\n", "\u0085a: 1\n", "\u2028a: 1\n", "\0", "\ufeff\ufeffa: 1\n", "a: 1\r\r\nb: 2\r", "hosts: ~\n", "hosts: - 1\n", "hosts:\n- &a\n- *a\n",
    ];

    /// <summary>What opens something in each of the ways YAML has.</summary>
    public static readonly IReadOnlyList<string> Openings = ["[", "{a: ", "- ", "? ", "{? ", "!!str ", "&a ", "\"a\": ", "a: |\n", "#\n", "\n- [a\n", "'a' "];

    private static readonly string[] Scalars =
    [
        "~", "", "NULL", "yes", "no", "0o17", "0x1F", "1_000", "+.inf", ".nan", "-0", "+1", "1e400", "1e3", "12:30:45", "2001-12-14", "!!int \"1\"", "!!str 1", "! 1", "&a 1", "*a", "|\n  x", ">+\n\n", "\"\\x00\"", "\"\\ud800\"",
        "'", "\"", "[", "{", "{}", "[]", "[[1]]", "- 1", "? 1", "%", "@", "`", "1.2", "0.30000000000000004", "9223372036854775808", "-9223372036854775809", "99999999999999999999999", "1.7976931348623159e308", "=", "<<", ": ", "#", "node-{n}",
    ];

    /// <summary>Text that is no proper document, or one that is far too much.</summary>
    public static string Document(Random random, JsonNode good) => random.Next(8) switch
    {
        0 => Deep(HostileValues.Pick(random, Openings), HostileValues.Pick(random, [1000, 100_000])),
        1 => $"{new string('k', random.Next(1000, 3000))}: 1\n",
        2 => string.Concat(Enumerable.Range(0, 30_000).Select(i => $"m{i}: {i}\n")),
        3 => FleetYaml.Of(good) + "\n---\n" + FleetYaml.Of(good),
        4 => FleetYaml.Of(good)[..random.Next(1, 100)],
        _ => HostileValues.Pick(random, Documents),
    };

    /// <summary>One value is another one: as JSON, which is YAML too, or a line of the text.</summary>
    public static string Spoil(Random random, JsonNode good, IReadOnlyList<string> known)
    {
        if (random.Next(2) == 0)
        {
            return HostileMember.Spoil(random, JsonNode.Parse(good.ToJsonString())!, known, 0.5);
        }

        var lines = FleetYaml.Of(good).Split('\n');
        var at = random.Next(lines.Length);
        var value = HostileValues.Pick(random, Scalars);
        lines[at] = random.Next(8) switch
        {
            0 => value,
            1 => $"{lines[at]}\n{lines[at]}",
            2 => " " + lines[at],
            3 => lines[at].Replace("  ", "\t", StringComparison.Ordinal),
            _ => $"{lines[at].Split(':')[0]}: {value}",
        };
        return string.Join('\n', lines);
    }

    /// <summary>As deep as it is long: no reader may go there by recursion, or look at all that is open for each thing that opens.</summary>
    public static string Deep(string opening, int times) => string.Concat(Enumerable.Repeat(opening, times));
}
