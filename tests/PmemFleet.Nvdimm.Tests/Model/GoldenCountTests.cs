using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>
/// Counts what of the recordings the replay compares, and says of each other step why not or which test has it: <c>docs/fidelity/golden.md</c>. A step
/// that no reason fits fails, so nothing is passed over in silence.
/// </summary>
public partial class GoldenCountTests
{
    private static readonly (string Name, string[] Prefixes)[] Groups =
    [
        ("a, and the label steps of b and n", ["a_"]), ("c", ["c_"]), ("d", ["d_"]), ("j", ["j_"]), ("k", ["k_"]), ("x: random sessions, recorded for this project", ["x_"]),
    ];

    private static readonly (Regex Step, string Reason)[] Reasons =
    [
        (InfoBlockDump(), "info-block bytes: `BttCreationTests`, `PagesCreationTests` compare them"),
        (Left(), "bytes that an earlier session had left on the recorder's image: not recorded"),
        (Note(), "a remark of the recorder"),
        (Errors(), "the bus's attribute files of scrubs: not served; their count and state are in `BusScrubTests`"),
        (Health(), "health and firmware: `SmartDeviceTests` and the listing's own tests"),
        (Security(), "a passphrase needs the kernel's keyring: not expressible; the states are in `DimmSecurityTests`"),
        (BlockLayer(), "queue attributes of Linux's block layer: not part of the product"),
        (Files(), "mkfs, mount, dd, open descriptors: file systems and the page cache are not part of the product"),
        (Shell(), "a pipe of the shell over files of the guest: not expressible; the same attributes are in the snapshots"),
        (Race(), "a number that depends on which of a region's devices Linux made first when the region was enabled"),
        (Tool(), "ndctl's own help, version, file arguments or hex dumps: not part of the product"),
    ];

    private static readonly string Page = Path.Combine(Root(), "docs", "fidelity", "golden.md");

    [Fact]
    public void Recordings_EveryStep_IsComparedOrHasAReason()
    {
        var text = new StringBuilder();
        text.Append("# Recordings of a real Linux, and what is compared\n\nMade by `GoldenCountTests` (`PMEMFLEET_UPDATE_FIDELITY=1 dotnet test tests/PmemFleet.Nvdimm.Tests --filter GoldenCount`).\n\n");
        text.Append("## Replayed command by command (`GoldenReplayTests`)\n\n| group | cases | steps | compared | differing | passed over |\n|---|---|---|---|---|---|\n");
        var reasons = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var (name, prefixes) in Groups)
        {
            text.Append(Row(name, [.. prefixes.SelectMany(GoldenVectors.Cases)], reasons, GoldenReplay.Run));
        }

        text.Append(Row("n and y: damage to a BTT, every list option, daxctl (`ToolReplayTests`)", [.. ToolReplay.Cases], reasons, ToolReplay.Run));
        text.Append("\nThese sessions and more are also typed through REST, against a real worker and database: [rest.md](rest.md).\n");
        text.Append("\n| passed over because | steps |\n|---|---|\n");
        foreach (var (reason, count) in reasons)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {reason} | {count} |\n");
        }

        text.Append("\n## Compared case by case\n\n| group | cases | what is compared | tests |\n|---|---|---|---|\n");
        text.Append(Cases("b", "b_", "info blocks, map, flog, labels: bytes; sizes, offsets, errno", "`BttCreationTests`, `PagesCreationTests`, `GoldenReplayTests` (labels)"));
        text.Append(Cases("e", "e", "what is listed after the damage, the label bytes after the driver's look", "`DamagedLabelsTests`"));
        text.Append(Cases("f", "f_", "info blocks, map and flog after each write; data read, check, repair, the media after it", "`BttDamageTests`, `BttWriteTests`"));
        text.Append(Cases("l", "l_", "what a damaged PFN or DAX block turns into, and what a new create makes of it", "`PagesDamageTests`"));
        text.Append(Cases("n", "n_nfit", "inject, status, badblocks, EIO, clears, scrub, listings; SMART; interleaving", "`GoldenReplayTests` (with `GoldenErrors`), `BusScrubTests`, `BusBadRangesTests`, `ErrorInjectionTests`, `InterleaveGeometryTests`, `SmartDeviceTests`"));
        text.Append("\nGroups g, h and i are counted in `docs/fidelity/device-dax.md`; p (faults per second under emulation) is no behaviour.\n");
        if (Environment.GetEnvironmentVariable("PMEMFLEET_UPDATE_FIDELITY") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Page)!);
            File.WriteAllText(Page, text.ToString());
        }

        Assert.Equal(File.ReadAllText(Page), text.ToString());
    }

    private static string Row(string name, IReadOnlyList<string> cases, SortedDictionary<string, int> reasons, Func<string, SortedDictionary<int, string?>> replay)
    {
        var (steps, compared, differing) = (0, 0, 0);
        foreach (var @case in cases)
        {
            var events = GoldenVectors.Events(@case);
            var run = replay(@case);
            steps += events.Count;
            compared += run.Count;
            differing += run.Values.Count(wrong => wrong is not null);
            for (var i = 0; i < events.Count; i++)
            {
                if (!run.ContainsKey(i))
                {
                    var step = $"{events[i]!["type"]} {(string?)events[i]!["cmd"] ?? (string?)events[i]!["text"]}";
                    var reason = Reasons.FirstOrDefault(known => known.Step.IsMatch(step)).Reason;
                    Assert.True(reason is not null, $"{@case} {i}: nobody compares '{step}'");
                    reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
                }
            }
        }

        Assert.Equal(0, differing);
        return string.Create(CultureInfo.InvariantCulture, $"| {name} | {cases.Count} | {steps} | {compared} | {differing} | {steps - compared} |\n");
    }

    private static string Cases(string group, string prefix, string what, string tests)
    {
        var cases = GoldenVectors.Cases(prefix).Count();
        Assert.NotEqual(0, cases);
        return string.Create(CultureInfo.InvariantCulture, $"| {group} | {cases} | {what} | {tests} |\n");
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "PmemFleet.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the tests run outside the checkout");
        }

        return folder;
    }

    [GeneratedRegex(@"^dump DIMM \d image")]
    private static partial Regex InfoBlockDump();

    [GeneratedRegex(@"^cmd pat r /dev/pmem0 0 8192")]
    private static partial Regex Left();

    [GeneratedRegex("^note ")]
    private static partial Regex Note();

    [GeneratedRegex(@"inject-error|clear-errors|scrub|badblocks|dd .*pmem1|nfit/")]
    private static partial Regex Errors();

    [GeneratedRegex(@"inject-smart|list (-\w+ )*-\w*[HF]|list -t|nmem0/nfit")]
    private static partial Regex Health();

    [GeneratedRegex("^snap ")]
    private static partial Regex Race();

    [GeneratedRegex("passphrase")]
    private static partial Regex Security();

    [GeneratedRegex(@"/sys/block/|deep_flush|read_only")]
    private static partial Regex BlockLayer();

    [GeneratedRegex(@"mkfs|mount|^cmd dd|exec 7|/mnt")]
    private static partial Regex Files();

    [GeneratedRegex(@"iomem|\$\(|^cmd ls |echo fsync")]
    private static partial Regex Shell();

    [GeneratedRegex(@"--help|--version|--list-cmds|infoblock|read-labels|write-labels|check-namespace|list -b")]
    private static partial Regex Tool();
}
