using System.Text.Json;
using CsCheck;
using PmemFleet.Nvdimm.Allocation;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

public class BusPropertyTests
{
    private static NamespaceMode[] Modes { get; } = Enum.GetValues<NamespaceMode>();

    [Fact]
    public void AnyCommands_KeepTheInvariants() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 9], Gen.Int[1, 5], Gen.Bool).List[1, 25].Sample(commands =>
        {
            var media = new FakeMedia();
            var bus = Host(media, ways: (commands.Count % 3) switch { 0 => 1, 1 => 2, _ => 4 }, commands.Count % 2 == 0 ? LabelVersion.V11 : LabelVersion.V12);
            var number = 0;
            foreach (var (what, which, units, force) in commands)
            {
                bus = Bus.Load(bus.Snapshot());
                Perform(bus, media, what, which, units, force, ref number);
                CheckExtents(bus);
            }

            CheckIdentity(bus);
            CheckProbe(bus, media);
        }, iter: 150);

    [Fact]
    public void Snapshot_Loaded_IsTheSame()
    {
        var media = new FakeMedia();
        var bus = GoldenHosts.Qemu(media);
        bus.DisableRegion("region0");
        bus.InitLabels("nmem0");
        media.Run(bus, bus.EnableRegion("region0").Value.Steps);
        foreach (var mode in Modes)
        {
            Create(bus, media, 4 + (int)mode, mode, 64 << 20);
        }

        var pending = bus.CreateNamespace(Options(100, NamespaceMode.Fsdax, 64 << 20)).Value;
        bus.SetMounted("namespace0.1", true);
        bus.BusyRanges = [new BusyRange(new Spa(1), new Bytes(2), "System RAM")];

        CheckIdentity(bus);
        var loaded = Bus.Load(bus.Snapshot());
        Assert.Null(media.Run(loaded, pending.Steps)!.Value.Refusal);
        Assert.True(loaded.FindNamespace(pending.Namespace.Name)!.IsEnabled);
    }

    [Fact]
    public void Refused_AnyCreate_ChangesNothingButWhatLinuxLeaves()
    {
        var media = new FakeMedia();
        var bus = Host(media, 2, LabelVersion.V12);
        Create(bus, media, 1, NamespaceMode.Raw, 32 << 20);
        var before = Text(bus);

        Assert.NotNull(bus.CreateNamespace(Options(2, NamespaceMode.Raw, 5 << 20)).Refusal);
        Assert.NotNull(bus.CreateNamespace(Options(2, NamespaceMode.Raw, 1L << 40)).Refusal);
        Assert.NotNull(bus.CreateNamespace(Options(1, NamespaceMode.Raw, 32 << 20)).Refusal);
        Assert.NotNull(bus.SetSize("namespace0.0", 32 << 20).Refusal);
        Assert.NotNull(bus.SetUuid("namespace0.0", TestAreas.Uuid(9)).Refusal);
        Assert.NotNull(bus.DestroyNamespace("namespace0.0", force: false).Refusal);
        Assert.NotNull(bus.InitLabels("nmem0", force: true).Refusal);
        Assert.NotNull(bus.DisableDimm("nmem1").Refusal);
        Assert.NotNull(bus.SetRegionAlign("region0", 12345).Refusal);

        Assert.Equal(before, Text(bus));
    }

    internal static Bus Host(FakeMedia media, int ways, LabelVersion version)
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        for (var i = 0; i < ways; i++)
        {
            Assert.Null(bus.Plug(GoldenHosts.QemuDimm(i, 512 << 20, 128 << 10)).Refusal);
            Assert.Null(bus.InitLabels($"nmem{i}", version).Refusal);
        }

        var defined = bus.Define(new RegionDefinition { Mappings = [.. Enumerable.Range(0, ways).Select(i => new MappingDefinition($"nmem{i}"))] });
        Assert.Null(defined.Refusal);
        media.Run(bus, defined.Value.Steps);
        return bus;
    }

    internal static NamespaceOptions Options(int number, NamespaceMode? mode, long size) => new()
    {
        Uuid = TestAreas.Uuid(number),
        PersonalityUuid = TestAreas.Uuid(number + 1000000),
        Mode = mode,
        Size = size == 0 ? null : new SizeText(size, 1 << 20),
        Name = $"n{number}",
        Force = true,
    };

    internal static void Create(Bus bus, FakeMedia media, int number, NamespaceMode mode, long size)
    {
        var created = bus.CreateNamespace(Options(number, mode, size));
        Assert.True(created.TryGet(out var change, out var refusal), $"{refusal}");
        Assert.Null(media.Run(bus, change.Steps)!.Value.Refusal);
    }

    private static void Perform(Bus bus, FakeMedia media, int what, int which, int units, bool force, ref int number)
    {
        var names = bus.Namespaces.Select(n => n.Name).ToArray();
        var target = names.Length == 0 ? "namespace0.0" : names[which % names.Length];
        switch (what)
        {
            case <= 3:
                Run(bus, media, bus.CreateNamespace(Options(++number, Modes[which % 4], units * (64L << 20))));
                break;
            case 4:
                Run(bus, media, bus.DestroyNamespace(target, force));
                break;
            case 5:
                Run(bus, media, bus.ReconfigureNamespace(target, Options(++number, Modes[units % 4], force ? units * (64L << 20) : 0)));
                break;
            case 6:
                Run(bus, media, bus.DisableNamespace(target));
                break;
            case 7:
                Run(bus, media, bus.EnableNamespace(target));
                break;
            case 8:
                Run(bus, media, bus.ResizeNamespace(target, units * (64L << 20)));
                break;
            default:
                media.Run(bus, bus.DisableRegion("region0").Value.Steps);
                media.Run(bus, bus.EnableRegion("region0").Value.Steps);
                break;
        }
    }

    private static void Run(Bus bus, FakeMedia media, Outcome<NamespaceChange> outcome)
    {
        if (outcome.TryGet(out var change, out _))
        {
            media.Run(bus, change.Steps);
        }
    }

    private static void CheckExtents(Bus bus)
    {
        foreach (var dimm in bus.Dimms)
        {
            IReadOnlyList<DpaExtent> extents = dimm.Space.Extents;
            Assert.All(extents.Zip(extents.Skip(1)), p => Assert.True(p.First.End <= p.Second.Start));
            Assert.Equal(
                bus.Namespaces.Where(n => n.Size > 0).Select(n => (n.Uuid!.Value, n.Size / n.Region.Ways)).Order(),
                extents.Select(e => (e.Owner, e.Length)).Order());
        }
    }

    private static void CheckProbe(Bus bus, FakeMedia media)
    {
        string Named(Bus b) => string.Join('\n', b.Namespaces.Where(n => n.Size > 0).OrderBy(n => n.Uuid)
            .Select(n => $"{n.Uuid} {n.AltName} {n.Start:x} {n.Size} {n.SectorSize}"));
        var before = Named(bus);

        media.Run(bus, bus.PowerCycle());

        Assert.Equal(before, Named(bus));
        Assert.NotNull(NdctlList.Of(bus, new ListOptions { Regions = true }));
    }

    private static void CheckIdentity(Bus bus) => Assert.Equal(Text(bus), Text(Bus.Load(bus.Snapshot())));

    private static string Text(Bus bus) => JsonSerializer.Serialize(bus.Snapshot())
        + string.Join('\n', bus.Snapshot().Regions.SelectMany(r => r.Personalities).Select(p => $"{p.Kind}{p.Id} {p.Bound}"));
}
