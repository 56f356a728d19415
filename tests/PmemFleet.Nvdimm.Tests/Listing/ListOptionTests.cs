using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Tests.Model;

namespace PmemFleet.Nvdimm.Tests.Listing;

/// <summary>Options of <c>ndctl list</c> that no recorded command line has, or only over DIMMs without an answer (spec 20 section 10).</summary>
public sealed class ListOptionTests
{
    private readonly Bus _bus = GoldenHosts.Qemu(new FakeMedia());

    [Fact]
    public void Of_Capabilities_AreBetweenTheRegionsStateAndItsPersistence()
    {
        var region = Only(new ListOptions { Regions = true, Capabilities = true });

        Assert.Equal(["type", "capabilities", "persistence_domain"], region.Select(member => member.Key).SkipWhile(key => key != "type").Where(key => key is not "numa_node"));
        Assert.Equal(
            """[{"mode":"sector","sector_sizes":[512,520,528,4096,4104,4160,4224]},{"mode":"fsdax","alignments":[4096,2097152,1073741824]},{"mode":"devdax","alignments":[4096,2097152,1073741824]}]""",
            region["capabilities"]!.ToJsonString());
    }

    [Fact]
    public void Of_CapabilitiesOfADisabledRegion_AreNotThere()
    {
        Assert.Null(_bus.DisableRegion("region0").Refusal);

        Assert.False(Only(new ListOptions { Regions = true, Idle = true, Capabilities = true }).ContainsKey("capabilities"));
    }

    [Fact]
    public void Of_Firmware_ComesAfterSecurityAndBeforeHealth()
    {
        var dimm = Only(new ListOptions
        {
            Dimms = true,
            Human = true,
            FrozenDimms = ["nmem0"],
            Firmware = new Dictionary<string, FirmwareListing> { ["nmem0"] = new(0x10, 0x11, IsArmed: true) },
            Health = new Dictionary<string, JsonObject> { ["nmem0"] = new() { ["health_state"] = "ok" } },
        });

        Assert.Equal(["security_frozen", "firmware", "health"], dimm.Select(member => member.Key).SkipWhile(key => key != "security_frozen"));
        Assert.Equal("""{"current_version":"0x10","can_update":true,"next_version":"0x11","activate_state":"armed"}""", dimm["firmware"]!.ToJsonString());
    }

    [Fact]
    public void Of_FirmwareOfABus_SaysWhetherADimmIsArmed()
    {
        var bus = Only(new ListOptions { Buses = true, Firmware = new Dictionary<string, FirmwareListing> { ["nmem0"] = new(1, 2, IsArmed: true) } });

        Assert.Equal("""{"activate_method":"suspend","activate_state":"armed"}""", bus["firmware"]!.ToJsonString());
    }

    [Theory]
    [InlineData("0", 0UL)]
    [InlineData("1.2.0.5446", 0x102005446UL)]
    [InlineData("9999", 0x9999UL)]
    [InlineData("99999", FirmwareListing.UnknownVersion)]
    [InlineData("100.0", FirmwareListing.UnknownVersion)]
    [InlineData("1.2.3.4.5.6", FirmwareListing.UnknownVersion)]
    [InlineData("1..2", FirmwareListing.UnknownVersion)]
    [InlineData("1.a", FirmwareListing.UnknownVersion)]
    [InlineData("", FirmwareListing.UnknownVersion)]
    public void Number_OfAVersion_IsItsDecimalDigits(string version, ulong number) => Assert.Equal(number, FirmwareListing.Number(version));

    [Theory]
    [InlineData("pmem", null, true)]
    [InlineData("blk", null, false)]
    [InlineData(null, 7, false)]
    [InlineData("pmem", 0, true)]
    public void Of_FilteredByTypeOrNode_HasTheRegionOrNot(string? type, int? node, bool isListed)
    {
        var bus = Bus.Load(_bus.Snapshot() is var saved ? saved with { Regions = [.. saved.Regions.Select(region => region with { NumaNode = 0 })] } : null!);

        Assert.Equal(isListed, NdctlList.Of(bus, new ListOptions { Regions = true, RegionType = type, NumaNode = node }) is not null);
        Assert.Equal(isListed, NdctlList.Of(bus, new ListOptions { Namespaces = true, Idle = true, RegionType = type, NumaNode = node }) is not null);
    }

    [Fact]
    public void Of_DaxctlFilteredByRegionAndDevice_HasTheMatchingDevices()
    {
        var media = new FakeMedia();
        var bus = GoldenHosts.Qemu(media);
        Assert.Null(bus.DisableRegion("region0").Refusal);
        Assert.Null(bus.InitLabels("nmem0", Nvdimm.Labels.LabelVersion.V12, force: false).Refusal);
        media.Run(bus, bus.EnableRegion("region0").Value.Steps);
        var made = bus.CreateNamespace(new NamespaceOptions { Uuid = Labels.TestAreas.Uuid(1), PersonalityUuid = Labels.TestAreas.Uuid(2), Mode = NamespaceMode.Devdax });
        media.Run(bus, made.Value.Steps);

        Assert.NotNull(DaxctlList.Of(bus, new DaxctlOptions { Region = "0", Device = "dax0.0" }));
        Assert.Null(DaxctlList.Of(bus, new DaxctlOptions { Region = "1" }));
        Assert.Null(DaxctlList.Of(bus, new DaxctlOptions { Device = "dax0.1" }));
    }

    /// <summary>ndctl asks for a power cycle only after an activation that failed, needs a reset, or ended in a way that it does not know.</summary>
    [Theory]
    [InlineData(FirmwareActivationResult.None, false)]
    [InlineData(FirmwareActivationResult.Success, false)]
    [InlineData(FirmwareActivationResult.NotStaged, false)]
    [InlineData(FirmwareActivationResult.NeedReset, true)]
    [InlineData(FirmwareActivationResult.Fail, true)]
    [InlineData(FirmwareActivationResult.Unknown, true)]
    public void Of_FirmwareThatWaits_NeedsAPowerCycleOnlyAfterAFailure(FirmwareActivationResult result, bool needsPowerCycle)
    {
        var dimm = Only(new ListOptions { Dimms = true, Firmware = new Dictionary<string, FirmwareListing> { ["nmem0"] = new(1, 2, IsArmed: false, result) } });

        Assert.Equal(needsPowerCycle, dimm["firmware"]!["need_powercycle"] is not null);
    }

    private JsonObject Only(ListOptions options)
    {
        var printed = NdctlList.Of(_bus, options);
        return (JsonObject)(printed is JsonArray array ? array.Single()! : printed!);
    }
}
