using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Btt;
using PmemFleet.Nvdimm.Tests.InfoBlocks;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>
/// What a boot over damaged info blocks lists: a personality whose block is good and that does not start holds its namespace
/// all the same, with the block's uuid, and shows (recorded cases f_btt_* and l_pfn_*).
/// </summary>
public class ClaimedAndFailedTests
{
    private readonly FakeMedia _media = new();

    public static TheoryData<string> Cases =>
    [
        .. GoldenVectors.Cases("f_btt_").Where(name => name is not ("f_btt_write" or "f_btt_info_lbasize")),
        .. GoldenVectors.Cases("l_pfn_").Where(name => name != "l_pfn_base"),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Boot_DamagedInfoBlocks_ListsWhatLinuxLists(string @case)
    {
        var bus = Booted(@case);

        var listed = Namespaces(NdctlList.Of(bus, new ListOptions { Namespaces = true, DaxRegions = true, Idle = true })).Where(HasCapacity).ToList();

        var recorded = Namespaces(GoldenVectors.Snapshot(@case, "booted")["ndctl_list_BDRNiX"]).Where(HasCapacity);
        Assert.Equal(recorded.Select(Text).Order(StringComparer.Ordinal), listed.Select(Text).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("f_btt_flog_seq_equal", "namespace0.0", "btt0.1", "btt0.0")]
    [InlineData("l_pfn_minor0", "namespace0.1", "dax0.1", "dax0.0")]
    public void Boot_ClaimThatDidNotStart_HoldsTheNamespaceUntilItIsDisabled(string @case, string name, string holder, string seed)
    {
        var bus = Bus.Load(Booted(@case).Snapshot());
        var device = bus.FindNamespace(name)!;
        var recorded = GoldenVectors.Snapshot(@case, "booted")["sysfs"]!["nd"]!;
        Assert.Equal(((string?)recorded[name]!["holder"], (string?)recorded["region0"]![seed[..3] + "_seed"]), (device.Claim!.Name, bus.FindRegion("region0")!.Seed(device.Claim.Kind)!.Name));
        Assert.Equal((holder, seed, false), (device.Claim.Name, bus.FindRegion("region0")!.Seed(device.Claim.Kind)!.Name, device.IsEnabled));

        // the namespace's driver does not take what another holds
        Assert.Equal((Errno.ENXIO, "namespace-claimed"), bus.EnableNamespace(name).Refusal is { } claimed ? (claimed.Errno, claimed.Rule) : default);
        Assert.Equal(Errno.EBUSY, bus.SetUuid(name, TestAreas.Uuid(70)).Refusal!.Errno);
        Assert.Null(bus.DisableNamespace(name).Refusal);
        Assert.Null(device.Claim);
        Assert.Null(bus.FindPersonality(holder));

        Assert.Null(_media.Run(bus, bus.ReconfigureNamespace(name, BusPropertyTests.Options(71, NamespaceMode.Devdax, 0)).Value.Steps)!.Value.Refusal);
        Assert.True(device.IsEnabled);
    }

    /// <summary>The recorded machine as it was before the damage, and then booted over it.</summary>
    private Bus Booted(string @case)
    {
        var isBtt = @case.StartsWith("f_", StringComparison.Ordinal);
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        Assert.Null(bus.Plug(GoldenHosts.QemuDimm(0, isBtt ? 64 << 20 : 256 << 20, 128 << 10)).Refusal);
        Assert.Null(bus.InitLabels("nmem0").Refusal);
        Assert.Null(bus.Define(new RegionDefinition { Mappings = [new MappingDefinition("nmem0")] }).Refusal);
        if (isBtt)
        {
            Create(bus, GoldenArena.Parent, NamespaceMode.Sector, GoldenArena.Size, "btt32");
        }
        else
        {
            Create(bus, PagesDamageTests.Parent(0), NamespaceMode.Fsdax, 64 << 20, "fs");
            Create(bus, PagesDamageTests.Parent(1), NamespaceMode.Devdax, 64 << 20, "dd");
        }

        foreach (var step in bus.PowerCycle().Cast<MediaStep.Bind>())
        {
            IMedia media = isBtt ? BttDamageTests.Damaged(@case) : PagesDamageTests.Media(@case, step.Namespace[^1] - '0');
            bus.Complete(step.Namespace, NamespaceBinder.Bind(step.Plan, media));
        }

        return bus;
    }

    private void Create(Bus bus, Guid uuid, NamespaceMode mode, long size, string name)
    {
        var options = BusPropertyTests.Options(60, mode, size) with { Uuid = uuid, PersonalityUuid = TestAreas.Uuid((int)mode + 80), Name = name };
        Assert.Null(_media.Run(bus, bus.CreateNamespace(options).Value.Steps)!.Value.Refusal);
    }

    private static bool HasCapacity(JsonNode node) => (string?)node["name"] is not null;

    private static string Text(JsonNode node) => GoldenJson.Normal(node);

    private static IEnumerable<JsonNode> Namespaces(JsonNode? node) => node switch
    {
        JsonArray array => array.SelectMany(Namespaces),
        JsonObject one => (((string?)one["dev"])?.StartsWith("namespace", StringComparison.Ordinal) == true ? [one] : Array.Empty<JsonNode>())
            .Concat(one.SelectMany(member => member.Value is JsonArray or JsonObject ? Namespaces(member.Value) : [])),
        _ => [],
    };
}
