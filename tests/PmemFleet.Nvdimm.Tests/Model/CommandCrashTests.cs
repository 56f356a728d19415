using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>
/// Every command that writes labels, over sets of several widths, stopped after each of its writes and within each, then
/// booted. Each DIMM holds the labels of before or after one of its commits; what the set makes of DIMMs that differ is rule 11.4 of spec 10,
/// written down once more here in the plainest way (<see cref="Rule"/>).
/// </summary>
public class CommandCrashTests
{
    private const int Touched = 4;

    private static Dictionary<string, Func<Bus, Outcome<NamespaceChange>>> Commands { get; } = new()
    {
        ["create raw"] = bus => bus.CreateNamespace(Options(bus, 50, NamespaceMode.Raw, 2)),
        ["create sector"] = bus => bus.CreateNamespace(Options(bus, 50, NamespaceMode.Sector, 4)),
        ["create fsdax with a sector size"] = bus => bus.CreateNamespace(Options(bus, 50, NamespaceMode.Fsdax, 4) with { SectorSize = 4096 }),
        ["create devdax"] = bus => bus.CreateNamespace(Options(bus, 50, NamespaceMode.Devdax, 2)),
        ["destroy"] = bus => bus.DestroyNamespace(Name(bus, Touched), force: true),
        ["reconfigure to another mode"] = bus => bus.ReconfigureNamespace(Name(bus, Touched), Options(bus, 51, NamespaceMode.Devdax, 0)),
        ["reconfigure to another size"] = bus => bus.ReconfigureNamespace(Name(bus, 1), Options(bus, 52, NamespaceMode.Raw, 2)),
        ["grow"] = bus => bus.ResizeNamespace(Name(bus, Touched), 6 * Unit(bus)),
        ["shrink"] = bus => bus.ResizeNamespace(Name(bus, Touched), Unit(bus)),
        ["rename"] = bus => Done(bus, bus.SetAltName(Name(bus, Touched), "renamed")),
        ["another uuid"] = bus => Done(bus, bus.SetUuid(Name(bus, Touched), TestAreas.Uuid(53))),
        ["another sector size"] = bus => Done(bus, bus.SetSectorSize(Name(bus, Touched), 4096)),
        ["another holder class"] = bus => Done(bus, bus.SetHolderClass(Name(bus, Touched), "pfn")),
    };

