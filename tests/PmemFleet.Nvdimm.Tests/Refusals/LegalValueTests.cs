using System.Globalization;
using PmemFleet.Nvdimm.Ars;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Health;
using PmemFleet.Nvdimm.InfoBlocks;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;
using PmemFleet.Nvdimm.Tests.Model;

namespace PmemFleet.Nvdimm.Tests.Refusals;

/// <summary>Every rule that compares a value: its errno, its numbers, and that each value it names as legal is not refused again.</summary>
public class LegalValueTests
{
    private const long MiB = 1 << 20;
    private const long Most = long.MaxValue;

    private static string LongName { get; } = string.Concat(Enumerable.Repeat("ä𝄞", 11)) + "x";

    /// <summary>Rule, errno, a value the rule refuses, and the command with a value.</summary>
    public static TheoryData<string, Errno, string, Func<string, Refusal?>> Cases { get; } = new()
    {
        { "size-misaligned", Errno.EINVAL, $"{33 * MiB}", Set((bus, size) => bus.SetSize("namespace0.1", size)) },
        { "size-misaligned", Errno.EINVAL, "-1", Set((bus, size) => bus.SetSize("namespace0.1", size)) },
        { "size-misaligned", Errno.EINVAL, $"{Most}", Set((bus, size) => bus.SetSize("namespace0.1", size)) },
        { "size-misaligned", Errno.EINVAL, $"{5 * MiB}", Set((bus, size) => bus.CreateNamespace(Options(size, NamespaceMode.Raw))) },
        { "size-misaligned", Errno.EINVAL, $"{5 * MiB}", Set((bus, size) => bus.CreateNamespace(Options(size, NamespaceMode.Fsdax)), ways: 3) },
        { "size-misaligned", Errno.EINVAL, $"{Most}", Set((bus, size) => bus.ReconfigureNamespace("namespace0.0", Options(size, NamespaceMode.Raw))) },
        { "size-interleave-misaligned", Errno.EINVAL, $"{48 * MiB}", Set((bus, size) => bus.CreateNamespace(Options(size, NamespaceMode.Devdax)), ways: 16, empty: true) },
        { "size-interleave-misaligned", Errno.EINVAL, $"{(1L << 62) + (16 * MiB)}", Set((bus, size) => bus.ReconfigureNamespace("namespace0.0", Options(size, NamespaceMode.Fsdax)), ways: 16) },
        { "size-below-minimum", Errno.EINVAL, $"{4 * MiB}", Set((bus, size) => bus.CreateNamespace(Options(size, NamespaceMode.Sector)), align: 4 * MiB) },
        { "size-zero", Errno.EINVAL, "0", Set((bus, size) => Ended(bus.ReconfigureNamespace("namespace0.1", Options(size, NamespaceMode.Raw)))) },
        { "no-space", Errno.ENOSPC, $"{1L << 40}", Set((bus, size) => bus.CreateNamespace(Options(size, NamespaceMode.Raw))) },
        { "no-space", Errno.ENOSPC, $"{1L << 40}", Set((bus, size) => bus.SetSize("namespace0.0", size)) },
        { "allocation-not-contiguous", Errno.ENXIO, $"{128 * MiB}", Fragmented },
        { "label-less-size", Errno.EINVAL, $"{64 * MiB}", Legacy(size => Options(size, NamespaceMode.Raw)) },
        { "name-too-long", Errno.EINVAL, LongName, Name((bus, name) => bus.SetAltName("namespace0.0", name).Refusal) },
        { "name-too-long", Errno.EINVAL, LongName, Name((bus, name) => bus.CreateNamespace(Options(32 * MiB, NamespaceMode.Raw) with { Name = name }).Refusal) },
        { "sector-size", Errno.EINVAL, "520", Set((bus, size) => bus.SetSectorSize("namespace0.0", (int)size)) },
        { "sector-size", Errno.EINVAL, "4104", Set((bus, size) => bus.CreateNamespace(Options(32 * MiB, NamespaceMode.Raw) with { SectorSize = (int)size })) },
        { "btt-sector-size", Errno.EINVAL, "1024", Set((bus, size) => bus.CreateNamespace(Options(32 * MiB, NamespaceMode.Sector) with { SectorSize = (int)size })) },
        { "btt-sector-size", Errno.EINVAL, $"{int.MinValue}", Set((bus, size) => bus.SetBttSectorSize("btt0.0", (int)size)) },
        { "unsupported-align", Errno.ENXIO, $"{4 * MiB}", Set((bus, align) => bus.CreateNamespace(Options(32 * MiB, NamespaceMode.Fsdax, align)), ways: 4) },
        { "unsupported-align", Errno.EINVAL, $"{long.MinValue}", Set((bus, align) => bus.SetPersonalityAlign("pfn0.0", align)) },
        { "align-not-power-of-2", Errno.EINVAL, "12345", Set((bus, align) => bus.CreateNamespace(Options(32 * MiB, NamespaceMode.Fsdax, align)), ways: 4) },
        { "region-align", Errno.EINVAL, "12345", Set((bus, align) => bus.SetRegionAlign("region0", align), ways: 3) },
        { "region-align", Errno.EINVAL, $"{Most}", Set((bus, align) => bus.SetRegionAlign("region0", align)) },
        { "region-align", Errno.EINVAL, $"{long.MinValue}", Set((bus, align) => bus.SetRegionAlign("region0", align)) },
        { "holder-class", Errno.EINVAL, "ext4", Name((bus, name) => bus.SetHolderClass("namespace0.0", name).Refusal) },
        { "holder-class", Errno.ENXIO, "btt", MixedVersions },
        { "not-a-namespace", Errno.EINVAL, "region0", Name((bus, name) => bus.Attach("pfn0.0", name).Refusal) },
        { "dimm-capacity", Errno.EINVAL, "4097", Set((bus, size) => bus.Plug(GoldenHosts.QemuDimm(9, size, null))) },
        { "dimm-capacity", Errno.EINVAL, $"{long.MinValue}", Set((bus, size) => bus.Plug(GoldenHosts.QemuDimm(9, size, null))) },
        { "label-area-too-small", Errno.ENXIO, "1023", Set((bus, size) => bus.Plug(GoldenHosts.QemuDimm(9, 16 * MiB, (int)size))) },
        { "label-area-too-small", Errno.ENXIO, "512", value => LabelTool.Initialise(new LabelArea(int.Parse(value, CultureInfo.InvariantCulture)), LabelVersion.V12, force: false).Refusal },
        { "label-area-too-small", Errno.ENXIO, "512", value => DimmLabels.Probe(0, new LabelArea(int.Parse(value, CultureInfo.InvariantCulture))).Refusal },
        { "outside-label-area", Errno.ENXIO, $"{256 << 10}", Set((bus, offset) => bus.ReadLabels("nmem0", (int)offset, 4096)) },
        { "outside-label-area", Errno.ENXIO, $"{256 << 10}", Set((bus, length) => bus.ReadLabels("nmem0", 4096, (int)length)) },
        { "interleave-ways", Errno.EINVAL, "17", value => Over(int.Parse(value, CultureInfo.InvariantCulture)) },
        { "interleave-ways", Errno.EINVAL, "0", value => Over(int.Parse(value, CultureInfo.InvariantCulture)) },
        { "region-misaligned", Errno.ENXIO, "4097", Set((bus, size) => bus.Define(new RegionDefinition { Kind = RegionKind.Legacy, SizePerDimm = new Bytes(size) })) },
        { "region-misaligned", Errno.ENXIO, $"{(1L << 40) + 1}", Set((bus, start) => bus.Define(new RegionDefinition { Kind = RegionKind.Legacy, SizePerDimm = new Bytes(4096), Start = new Spa(start) })) },
        { "mapping-misaligned", Errno.ENXIO, "100", Spare((start, size) => (start, 4096)) },
        { "mapping-misaligned", Errno.ENXIO, "5000", Spare((size, _) => (0, size)) },
        { "dimm-capacity-used", Errno.EBUSY, $"{64 * MiB}", Spare((size, _) => (0, size)) },
        { "namespace-too-small", Errno.ENODEV, "0", Bound },
        { "namespace-too-small", Errno.ENXIO, $"{8 * MiB}", Claimed },
        { "namespace-too-small", Errno.ENODEV, "100", Started(configured: false) },
        { "personality-too-small", Errno.ENXIO, "8192", Started(configured: true) },
        { "block-out-of-bounds", Errno.EINVAL, "9", Number(block => Inject(block, 2)) },
        { "count-too-small", Errno.EINVAL, "0", Number(count => Inject(1, count)) },
        { "block-out-of-bounds", Errno.EINVAL, "8", Number(count => Inject(1, count)) },
        { "start-misaligned", Errno.EINVAL, "4096", Number(start => PagesGeometry.Of(new Spa(start), new Bytes(64 * MiB), new Bytes(4096), MapLocation.Pmem).Refusal) },
        { "no-room-for-data", Errno.ENXIO, $"{1L << 30}", Number(align => PagesGeometry.Of(new Spa(1L << 30), new Bytes(64 * MiB), new Bytes(align), MapLocation.Pmem).Refusal) },
        { "btt-too-small", Errno.ENXIO, $"{8 * MiB}", Number(size => BttBinding.StartConfigured(Plan(size + 4096), Sector(512), new MemoryMedia(size + 4096)).Refusal) },
        { "sector-size-missing", Errno.ENODEV, "100", Number(size => BttBinding.StartConfigured(Plan(64 * MiB), Sector(size), new MemoryMedia(64 * MiB)).Refusal) },
        { "block-and-count", Errno.EINVAL, "", value => ErrorInjection.Ranges(new InjectErrorOptions { Block = 1, Count = value.Length == 0 ? null : 1 }, new InjectionTarget(null, 0, 4096, 512)).Refusal },
        { "map-without-pages", Errno.EINVAL, "raw", Name((bus, mode) => bus.CreateNamespace(Options(64 * MiB, Enum.Parse<NamespaceMode>(mode, ignoreCase: true)) with { Map = MapLocation.Ram }).Refusal) },
        { "claim-class", Errno.EBUSY, "pfn", Name((bus, kind) => bus.SetHolderClass("namespace0.0", "dax").Refusal ?? bus.Attach($"{kind}0.0", "namespace0.0").Refusal) },
        { "region-overlaps", Errno.EBUSY, "0x100000000", Name((bus, start) => bus.Define(new RegionDefinition { Kind = RegionKind.Legacy, SizePerDimm = new Bytes(4096), Start = new Spa(Convert.ToInt64(start, 16)) }).Refusal) },
        { "region-enabled", Errno.EBUSY, "enabled", Name((bus, state) => (state == "disabled" ? bus.DisableRegion("region0").Refusal : null) ?? bus.Undefine("region0").Refusal) },
        { "scrub-value", Errno.EINVAL, "2", value => new BusScrub(new ArsDevice(new ArsCapability()), [new ByteRange(0, 4096)]).Store(value, TimeSpan.Zero).Refusal },
        { "badblocks-text", Errno.EINVAL, "1", value => new BadblockTable().Store(value).Refusal },
        { "alarm-value", Errno.EINVAL, "maybe", value => new SmartDevice().Inject(new InjectSmartOptions { SparesAlarm = value }).Refusal },
        { "security-command", Errno.EINVAL, "unlock", value => new DimmSecurity { Key = "KEY", MasterKey = "KEY" }.Store(value, isActive: false).Refusal },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Refused_AValue_NamesNumbersAndLegalOnes(string rule, Errno errno, string value, Func<string, Refusal?> command)
    {
        var refused = command(value);

        Assert.NotNull(refused);
        Assert.Equal((rule, errno), (refused.Rule, refused.Errno));
        Assert.True(decimal.TryParse(value, out _) is false || RuleLists.WithoutNumbers.Contains(rule) || refused.Numbers.Count > 0, $"{rule} has no numbers");
        Assert.NotEmpty(refused.Allowed);
        Assert.All(refused.Allowed, legal =>
        {
            // a legal alignment may still need another size: that is the size's refusal
            var again = command(legal);
            Assert.True(again is null || (again.Subject is { } other && other != refused.Subject), $"{legal}: {again}");
        });
    }

    private static Func<string, Refusal?> Number(Func<long, Refusal?> command) => value => command(long.Parse(value, CultureInfo.InvariantCulture));

    /// <summary>On a host with namespace0.0 of 64 MiB, and namespace0.1 that has a uuid and no size.</summary>
    private static Func<string, Refusal?> Set<T>(Func<Bus, long, Outcome<T>> command, int ways = 1, long align = 0, bool empty = false)
        where T : notnull => Number(value =>
    {
        var bus = Prepared(ways, empty);
        Assert.Null(align == 0 ? null : bus.SetRegionAlign("region0", align).Refusal);
        return command(bus, value).Refusal;
    });

    /// <summary>A command that fails after its first steps refuses too.</summary>
    private static Outcome<NamespaceChange> Ended(Outcome<NamespaceChange> outcome) =>
        outcome.TryGet(out var change, out _) && change.Refusal is { } refusal ? refusal : outcome;

    private static Func<string, Refusal?> Name(Func<Bus, string, Refusal?> command) => value => command(Prepared(1, empty: false), value);

    private static Bus Prepared(int ways, bool empty)
    {
        var media = new FakeMedia();
        var bus = BusPropertyTests.Host(media, ways, LabelVersion.V12);
        if (!empty)
        {
            BusPropertyTests.Create(bus, media, 1, NamespaceMode.Raw, 64 * MiB * (ways == 3 ? 3 : 1));
            Assert.Null(bus.SetUuid("namespace0.1", TestAreas.Uuid(50)).Refusal);
            bus.DisableNamespace("namespace0.0");
        }

        return bus;
    }

    private static NamespaceOptions Options(long size, NamespaceMode mode, long? align = null) => BusPropertyTests.Options(7, mode, 1) with
    {
        Size = new SizeText(size, 1),
        Align = align is { } bytes ? new SizeText(bytes, 1) : null,
    };

    /// <summary>namespace0.0 has 64 MiB, 64 MiB above it are taken, and much is free beyond.</summary>
    private static Refusal? Fragmented(string value)
    {
        var media = new FakeMedia();
        var bus = BusPropertyTests.Host(media, 2, LabelVersion.V12);
        BusPropertyTests.Create(bus, media, 1, NamespaceMode.Raw, 64 * MiB);
        BusPropertyTests.Create(bus, media, 2, NamespaceMode.Raw, 64 * MiB);
        bus.DisableNamespace("namespace0.0");
        return bus.SetSize("namespace0.0", long.Parse(value, CultureInfo.InvariantCulture)).Refusal;
    }

    private static Func<string, Refusal?> Legacy(Func<long, NamespaceOptions> options) => Number(size =>
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "e820" });
        Assert.True(bus.Define(new RegionDefinition { Kind = RegionKind.Legacy, SizePerDimm = new Bytes(256 * MiB) }).TryGet(out var defined, out _));
        new FakeMedia().Run(bus, defined.Steps);
        return bus.ReconfigureNamespace("namespace0.0", options(size)).Refusal;
    });

    private static Refusal? MixedVersions(string value)
    {
        var bus = BusPropertyTests.Host(new FakeMedia(), 2, LabelVersion.V12);
        bus.DisableRegion("region0");
        Assert.Null(bus.InitLabels("nmem1", LabelVersion.V11, force: true).Refusal);
        Assert.Null(bus.EnableRegion("region0").Refusal);
        return bus.SetHolderClass("namespace0.0", value).Refusal;
    }

    private static Refusal? Over(int ways)
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        for (var i = 0; i < 17; i++)
        {
            Assert.Null(bus.Plug(GoldenHosts.QemuDimm(i, 16 * MiB, null)).Refusal);
        }

        return bus.Define(new RegionDefinition { Mappings = [.. Enumerable.Range(0, ways).Select(i => new MappingDefinition($"nmem{i}"))] }).Refusal;
    }

    /// <summary>A region over a DIMM of 32 MiB that no region has yet.</summary>
    private static Func<string, Refusal?> Spare(Func<long, long, (long Start, long Size)> place) => Number(value =>
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        Assert.Null(bus.Plug(GoldenHosts.QemuDimm(0, 32 * MiB, null)).Refusal);
        var (start, size) = place(value, 0);
        return bus.Define(new RegionDefinition { Mappings = [new MappingDefinition("nmem0", new Primitives.Dpa(start))], SizePerDimm = new Bytes(size) }).Refusal;
    });

    private static Refusal? Bound(string value)
    {
        var bus = Prepared(1, empty: false);
        Assert.Null(bus.SetSize("namespace0.1", long.Parse(value, CultureInfo.InvariantCulture)).Refusal);
        return bus.Bind(bus.FindNamespace("namespace0.1") is null ? "namespace0.0" : "namespace0.1").Refusal;
    }

    private static Refusal? Claimed(string value)
    {
        var bus = Prepared(1, empty: false);
        Assert.Null(bus.SetRegionAlign("region0", 8 * MiB).Refusal);
        Assert.Null(bus.SetSize("namespace0.1", long.Parse(value, CultureInfo.InvariantCulture)).Refusal);
        return bus.Attach("pfn0.0", "namespace0.1").Refusal;
    }

    private static Func<string, Refusal?> Started(bool configured) => Number(size =>
        NamespaceBinder.Bind(Plan(size) with { Configured = configured ? Sector(512) : null }, new MemoryMedia(Math.Max(size, 1 << 20))) is BindOutcome.Failed failed
            && failed.Refusal.Rule != "btt-too-small" ? failed.Refusal : null);

    private static BindPlan Plan(long size) =>
        new() { Namespace = "namespace0.0", Start = new Spa(0), Size = new Bytes(size), ClaimClass = ClaimClass.None };

    private static ConfiguredPersonality Sector(long size) =>
        new() { Kind = PersonalityKind.Btt, Uuid = TestAreas.Uuid(3), SectorSize = new Bytes(size) };

    private static Refusal? Inject(long block, long count) =>
        ErrorInjection.Ranges(new InjectErrorOptions { Block = block, Count = count }, new InjectionTarget(null, 0, 8 * 512, 512)) is var outcome
            && outcome.TryGet(out var injected, out _) ? injected.Refusal : outcome.Refusal;
}
