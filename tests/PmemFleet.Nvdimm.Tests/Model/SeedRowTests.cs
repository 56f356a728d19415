using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Sysfs;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

public class SeedRowTests
{
    private readonly FakeMedia _media = new();

    [Fact]
    [Trait("Row", "18")]
    public void InitLabels_LabelLessRegion_BecomesLabelled()
    {
        var bus = GoldenHosts.Qemu(_media);

        Cycle(bus, () => Assert.Null(bus.InitLabels("nmem0").Refusal));

        var region = bus.FindRegion("region0")!;
        var seed = Assert.Single(region.Namespaces);
        Assert.Equal((NamespaceKind.Pmem, 0L, region.Size), (region.NamespaceKind, seed.Size, region.AvailableSize));
    }

    [Fact]
    [Trait("Row", "19")]
    [Trait("Row", "22")]
    public void Probe_NoLabels_GivesOneWholeNamespaceThatCannotBeResized()
    {
        var bus = GoldenHosts.Qemu(_media);

        var whole = Assert.Single(bus.Namespaces);
        Assert.Equal((NamespaceKind.Io, Bytes.GiB, (Guid?)null), (whole.Kind, whole.Size, whole.Uuid));
        Assert.DoesNotContain("uuid", DeviceAttributes.Of(whole).Keys);
        Assert.Null(bus.DisableNamespace("namespace0.0").Refusal);
        Assert.Equal(Errno.EINVAL, bus.SetSize("namespace0.0", 512 << 20).Refusal!.Errno);
        var smaller = bus.ReconfigureNamespace("namespace0.0", BusPropertyTests.Options(1, NamespaceMode.Raw, 512 << 20));
        Assert.Equal((Errno.EINVAL, "label-less-size"), (smaller.Refusal!.Errno, smaller.Refusal.Rule));
    }

    [Fact]
    [Trait("Row", "20")]
    [Trait("Row", "23")]
    public void Create_HalfTheRegionTwice_GivesTwoDisjointNamespaces()
    {
        var bus = Labelled();
        var before = bus.FindRegion("region0")!.AvailableSize;

        BusPropertyTests.Create(bus, _media, 1, NamespaceMode.Raw, 512 << 20);
        Assert.Equal(before - (512 << 20), bus.FindRegion("region0")!.AvailableSize);
        BusPropertyTests.Create(bus, _media, 2, NamespaceMode.Raw, 512 << 20);

        var made = bus.Namespaces.Where(n => n.Size > 0).ToArray();
        Assert.Equal(["namespace0.0", "namespace0.1"], made.Select(n => n.Name));
        Assert.Equal(made[0].Start + made[0].Size, made[1].Start);
    }

    [Fact]
    [Trait("Row", "21")]
    public void Probe_OneValidIndex_IsEnoughForLabels()
    {
        var bus = Labelled();
        var size = TestAreas.Probe(bus.FindDimm("nmem0")!.Area!).Geometry.IndexBytes;
        Stop(bus);
        Assert.Null(bus.WriteLabels("nmem0", 64, new byte[8]).Refusal);
        Assert.Null(bus.WriteLabels("nmem0", size + 64, new byte[8]).Refusal);

        _media.Run(bus, bus.PowerCycle());
        Assert.Equal(NamespaceKind.Io, bus.FindRegion("region0")!.NamespaceKind);

        Stop(bus);
        Assert.Null(bus.InitLabels("nmem0").Refusal);
        Assert.Null(bus.WriteLabels("nmem0", size + 64, new byte[8]).Refusal);
        _media.Run(bus, bus.PowerCycle());
        Assert.Equal(NamespaceKind.Pmem, bus.FindRegion("region0")!.NamespaceKind);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(2097152)]
    [InlineData(1073741824)]
    [Trait("Row", "33")]
    public void PfnAlign_Stored_ReadsAsDecimal(long align)
    {
        var bus = Labelled();

        Assert.Null(bus.SetPersonalityAlign("pfn0.0", align).Refusal);
        Assert.Equal($"{align}", DeviceAttributes.Of(bus, bus.FindPersonality("pfn0.0")!)["align"].Text);
        Assert.Equal(Errno.EINVAL, bus.SetPersonalityAlign("pfn0.0", 8192).Refusal!.Errno);
    }

