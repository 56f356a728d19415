namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>One command line of ndctl or daxctl, as a shell would split it.</summary>
internal sealed class ToolLine
{
    private readonly List<(string Name, string? Value)> _options = [];

    private ToolLine(string tool, string verb) => (Tool, Verb) = (tool, verb);

    public string Tool { get; }

    public string Verb { get; }

    public List<string> Targets { get; } = [];

    /// <summary>Null: the line is more than one command of ndctl or daxctl.</summary>
    public static ToolLine? Parse(string line)
    {
        var words = Split(line);
        if (words.Count < 2 || words[0] is not ("ndctl" or "daxctl") || line.IndexOfAny(['|', ';', '>', '$', '<']) >= 0)
        {
            return null;
        }

        var parsed = new ToolLine(words[0], words[1]);
        var withValue = ValueOptions(parsed.Tool, parsed.Verb);
        for (var i = 2; i < words.Count; i++)
        {
            var word = words[i];
            if (word.StartsWith("--", StringComparison.Ordinal))
            {
                var equals = word.IndexOf('=', StringComparison.Ordinal);
                parsed._options.Add(equals < 0 ? (word, null) : (word[..equals], word[(equals + 1)..]));
            }
            else if (word.Length > 1 && word[0] == '-')
            {
                for (var at = 1; at < word.Length; at++)
                {
                    var takes = withValue.Contains(word[at], StringComparison.Ordinal);
                    var value = !takes ? null : at + 1 < word.Length ? word[(at + 1)..] : i + 1 < words.Count ? words[++i] : null;
                    parsed._options.Add(($"-{word[at]}", value));
                    if (takes)
                    {
                        break;
                    }
                }
            }
            else
            {
                parsed.Targets.Add(word);
            }
        }

        return parsed;
    }

    public bool Has(string name) => _options.Any(option => option.Name == name);

    public int Count(string name) => _options.Count(option => option.Name == name);

    /// <summary>The last value counts, as with ndctl's parser.</summary>
    public string? Get(string name) => _options.LastOrDefault(option => option.Name == name).Value;

    public bool HasLongOptions => _options.Any(option => option.Name.StartsWith("--", StringComparison.Ordinal));

    private static string ValueOptions(string tool, string verb) => (tool, verb) switch
    {
        ("ndctl", "list") => "bdrntmU",
        ("ndctl", "create-namespace") => "reusmnMlatb",
        ("ndctl", "init-labels") => "Vb",
        ("ndctl", "zero-labels" or "read-labels") => "bsO",
        ("ndctl", "inject-error") => "Bnbr",
        ("ndctl", _) => "rb",
        ("daxctl", "list") => "rd",
        ("daxctl", "create-device") => "rsa",
        ("daxctl", _) => "mrs",
        _ => "",
    };

    private static List<string> Split(string line)
    {
        var words = new List<string>();
        var at = 0;
        while (at < line.Length)
        {
            if (line[at] == ' ')
            {
                at++;
                continue;
            }

            var quote = line[at] is '\'' or '"' ? line[at] : '\0';
            var end = quote == '\0' ? line.IndexOf(' ', at) : line.IndexOf(quote, at + 1);
            end = end < 0 ? line.Length : end;
            words.Add(quote == '\0' ? line[at..end] : line[(at + 1)..end]);
            at = end + 1;
        }

        return words;
    }
}
