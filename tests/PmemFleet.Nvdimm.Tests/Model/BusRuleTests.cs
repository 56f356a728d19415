using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Sysfs;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

public class BusRuleTests
{
    private readonly FakeMedia _media = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void Define_Ways_GivesOneRegionOverAllDimms(int ways)
    {
        var bus = BusPropertyTests.Host(_media, ways, LabelVersion.V12);
        var region = bus.FindRegion("region0")!;

        Assert.Equal((ways * 512L << 20, ways * 512L << 20), (region.Size, region.AvailableSize));
        Assert.Equal(0, region.Align % ways);
        BusPropertyTests.Create(bus, _media, 1, NamespaceMode.Raw, region.Align * 4);
        Assert.All(bus.Dimms, d => Assert.Equal(region.Align * 4 / ways, d.Space.Allocated(TestAreas.Uuid(1))));
    }

    [Fact]
    public void Define_SeveralRegions_LeavesAGapOfOneGibibyte()
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        for (var i = 0; i < 2; i++)
        {
            Assert.Null(bus.Plug(GoldenHosts.QemuDimm(i, 1536 << 20, null)).Refusal);
            Assert.Null(bus.Define(new RegionDefinition { Mappings = [new MappingDefinition($"nmem{i}")] }).Refusal);
        }