    [Fact]
    [Trait("Row", "34")]
    [Trait("Row", "50")]
    [Trait("Row", "51")]
    public void Legacy_Range_IsListedAsMemory()
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "e820" });
        Define(bus, 0x100000000, Bytes.GiB);
        Define(bus, 0x1fc000000, 4 * Bytes.GiB);

        Assert.Contains("1fc000000-2fbffffff : Persistent Memory (legacy)\n  1fc000000-2fbffffff : namespace1.0\n", IoMemory.Of(bus), StringComparison.Ordinal);
        Assert.Contains("00000000-00000000 : namespace1.0", IoMemory.Of(bus, showAddresses: false), StringComparison.Ordinal);
        var listed = NdctlList.Namespace(bus.FindNamespace("namespace1.0")!, new ListOptions());
        Assert.Equal("""{"dev":"namespace1.0","mode":"fsdax","map":"mem","size":4294967296,"sector_size":512,"blockdev":"pmem1"}""", listed.ToJsonString());
        Assert.Equal("memory", DeviceAttributes.Of(bus.FindNamespace("namespace1.0")!)["mode"].Text);
        Assert.Empty(bus.Dimms);

        void Define(Bus on, long start, long size) => _media.Run(on, on.Define(new RegionDefinition
        {
            Kind = RegionKind.Legacy,
            SizePerDimm = new Bytes(size),
            Start = new Spa(start),
        }).Value.Steps);
    }

    [Fact]
    [Trait("Row", "35")]
    public void SizeAttribute_ByKind_IsWritableOnlyWithLabels()
    {
        Assert.Equal(Convert.ToInt32("444", 8), DeviceAttributes.Of(GoldenHosts.Qemu(_media).FindNamespace("namespace0.0")!)["size"].Permissions);
        Assert.Equal(Convert.ToInt32("644", 8), DeviceAttributes.Of(Labelled().FindNamespace("namespace0.0")!)["size"].Permissions);
    }

    [Theory]
    [InlineData(NamespaceMode.Raw)]
    [InlineData(NamespaceMode.Sector)]
    [InlineData(NamespaceMode.Fsdax)]
    [Trait("Row", "38")]
    [Trait("Row", "39")]
    [Trait("Row", "49")]
    [Trait("Row", "53")]
    public void IoMemory_AnyMode_NamesTheNamespace(NamespaceMode mode)
    {
        var bus = Labelled(0x340000000);

        BusPropertyTests.Create(bus, _media, 1, mode, 256 << 20);

        Assert.Equal("340000000-37fffffff : Persistent Memory\n  340000000-34fffffff : namespace0.0\n", IoMemory.Of(bus));
        var listed = NdctlList.Of(bus, new ListOptions { Buses = true, Regions = true, Namespaces = true, Idle = true })!.ToJsonString();
        Assert.DoesNotContain("btt", listed, StringComparison.Ordinal);
        Assert.DoesNotContain("pfn", listed, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "52")]
    [Trait("Row", "54")]
    public void Reconfigure_SectorToRaw_NeedsForceAndZeroesTheInfoBlocks()
    {
        var bus = Labelled(0x340000000);
        BusPropertyTests.Create(bus, _media, 1, NamespaceMode.Sector, 256 << 20);
        var listed = NdctlList.Namespace(bus.FindNamespace("namespace0.0")!, new ListOptions());
        Assert.Equal((267091968L, "pmem0s", 4096L), ((long)listed["size"]!, (string)listed["blockdev"]!, (long)listed["sector_size"]!));

        var options = BusPropertyTests.Options(2, NamespaceMode.Raw, 0);
        var refused = bus.ReconfigureNamespace("namespace0.0", options with { Force = false });
        Assert.Equal((Errno.EBUSY, "namespace0.0 is active, specify --force for re-configuration"), (refused.Refusal!.Errno, refused.Refusal.Message));

        var change = bus.ReconfigureNamespace("namespace0.0", options).Value;
        Assert.Collection(
            change.Steps,
            s => Assert.IsType<MediaStep.Unbind>(s),
            s => Assert.Equal((0x340000000, 8192), (((MediaStep.ZeroInfoBlocks)s).Start.Value, ((MediaStep.ZeroInfoBlocks)s).Length.Value)),
            s => Assert.Null(((MediaStep.Bind)s).Plan.Configured));
        _media.Run(bus, change.Steps);
        Assert.Equal(NamespaceMode.Raw, NamespaceModes.Of(bus.FindNamespace("namespace0.0")!));
    }

    [Fact]
    [Trait("Row", "40")]
    public void DpaExtents_LabelledNamespace_AreCountedOnEveryDimm()
    {
        var bus = BusPropertyTests.Host(_media, 4, LabelVersion.V11);
        BusPropertyTests.Create(bus, _media, 1, NamespaceMode.Raw, 256 << 20);

        Assert.Equal("4", DeviceAttributes.Of(bus.FindNamespace("namespace0.0")!)["dpa_extents"].Text);
    }

    [Fact]
    [Trait("Row", "43")]
    public void Probe_ValidEmptyIndexOrAliasingDimm_ForcesLabels()
    {
        Assert.Equal(NamespaceKind.Pmem, Kind(TestAreas.Initialised().ToArray(), aliases: false));
        Assert.Equal(NamespaceKind.Io, Kind(new byte[TestAreas.Small], aliases: false));
        Assert.Equal(NamespaceKind.Pmem, Kind(new byte[TestAreas.Small], aliases: true));

        static NamespaceKind Kind(byte[] labels, bool aliases)
        {
            var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
            Assert.Null(bus.Plug(GoldenHosts.QemuDimm(0, Bytes.GiB, labels.Length, labels) with { Aliases = aliases }).Refusal);
            return bus.Define(new RegionDefinition { Mappings = [new MappingDefinition("nmem0")] }).Value.Region.NamespaceKind;
        }
    }

    [Fact]
    [Trait("Row", "59")]
    [Trait("Row", "60")]
    public void Bind_RangeBusy_IsRefusedByNameAndNothingIsRead()
    {
        var bus = Labelled();
        BusPropertyTests.Create(bus, _media, 1, NamespaceMode.Devdax, 512 << 20);
        BusPropertyTests.Create(bus, _media, 2, NamespaceMode.Raw, 512 << 20);
        Assert.Null(bus.DestroyNamespace("namespace0.0", force: true).Refusal);
        Assert.Null(bus.SetUuid("namespace0.0", TestAreas.Uuid(3)).Refusal);
        Assert.Null(bus.SetSize("namespace0.0", 512 << 20).Refusal);
        bus.BusyRanges = [new BusyRange(new Spa(0x110000000), new Bytes(4096), "other")];
        Assert.Null(bus.SetPersonalityUuid("dax0.1", TestAreas.Uuid(4)).Refusal);
        Assert.Null(bus.SetMap("dax0.1", MapLocation.Pmem).Refusal);
        Assert.Null(bus.Attach("dax0.1", "namespace0.0").Refusal);

        var refused = bus.Bind("dax0.1").Refusal!;

        Assert.Equal(Errno.EBUSY, refused.Errno);
        Assert.Equal("dax_pmem dax0.1: could not reserve region [mem 0x100000000-0x11fffffff]", refused.Message);
        Assert.Equal(NamespaceState.Disabled, bus.FindNamespace("namespace0.0")!.State);
        bus.BusyRanges = [];
        Assert.Null(_media.Run(bus, bus.Bind("dax0.1").Value.Steps)!.Value.Refusal);
    }

    private Bus Labelled(long start = 0x100000000)
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        Assert.Null(bus.Plug(GoldenHosts.QemuDimm(0, Bytes.GiB, 2 << 20)).Refusal);
        Assert.Null(bus.InitLabels("nmem0").Refusal);
        _media.Run(bus, bus.Define(new RegionDefinition { Mappings = [new MappingDefinition("nmem0")], Start = new Spa(start) }).Value.Steps);
        return bus;
    }

    private void Cycle(Bus bus, Action between)
    {
        Stop(bus);
        between();
        _media.Run(bus, bus.EnableRegion("region0").Value.Steps);
    }

    private void Stop(Bus bus) => _media.Run(bus, bus.DisableRegion("region0").Value.Steps);
}
