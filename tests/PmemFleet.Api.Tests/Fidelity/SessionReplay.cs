using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>
/// Types a recorded session again, each command as its REST call, against an Api with a real worker and a real database.
/// It compares exit status, JSON, snapshots and the bytes of label areas.
/// </summary>
internal sealed partial class SessionReplay
{
    private readonly Recording _recording;
    private readonly RecordedMachine _machine;
    private readonly NdctlCommands _ndctl;
    private readonly ListCommands _lists;
    private readonly SysfsCommands _sysfs;
    private readonly BlockCommands _blocks;

    private SessionReplay(Recording recording, RecordedMachine machine)
    {
        _recording = recording;
        _machine = machine;
        _ndctl = new NdctlCommands(machine, recording);
        _lists = new ListCommands(machine, recording.Name.StartsWith("y_", StringComparison.Ordinal));
        _sysfs = new SysfsCommands(machine, (answer, line) => ToolAsync(answer, line, int.MaxValue));
        _blocks = new BlockCommands(machine);
    }

    /// <summary>One result for each event of the recording.</summary>
    public static async Task<IReadOnlyList<StepResult>> RunAsync(HttpClient api, Recording recording)
    {
        var replay = new SessionReplay(recording, await RecordedMachine.CreateAsync(api, recording));
        var results = new List<StepResult>();
        for (var at = 0; at < recording.Events.Count; at++)
        {
            results.Add(Ends(recording, at) is { } reason ? StepResult.Without(reason) : await replay.StepAsync(at, recording.Events[at]!));
        }

        return results;
    }

    /// <summary>From some step on a session may depend on what no REST call can do.</summary>
    private static string? Ends(Recording recording, int at) => (recording.Name, at) switch
    {
        ("x_7007", 43 or 49) => WhichNumber,
        ("n_seed", >= 29) => WhichNumber,
        ("n_bttdmg", (>= 357 and <= 359) or (>= 361 and <= 363) or 367 or (>= 648 and <= 650)) => WhichBlock,
        ("j_busy_sysfs", >= 13) => "a personality is attached to a namespace by hand in sysfs, and the rest depends on it",
        ("j_mounted", >= 5 and <= 17) => "a file system is mounted, and what follows is refused because of it",
        _ => null,
    };

    private const string WhichNumber = "it depends on which of a region's devices was made first when the region was enabled";

    private const string WhichBlock = "it depends on which free block a write of a BTT took, and that on the CPU it ran on";

    public static string Title(JsonNode golden) => (string?)golden["cmd"] ?? $"{golden["type"]} {golden["name"] ?? golden["text"]}";

    private async Task<StepResult> StepAsync(int at, JsonNode golden)
    {
        switch ((string?)golden["type"])
        {
            case "snap":
                return await SnapshotComparison.CompareAsync(_machine, golden);
            case "dump" when LabelDump().Match((string)golden["text"]!) is { Success: true } dump:
                return await LabelsAsync(dump.Groups[1].Value, dump.Groups[2].Value);
            case "dump":
                return StepResult.Without("bytes of a DIMM's data: the tests of the formats compare them");
            case "cmd":
                return await CommandAsync(at, golden, (string)golden["cmd"]!);
            default:
                return StepResult.Without("a remark of the recorder");
        }
    }

    private async Task<StepResult> CommandAsync(int at, JsonNode golden, string command)
    {
        if (ToolLine.Parse(command) is { } line)
        {
            return await ToolAsync(golden, line, at);
        }

        return await _blocks.RunAsync(golden, command)
            ?? await _sysfs.RunAsync(golden, command)
            ?? StepResult.Without("a shell line of file systems, modules or pipes");
    }

    private async Task<StepResult> ToolAsync(JsonNode golden, ToolLine line, int at) => (line.Tool, line.Verb) switch
    {
        ("ndctl", "list") => await _lists.NdctlAsync(golden, line),
        ("ndctl", "read-labels") when line.Has("-j") && !line.Has("-I") && (int)golden["rc"]! == 0 => await ReadLabelsAsync(golden, line),
        ("ndctl", _) => await _ndctl.RunAsync(at, golden, line),
        _ => await _lists.DaxctlAsync(golden, line),
    } ?? StepResult.Without("a command of the tools that has no REST call: help, files, hex dumps");

    private async Task<StepResult> ReadLabelsAsync(JsonNode golden, ToolLine line)
    {
        var answer = await _machine.GetAsync($"/dimms/{line.Targets[0]}/labels");
        var expected = golden["stdout"] is JsonArray { Count: 1 } one ? one[0] : golden["stdout"];
        return RecordedJson.Compare(expected, answer.Body?["readLabels"]);
    }

    private async Task<StepResult> LabelsAsync(string dimm, string file)
    {
        var expected = _recording.Bytes($"{file}.label");
        var actual = await _machine.BytesAsync($"/dimms/nmem{dimm}/label-area");
        return actual.AsSpan().SequenceEqual(expected)
            ? StepResult.Agrees
            : StepResult.Differs($"label bytes differ at {actual.AsSpan().CommonPrefixLength(expected)}");
    }

    [GeneratedRegex(@"^label area of DIMM (\d) -> (\w+)\.label$")]
    private static partial Regex LabelDump();
}