        Assert.Equal([0x100000000, 0x180000000], bus.Regions.Select(r => r.Start));
        Assert.Equal(Errno.EBUSY, bus.Define(new RegionDefinition { Mappings = [new MappingDefinition("nmem0")] }).Refusal!.Errno);
        Assert.Equal(Errno.EINVAL, bus.Define(new RegionDefinition()).Refusal!.Errno);
        Assert.Equal(Errno.ENXIO, bus.Define(new RegionDefinition { Mappings = [new MappingDefinition("nmem7")] }).Refusal!.Errno);
        Assert.Equal(Errno.EBUSY, bus.Define(new RegionDefinition { Kind = RegionKind.Legacy, SizePerDimm = new Bytes(4096), Start = new Spa(0x100000000) }).Refusal!.Errno);
    }

    [Fact]
    public void Disable_DimmOfALabelledRegion_FailsTheRegionsNextProbe()
    {
        var bus = BusPropertyTests.Host(_media, 2, LabelVersion.V11);
        bus.DisableRegion("region0");
        Assert.Null(bus.DisableDimm("nmem1").Refusal);

        var refused = bus.EnableRegion("region0").Refusal!;

        Assert.Equal((Errno.ENXIO, "nd_region region0: nmem1: is disabled, failing probe"), (refused.Errno, refused.Message));
        Assert.Equal(0, bus.FindRegion("region0")!.AvailableSize);
        Assert.Contains("\"state\":\"disabled\"", NdctlList.Of(bus, new ListOptions { Dimms = true, Idle = true, Dimm = "nmem1" })!.ToJsonString(), StringComparison.Ordinal);
        Assert.Null(bus.EnableDimm("nmem1").Refusal);
        Assert.Null(bus.EnableRegion("region0").Refusal);
    }

    [Fact]
    public void Probe_SetStoppedBetweenDimms_FailsUntilTheLabelIsComplete()
    {
        var bus = BusPropertyTests.Host(_media, 2, LabelVersion.V12);
        BusPropertyTests.Create(bus, _media, 1, NamespaceMode.Raw, 64 << 20);
        var complete = bus.ReadLabels("nmem1").Value;
        bus.DisableRegion("region0");
        bus.InitLabels("nmem1", LabelVersion.V12, force: true);

        Assert.Equal("nd_region region0: nmem0 missing label for " + TestAreas.Uuid(1), bus.EnableRegion("region0").Refusal!.Message);

        bus.WriteLabels("nmem1", 0, complete);
        _media.Run(bus, bus.EnableRegion("region0").Value.Steps);
        Assert.Equal(TestAreas.Uuid(1), bus.FindNamespace("namespace0.0")!.Uuid);
    }

    [Theory]
    [InlineData(0UL, 0)]
    [InlineData(0x0803f6d70100fefbUL, 1)]
    [InlineData(0x0c0ffadb0100fefbUL, 1)]
    public void Probe_LabelsWithEitherCookie_AreAccepted(ulong cookie, int namespaces)
    {
        var bus = GoldenHosts.For("a_n_nfit_test", _media);
        foreach (var region in new[] { "region0", "region1" })
        {
            bus.DisableRegion(region);
        }

        for (var i = 0; i < 4; i++)
        {
            bus.InitLabels($"nmem{i}");
            var view = TestAreas.Probe(bus.FindDimm($"nmem{i}")!.Area!, i);
            view.Write(TestAreas.Label(TestAreas.Uuid(1), 16 << 20, position: (ushort)i, count: 4) with { Cookie = cookie, RawSize = 4 << 20 });
        }

        bus.PowerCycle();

        Assert.Equal(namespaces, bus.FindRegion("region1")!.Namespaces.Count(n => n is { Size: 16 << 20 }));
    }

    [Fact]
    public void Unarmed_Dimm_MakesTheRegionReadOnly()
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        bus.Plug(GoldenHosts.QemuDimm(0, Bytes.GiB, 128 << 10, TestAreas.Initialised().ToArray()) with { Conditions = DimmConditions.NotArmed });
        bus.Define(new RegionDefinition { Mappings = [new MappingDefinition("nmem0")] });

        Assert.Equal("1", DeviceAttributes.Of(bus.FindRegion("region0")!)["read_only"].Text);
        Assert.Contains("\"flag_failed_arm\":true", NdctlList.Of(bus, new ListOptions { Dimms = true })!.ToJsonString(), StringComparison.Ordinal);
        var refused = bus.CreateNamespace(BusPropertyTests.Options(1, NamespaceMode.Raw, 64 << 20)).Refusal!;
        Assert.Equal((Errno.ENOSPC, "region-read-only"), (refused.Errno, refused.Rule));
        Assert.Null(bus.SetRegionReadOnly("region0", false).Refusal);
        Assert.Null(bus.CreateNamespace(BusPropertyTests.Options(1, NamespaceMode.Raw, 64 << 20)).Refusal);
    }

    [Fact]
    public void Locked_Dimm_RefusesLabelsAndBinds()
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        bus.Plug(GoldenHosts.QemuDimm(0, Bytes.GiB, 128 << 10) with { Locked = true, Security = "locked" });
        var defined = bus.Define(new RegionDefinition { Mappings = [new MappingDefinition("nmem0")] });

        Assert.Empty(defined.Value.Steps);
        Assert.Equal(Errno.EACCES, bus.ReadLabels("nmem0").Refusal!.Errno);
        Assert.Equal(Errno.EACCES, bus.EnableNamespace("namespace0.0").Refusal!.Errno);
    }

    [Fact]
    public void Create_WhileOthersArePending_NeedsNoOutcomeFirst()
    {
        var bus = BusPropertyTests.Host(_media, 1, LabelVersion.V11);
        var changes = Enumerable.Range(1, 4).Select(i => bus.CreateNamespace(BusPropertyTests.Options(i, NamespaceMode.Fsdax, 64 << 20)).Value).ToArray();

        Assert.Equal(["namespace0.0", "namespace0.1", "namespace0.2", "namespace0.3"], changes.Select(c => c.Namespace.Name));
        Assert.All(bus.Namespaces.Take(4), n => Assert.Equal(NamespaceState.Pending, n.State));
        Assert.Equal(Errno.EBUSY, bus.DestroyNamespace("namespace0.1", force: true).Refusal!.Errno);
        foreach (var change in changes.Reverse())
        {
            Assert.Null(_media.Run(bus, change.Steps)!.Value.Refusal);
        }

        Assert.Equal("namespace0.4", bus.FindRegion("region0")!.NamespaceSeed!.Name);
        Assert.Equal(Errno.EINVAL, bus.Complete("namespace0.0", new BindOutcome.Raw()).Refusal!.Errno);
    }

    [Fact]
    public void Create_BttTooSmall_LeavesItsClaimUntilTheRegionIsDisabled()
    {
        var bus = BusPropertyTests.Host(_media, 1, LabelVersion.V11);
        var options = BusPropertyTests.Options(1, NamespaceMode.Sector, 16 << 20);

        var failed = _media.Run(bus, bus.CreateNamespace(options).Value.Steps)!.Value.Refusal!;
        Assert.Equal((Errno.ENXIO, "namespace0.0: failed to enable", "19"), (failed.Errno, failed.Message, failed.Numbers["exitErrno"]));
        Assert.Equal("btt0.0", bus.FindNamespace("namespace0.0")!.Claim!.Name);
        Assert.Equal(("namespace0.0", "btt0.0"), (bus.FindRegion("region0")!.NamespaceSeed!.Name, bus.FindRegion("region0")!.Seed(PersonalityKind.Btt)!.Name));
        var next = bus.CreateNamespace(BusPropertyTests.Options(2, NamespaceMode.Sector, 64 << 20)).Refusal!;
        Assert.Equal((Errno.EBUSY, "create namespace: btt0.0: set_namespace failed: Device or resource busy"), (next.Errno, next.Message));

        bus.DisableRegion("region0");
        _media.Run(bus, bus.EnableRegion("region0").Value.Steps);
        BusPropertyTests.Create(bus, _media, 3, NamespaceMode.Sector, 64 << 20);
    }

    [Fact]
    public void Create_DisabledNamespaceZero_IsLeftAlone()
    {
        var bus = BusPropertyTests.Host(_media, 1, LabelVersion.V11);
        BusPropertyTests.Create(bus, _media, 1, NamespaceMode.Raw, 64 << 20);
        bus.DisableNamespace("namespace0.0");

        BusPropertyTests.Create(bus, _media, 2, NamespaceMode.Raw, 64 << 20);

        Assert.Equal((TestAreas.Uuid(1), TestAreas.Uuid(2)), (bus.FindNamespace("namespace0.0")!.Uuid, bus.FindNamespace("namespace0.1")!.Uuid));
    }

    [Fact]
    public void Bind_SeedFails_StaysTheSeedButWhereTheKernelSaysUnsupported()
    {
        var bus = BusPropertyTests.Host(_media, 1, LabelVersion.V11);
        bus.SetUuid("namespace0.0", TestAreas.Uuid(1));
        bus.SetSize("namespace0.0", 64 << 20);
        Assert.Null(bus.Bind("namespace0.0").Refusal);
        Assert.Equal("namespace0.1", bus.FindRegion("region0")!.NamespaceSeed!.Name);

        var failure = new Refusal(Errno.ENXIO, "info-block-unreadable", "cannot be read");
        var completed = bus.Complete("namespace0.0", new BindOutcome.Failed { Refusal = failure });

        Assert.Equal((failure.Errno, failure.Rule, "6"), (completed.Refusal!.Errno, completed.Refusal.Rule, completed.Refusal.Numbers["exitErrno"]));
        Assert.Equal("namespace0.0", Assert.Single(bus.Namespaces).Name);
        Assert.True(bus.FindNamespace("namespace0.0")!.IsSeed);

        Assert.Null(bus.Bind("namespace0.0").Refusal);
        bus.Complete("namespace0.0", new BindOutcome.Failed { Refusal = new Refusal(Errno.EOPNOTSUPP, "bad-offset", "bad offset") });
        Assert.Equal("namespace0.1", bus.FindRegion("region0")!.NamespaceSeed!.Name);
    }

    [Fact]
    public void Reconfigure_LabelLessWithAutoLabel_ContinuesLabelled()
    {
        var bus = GoldenHosts.Qemu(_media);

        var change = bus.ReconfigureNamespace("namespace0.0", BusPropertyTests.Options(1, NamespaceMode.Fsdax, 0) with { AutoLabel = true }).Value;
        Assert.Null(_media.Run(bus, change.Steps)!.Value.Refusal);

        Assert.Equal((NamespaceKind.Pmem, TestAreas.Uuid(1)), (change.Namespace.Kind, change.Namespace.Uuid));
        Assert.Equal(LabelVersion.V12, bus.CheckLabels("nmem0").Value);
    }

    [Theory]
    [InlineData("4G", 4L << 30, "G")]
    [InlineData("4GiB", 4L << 30, "G")]
    [InlineData("16385K", 16385L << 10, "K")]
    [InlineData("0", 0, "")]
    [InlineData("123", 123, "")]
    public void SizeText_Legal_IsRead(string text, long bytes, string suffix) =>
        Assert.Equal((bytes, suffix), (SizeText.Parse(text)!.Value.Bytes, SizeText.Parse(text)!.Value.Suffix));

    [Theory]
    [InlineData("-1")]
    [InlineData("abc")]
    [InlineData("4Q")]
    [InlineData("4 G")]
    [InlineData("")]
    [InlineData("99999999999G")]
    [InlineData("1GG")]
    public void SizeText_Illegal_IsNone(string text) => Assert.Null(SizeText.Parse(text));

    [Theory]
    [InlineData("memory", NamespaceMode.Fsdax)]
    [InlineData("dax", NamespaceMode.Devdax)]
    [InlineData("safe", NamespaceMode.Sector)]
    [InlineData("raw", NamespaceMode.Raw)]
    public void Parse_OldSpelling_IsRead(string text, NamespaceMode mode) => Assert.Equal(mode, NamespaceModes.Parse(text));
}
