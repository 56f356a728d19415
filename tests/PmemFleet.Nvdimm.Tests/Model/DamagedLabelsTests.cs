using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Sysfs;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>What a real kernel made of damaged label areas (golden group e).</summary>
public class DamagedLabelsTests
{
    public static TheoryData<string> Cases => [.. GoldenVectors.Cases("e").Where(c => GoldenVectors.Has(c + "/damaged_before_boot.label"))];

    [Theory]
    [MemberData(nameof(Cases))]
    [Trait("Row", "21")]
    public void Probe_DamagedLabels_FindsWhatLinuxFinds(string @case)
    {
        var golden = GoldenVectors.Snapshot(@case, "seen");
        var (bus, media) = Boot(@case, golden);

        // the recorded guest took everything down once and up again
        Assert.Null(bus.DisableRegion("region0").Refusal);
        Assert.Null(bus.DisableDimm("nmem0").Refusal);
        bus.EnableDimm("nmem0");
        if (bus.EnableRegion("region0").TryGet(out var change, out _))
        {
            media.Run(bus, change.Steps);
        }

        AssertSeen(bus, golden);
        Assert.Equal(GoldenVectors.Bytes(@case + "/after.label"), bus.FindDimm("nmem0")!.Area!.ToArray());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void PowerCycle_DamagedLabels_FindsTheSame(string @case)
    {
        var golden = GoldenVectors.Snapshot(@case, "seen");
        var (bus, media) = Boot(@case, golden);

        media.Run(bus, bus.PowerCycle());

        AssertSeen(bus, golden);
    }

    private static (Bus Bus, FakeMedia Media) Boot(string @case, JsonNode golden)
    {
        var media = new FakeMedia();
        foreach (var listed in golden["ndctl_list_BDRNiX"]![0]!["regions"]![0]!["namespaces"]?.AsArray() ?? [])
        {
            switch ((string)listed!["mode"]!)
            {
                case "fsdax":
                    var size = (long)listed["size"]!;
                    media.Put(0x104000000, new BindOutcome.Pages
                    {
                        Kind = PersonalityKind.Pfn,
                        Uuid = Guid.Parse((string)listed["uuid"]!),
                        Map = MapLocation.Pmem,
                        Align = new Bytes((long)listed["align"]!),
                        DataOffset = new Bytes((128 << 20) - size),
                        Size = new Bytes(size),
                        PageCount = size / 4096,
                    }, PersonalityKind.Pfn, TestAreas.Uuid(2));
                    break;
                case "sector":
                    media.Put(0x10c000000, new BindOutcome.Btt
                    {
                        Uuid = Guid.Parse((string)listed["uuid"]!),
                        SectorSize = new Bytes(4096),
                        Size = new Bytes((long)listed["size"]!),
                        Version = new Version(1, 1),
                    }, PersonalityKind.Btt, TestAreas.Uuid(3));
                    break;
            }
        }

        return (GoldenHosts.Qemu(media, labels: GoldenVectors.Bytes(@case + "/damaged_before_boot.label")), media);
    }

    private static void AssertSeen(Bus bus, JsonNode golden)
    {
        // Linux sets the namespace seed after it starts the first probe: when that probe is quicker, no new seed is made
        var region = golden["sysfs"]!["nd"]!["region0"]!;
        var raced = (string?)region["namespace_seed"] == "namespace0.0" && (string?)region["nstype"] == "5"
            && golden["sysfs"]!["nd"]!["namespace0.0"]!["size"]!.ToString() != "0";
        var all = new ListOptions { Buses = true, Dimms = true, Regions = true, Namespaces = true, Idle = true, DaxRegions = true, Verbose = true };

        Assert.Equal(Normal(golden["ndctl_list_BDRNiX_v_M"], raced), Normal(NdctlList.Of(bus, all), raced));
        Assert.Equal(GoldenJson.Normal(golden["ndctl_list_Nu"]), GoldenJson.Normal(NdctlList.Of(bus, new ListOptions { Human = true })));
        foreach (var name in new[] { "available_size", "max_available_extent", "nstype", "set_cookie", "init_namespaces" })
        {
            Assert.Equal((string)region[name]!, DeviceAttributes.Of(bus.FindRegion("region0")!)[name].Text ?? "");
        }

        foreach (var name in new[] { "available_slots", "state", "flags" })
        {
            Assert.Equal(((string)golden["sysfs"]!["nd"]!["nmem0"]![name]!).TrimEnd(), DeviceAttributes.Of(bus, bus.FindDimm("nmem0")!)[name].Text ?? "");
        }
    }

    private static string Normal(JsonNode? node, bool withoutIdle)
    {
        if (withoutIdle && node!.DeepClone() is var copy && copy[0]!["regions"]![0]!["namespaces"] is JsonArray listed)
        {
            foreach (var idle in listed.Where(n => (long)n!["size"]! == 0).ToArray())
            {
                listed.Remove(idle);
            }

            return GoldenJson.Normal(copy);
        }

        return GoldenJson.Normal(node);
    }
}