    public static TheoryData<string, int, LabelVersion> Cases
    {
        get
        {
            var rows = new TheoryData<string, int, LabelVersion>();
            foreach (var command in Commands.Keys)
            {
                foreach (var ways in (int[])[1, 2, 3, 4, 16])
                {
                    rows.Add(command, ways, LabelVersion.V11);
                    rows.Add(command, ways, LabelVersion.V12);
                }
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Command_StoppedAnywhere_BootsAsOldNewOrAsTheRuleOfHalfWrittenSetsSays(string command, int ways, LabelVersion version)
    {
        var (before, writes, whole) = Record(command, ways, version);
        Assert.NotEmpty(writes);
        var untouched = Seen(before.Snapshot(), Areas(before)).Where(device => device.Uuid != TestAreas.Uuid(Touched) && device.Uuid != TestAreas.Uuid(1)).ToList();
        Assert.NotEmpty(untouched);
        var commits = Commits(Areas(before), writes);
        var torn = 0;
        for (var stop = 0; stop <= writes.Count; stop++)
        {
            foreach (var bytes in stop == writes.Count ? [0] : Cuts(writes[stop], ways))
            {
                torn++;
                var areas = Replay(Areas(before), writes.Take(stop).Concat(bytes == 0 ? [] : [writes[stop] with { Bytes = writes[stop].Bytes[..bytes] }]));

                // each DIMM by itself: one of its commits, and the last that was complete or the next
                for (var dimm = 0; dimm < ways; dimm++)
                {
                    var done = writes.Take(stop).Count(write => write.Dimm == dimm && IsIndex(write));
                    Assert.Contains(Labels(areas[dimm], dimm), commits[dimm].Skip(done).Take(2));
                }

                var expected = Rule(before, areas);
                var seen = Seen(before.Snapshot(), areas);
                Assert.Equal(expected ?? [], seen);
                if (ways == 1)
                {
                    // one DIMM: as between two of the command's own steps, never anything else
                    Assert.NotNull(expected);
                    Assert.Contains(seen, whole, SameDevices.Instance);
                }

                if (expected is not null)
                {
                    Assert.Empty(untouched.Except(seen));
                }
                else if (bytes == 0)
                {
                    AssertUsableAfterInit(before.Snapshot(), areas);
                }
            }
        }

        Assert.True(torn > writes.Count);
        Assert.Equal(whole[0], Seen(before.Snapshot(), Areas(before)), SameDevices.Instance);
        Assert.Equal(whole[^1], Seen(before.Snapshot(), Replay(Areas(before), writes)), SameDevices.Instance);
    }

    /// <summary>The host before, the writes of the command in order, and what a boot finds between any two label updates of the command.</summary>
    private static (Bus Before, List<LabelWrite> Writes, List<IReadOnlyList<Device>> Whole) Record(string command, int ways, LabelVersion version)
    {
        var media = new FakeMedia();
        var bus = BusPropertyTests.Host(media, ways, version);
        foreach (var (number, mode) in (ReadOnlySpan<(int, NamespaceMode)>)[(1, NamespaceMode.Raw), (2, NamespaceMode.Raw), (3, NamespaceMode.Sector), (Touched, NamespaceMode.Raw)])
        {
            BusPropertyTests.Create(bus, media, number, mode, 2 * Unit(bus));
        }

        // a hole, so that what comes next does not lie at the end
        media.Run(bus, bus.DestroyNamespace(Name(bus, 2), force: true).Value.Steps);
        media.Run(bus, bus.DisableNamespace(Name(bus, Touched)).Value.Steps);
        var before = Bus.Load(bus.Snapshot());
        var writes = new List<LabelWrite>();
        foreach (var dimm in bus.Dimms)
        {
            dimm.Labels!.Journal = writes;
        }

        Assert.True(Commands[command](bus).TryGet(out var change, out var refusal), $"{refusal}");
        media.Run(bus, change.Steps);
        var whole = new List<IReadOnlyList<Device>>();
        for (var stop = 0; stop <= writes.Count; stop++)
        {
            // an update is two writes a DIMM and pass; a deletion one
            if (stop == writes.Count || (writes[stop].Dimm == 0 && (stop == 0 || IsIndex(writes[stop - 1]))))
            {
                whole.Add(Seen(before.Snapshot(), Replay(Areas(before), writes.Take(stop))));
            }
        }

        return (before, writes, whole);
    }

    /// <summary>Rule 11 of spec 10: what the labels of a set's DIMMs make; null where the scan fails and the region lists nothing.</summary>
    private static IReadOnlyList<Device>? Rule(Bus bus, LabelArea[] areas)
    {
        var region = bus.Regions.Single();
        var dimms = areas.Select((area, number) => TestAreas.Probe(area, number).Active().ToList()).ToList();
        var found = new List<Device>();
        foreach (var first in dimms[0])
        {
            var set = new List<NamespaceLabel>();
            for (var position = 0; position < dimms.Count; position++)
            {
                var holders = dimms.SelectMany(labels => labels).Where(label => label.Uuid == first.Uuid && label.Position == position).ToList();
                if (holders is not [{ } only] || only.LabelCount != dimms.Count)
                {
                    return null;
                }

                set.Add(only);
            }

            found.Add(new Device(
                first.Uuid, set[0].Name, set.Sum(label => (long)label.RawSize), region.Start + ((long)set[0].Dpa * dimms.Count), (int)set[0].SectorSize, set[0].AbstractionGuid));
        }

        return [.. found.OrderBy(device => device.Start)];
    }

    private static List<Device> Seen(BusSnapshot host, LabelArea[] areas)
    {
        var bus = Booted(host, areas);
        return
        [
            .. bus.Namespaces.Where(device => device.Size > 0).OrderBy(device => device.Start)
                .Select(device => new Device(device.Uuid!.Value, device.AltName, device.Size, device.Start, device.SectorSize, AbstractionOf(bus, device))),
        ];
    }

    private static Guid AbstractionOf(Bus bus, PmemNamespace device) => bus.Dimms.First().Labels!.Active().First(label => label.Uuid == device.Uuid).AbstractionGuid;

    private static Bus Booted(BusSnapshot host, LabelArea[] areas)
    {
        var bus = Bus.Load(host with { Dimms = [.. host.Dimms.Select((dimm, number) => dimm with { LabelChunks = areas[number].Chunks() })] });
        new FakeMedia().Run(bus, bus.PowerCycle());
        return bus;
    }

    /// <summary>What a user does with a region that lists nothing: new labels, and it takes namespaces again.</summary>
    private static void AssertUsableAfterInit(BusSnapshot host, LabelArea[] areas)
    {
        var bus = Booted(host, areas);
        bus.DisableRegion("region0");
        foreach (var dimm in bus.Dimms)
        {
            Assert.Null(bus.InitLabels(dimm.Name, LabelVersion.V12, force: true).Refusal);
        }

        Assert.Null(bus.EnableRegion("region0").Refusal);
        Assert.Equal(bus.Regions.Single().Size, bus.Regions.Single().AvailableSize);
        Assert.Null(bus.CreateNamespace(Options(bus, 60, NamespaceMode.Raw, 2)).Refusal);
    }

    private static List<string>[] Commits(LabelArea[] areas, List<LabelWrite> writes)
    {
        var commits = areas.Select((area, dimm) => new List<string> { Labels(area, dimm) }).ToArray();
        var now = Replay(areas, []);
        foreach (var write in writes)
        {
            now[write.Dimm].Write(write.Offset, write.Bytes.AsSpan());
            if (IsIndex(write))
            {
                commits[write.Dimm].Add(Labels(now[write.Dimm], write.Dimm));
            }
        }

        return commits;
    }

    /// <summary>Where a write is cut: at every eight bytes; in sets, where each cut is a boot of all DIMMs, at the borders and in the middle.</summary>
    private static IEnumerable<int> Cuts(LabelWrite write, int ways) => ways switch
    {
        1 => Enumerable.Range(0, write.Bytes.Length / 8).Select(word => word * 8),
        <= 4 => [0, 8, write.Bytes.Length / 2, write.Bytes.Length - 8],
        _ => [0, write.Bytes.Length / 2],
    };

    private static LabelArea[] Areas(Bus bus) => [.. bus.Dimms.Select(dimm => TestAreas.From(dimm.Area!.ToArray()))];

    private static LabelArea[] Replay(LabelArea[] areas, IEnumerable<LabelWrite> writes)
    {
        var copies = areas.Select(area => new LabelArea(area.Size, area.Chunks())).ToArray();
        foreach (var write in writes)
        {
            copies[write.Dimm].Write(write.Offset, write.Bytes.AsSpan());
        }

        return copies;
    }

    private static string Labels(LabelArea area, int dimm) =>
        string.Join(' ', TestAreas.Probe(area, dimm).Active().Select(label => $"{label with { Slot = 0 }}").Order(StringComparer.Ordinal));

    /// <summary>Index blocks are longer than a label.</summary>
    private static bool IsIndex(LabelWrite write) => write.Offset < 2 * write.Bytes.Length && write.Bytes.AsSpan(0, 9).SequenceEqual("NAMESPACE"u8);

    private static long Unit(Bus bus) => Math.Max(16 << 20, bus.Regions.Single().Align);

    private static string Name(Bus bus, int number) => bus.Namespaces.Single(device => device.Uuid == TestAreas.Uuid(number)).Name;

    private static NamespaceOptions Options(Bus bus, int number, NamespaceMode mode, int units) => BusPropertyTests.Options(number, mode, units * Unit(bus)) with { Name = $"made{number}" };

    private static Outcome<NamespaceChange> Done(Bus bus, Outcome<Done> outcome) =>
        outcome.Refusal is { } refusal ? refusal : new NamespaceChange(bus.Namespaces.First(), []);

    private sealed record Device(Guid Uuid, string Name, long Size, long Start, int SectorSize, Guid Abstraction);

    private sealed class SameDevices : IEqualityComparer<IReadOnlyList<Device>>
    {
        public static SameDevices Instance { get; } = new();

        public bool Equals(IReadOnlyList<Device>? x, IReadOnlyList<Device>? y) => x!.SequenceEqual(y!);

        public int GetHashCode(IReadOnlyList<Device> obj) => obj.Count;
    }
}
