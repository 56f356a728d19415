using System.Text.Json.Nodes;

namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>A recorded snapshot of the machine: four lists, iomem, and the attributes that REST resources have as members.</summary>
internal static class SnapshotComparison
{
    private const string Everything = "/ndctl/list?buses=true&dimms=true&regions=true&namespaces=true&deviceDax=true&idle=true";

    private static readonly (string Recorded, string Path)[] Lists =
    [
        ("ndctl_list_BDRNiX_v_M", $"{Everything}&mediaErrors=true&verbose=1"),
        ("ndctl_list_BDRNiX", Everything),
        ("ndctl_list_Nu", "/ndctl/list?namespaces=true&human=true"),
        ("daxctl_list_RDi_M", "/daxctl/list?regions=true&devices=true&mappings=true"),
    ];

    public static async Task<StepResult> CompareAsync(RecordedMachine machine, JsonNode golden)
    {
        foreach (var (recorded, path) in Lists)
        {
            var answer = await machine.GetAsync(path);
            var expected = golden[recorded] is JsonArray or JsonObject ? golden[recorded] : new JsonArray();
            var result = RecordedJson.Compare(expected, answer.Body);
            if (result.Difference is { } how)
            {
                return StepResult.Differs($"{recorded}: {how}");
            }
        }

        return (await IomemAsync(machine, golden)).And(await AttributesAsync(machine, golden["sysfs"]!["nd"]!.AsObject()));
    }

    private static async Task<StepResult> IomemAsync(RecordedMachine machine, JsonNode golden)
    {
        string[] ours = ["Persistent", "namespace", " : dax"];
        var expected = golden["iomem"]!.AsArray().Select(line => (string)line!)
            .Where(line => ours.Any(word => line.Contains(word, StringComparison.Ordinal))).ToArray();
        if (expected.Length == 0)
        {
            // the recorder keeps what lies above 4 GiB, and a legacy range lies below
            return StepResult.Agrees;
        }

        var actual = (await machine.TextAsync("/iomem")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return StepResult.Compare(string.Join('|', expected), string.Join('|', actual));
    }

    private static async Task<StepResult> AttributesAsync(RecordedMachine machine, JsonObject devices)
    {
        var result = StepResult.Agrees;
        var regions = (await machine.ListAsync("/regions")).ToDictionary(one => (string)one!["name"]!, one => one!);
        var namespaces = (await machine.ListAsync("/namespaces")).ToDictionary(one => (string)one!["name"]!, one => one!);
        foreach (var (name, attributes) in devices)
        {
            if (regions.TryGetValue(name, out var region))
            {
                var enabled = attributes!["driver"] is not null;
                result = result.And(Same(name, attributes, "size", region["size"]?.ToString()))
                    .And(Same(name, attributes, "align", $"0x{(long)region["align"]!:x}"))
                    .And(Same(name, attributes, "read_only", (bool)region["readOnly"]! ? "1" : "0"))
                    .And(StepResult.Compare($"{name} {(enabled ? "enabled" : "disabled")}", $"{name} {region["state"]}"))
                    .And(!enabled ? StepResult.Agrees : Same(name, attributes, "available_size", region["availableSize"]?.ToString())
                        .And(Same(name, attributes, "max_available_extent", region["maxAvailableExtent"]?.ToString()))
                        .And(Same(name, attributes, "namespace_seed", (string?)region["namespaceSeed"])));
            }
            else if (namespaces.TryGetValue(name, out var device))
            {
                result = result.And(Same(name, attributes!, "size", device["rawSize"]?.ToString()))
                    .And(Same(name, attributes!, "uuid", (string?)device["rawUuid"] ?? ""))
                    .And(Same(name, attributes!, "alt_name", (string?)device["altName"] ?? ""))
                    .And(Same(name, attributes!, "holder", (string?)device["holder"] ?? ""));
            }
            else if (name.StartsWith("namespace", StringComparison.Ordinal) && (string?)attributes!["size"] is not (null or "0"))
            {
                result = result.And(StepResult.Differs($"{name} is missing"));
            }
        }

        var more = namespaces.Keys.FirstOrDefault(name => !devices.ContainsKey(name));
        return more is null ? result : result.And(StepResult.Differs($"{more} is too much"));
    }

    /// <summary>Agrees where the recording has no such attribute, or could not read it.</summary>
    private static StepResult Same(string device, JsonNode attributes, string attribute, string? actual) =>
        (string?)attributes[attribute] is { } text && text != "!EIO"
            ? StepResult.Compare($"{device}/{attribute} '{text.Trim()}'", $"{device}/{attribute} '{actual}'")
            : StepResult.Agrees;
}
