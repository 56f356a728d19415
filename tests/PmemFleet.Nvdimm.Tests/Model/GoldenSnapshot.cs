using System.Text;
using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Sysfs;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>A recorded snapshot of the whole machine compared with the model: lists, iomem, sysfs.</summary>
internal static class GoldenSnapshot
{
    private static string[] Unknowable { get; } = ["badblock_count", "badblocks", "security", "firmware"];

    public static string? Differences(Bus bus, JsonNode golden, string @case)
    {
        var wrong = new StringBuilder();
        var all = new ListOptions { Buses = true, Dimms = true, Regions = true, Namespaces = true, Idle = true, DaxRegions = true };
        Compare(wrong, "list -BDRNiX -v -M", golden["ndctl_list_BDRNiX_v_M"], NdctlList.Of(bus, all with { Verbose = true, MediaErrors = true }), bus);
        Compare(wrong, "list -BDRNiX", golden["ndctl_list_BDRNiX"], NdctlList.Of(bus, all), bus);
        if (bus.Scrub == ScrubState.None)
        {
            Compare(wrong, "list -Nu", golden["ndctl_list_Nu"], NdctlList.Of(bus, new ListOptions { Namespaces = true, Human = true }), bus);
            Compare(wrong, "daxctl list -RDi -M", golden["daxctl_list_RDi_M"], DaxctlList.Of(bus, new DaxctlOptions { Regions = true, Devices = true, Mappings = true }), bus);
        }

        if (bus.Regions.All(r => r.Kind == RegionKind.Nfit) && bus.Scrub == ScrubState.None)
        {
            var expected = golden["iomem"]!.AsArray().Select(l => (string)l!)
                .Where(l => l.Contains("Persistent", StringComparison.Ordinal) || l.Contains("namespace", StringComparison.Ordinal) || l.Contains(" : dax", StringComparison.Ordinal));
            var actual = IoMemory.Of(bus).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (!expected.SequenceEqual(actual))
            {
                wrong.AppendLine($"iomem: expected {string.Join('|', expected)} but was {string.Join('|', actual)}");
            }
        }

        Sysfs(wrong, bus, golden["sysfs"]!["nd"]!.AsObject());
        return wrong.Length == 0 ? null : $"{@case} {golden["name"]}: {wrong}";
    }

    private static void Compare(StringBuilder wrong, string what, JsonNode? expected, JsonNode? actual, Bus bus)
    {
        if (expected is JsonArray buses && bus.Scrub != ScrubState.None)
        {
            // nfit_test has a second bus that is not ours
            expected = new JsonArray([.. buses.Where(b => (string?)b!["provider"] == bus.Provider).Select(b => b!.DeepClone())]);
        }

        var (a, b) = (GoldenJson.Normal(GoldenJson.Without(expected, Unknowable)), GoldenJson.Normal(GoldenJson.Without(actual, Unknowable)));
        if (a != b)
        {
            wrong.AppendLine($"{what}:\n  expected {a}\n  but was  {b}");
        }
    }

    private static void Sysfs(StringBuilder wrong, Bus bus, JsonObject devices)
    {
        foreach (var (name, attributes) in devices)
        {
            var actual = bus.FindRegion(name) is { } region ? DeviceAttributes.Of(region)
                : bus.FindNamespace(name) is { } device ? DeviceAttributes.Of(device)
                : bus.FindPersonality(name) is { } personality ? DeviceAttributes.Of(bus, personality)
                : bus.FindDimm(name) is { } dimm ? DeviceAttributes.Of(bus, dimm)
                : null;
            if (actual is null)
            {
                if (!name.StartsWith("ndbus", StringComparison.Ordinal) && bus.Scrub == ScrubState.None)
                {
                    wrong.AppendLine($"sysfs: {name} is missing");
                }

                continue;
            }

            foreach (var (attribute, value) in attributes!.AsObject())
            {
                if (actual.TryGetValue(attribute, out var shown) && (shown.Text ?? "").TrimEnd() != ((string)value!).TrimEnd())
                {
                    wrong.AppendLine($"sysfs: {name}/{attribute}: expected '{value}' but was '{shown.Text}'");
                }
                else if (!actual.ContainsKey(attribute) && bus.FindDimm(name) is null
                    && attribute is not ("uevent" or "driver" or "badblocks" or "nfit/range_index" or "dax_region/id" or "dax_region/size" or "dax_region/align"))
                {
                    wrong.AppendLine($"sysfs: {name}/{attribute} is missing");
                }
            }
        }

        foreach (var name in bus.Namespaces.Select(n => n.Name).Concat(bus.Regions.SelectMany(r => r.AllPersonalities()).Select(p => p.Name)))
        {
            if (!devices.ContainsKey(name))
            {
                wrong.AppendLine($"sysfs: {name} is too much");
            }
        }
    }
}
