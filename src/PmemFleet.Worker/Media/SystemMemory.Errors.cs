using System.Runtime.InteropServices;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Worker.Media.Errors;

namespace PmemFleet.Worker.Media;

/// <summary>Errors of the host's memory: seen, made known, cleared.</summary>
internal sealed partial class SystemMemory
{
    /// <summary>Bytes of the line that a machine check names (spec 50 section 10).</summary>
    private const long MachineCheckLine = 64;

    /// <summary>Changed state since the last <see cref="TakeChanged"/>, for the reply that is on its way.</summary>
    private readonly HashSet<DimmMedia> _changed = [];

    /// <summary>How often the bus was told of errors: tables that were filled before take what is new then.</summary>
    public long Notifications { get; private set; }

    /// <summary>The first poisoned byte of a range.</summary>
    public long? FirstPoison(long spa, long length)
    {
        if (IsOneRun(spa, length, out var one))
        {
            var found = one.Dimm.Poison.FirstWithin(one.Dpa, length);
            return found < 0 ? null : spa + (found - one.Dpa);
        }

        foreach (var run in Runs(spa, length))
        {
            var found = run.Dimm.Poison.FirstWithin(run.Dpa, run.Length);
            if (found >= 0)
            {
                return spa + (found - run.Dpa);
            }

            spa += run.Length;
        }

        return null;
    }

    /// <summary>The bus lists a byte of the range.</summary>
    public bool IsKnownBad(long spa, long length)
    {
        foreach (var run in Runs(spa, length))
        {
            if (run.Dimm.Known.Overlaps(run.Dpa, run.Length))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The first poisoned ranges of a part of the memory, in order of their addresses: what a scan of the media finds.</summary>
    public IReadOnlyList<ByteRange> ScanPoison(long spa, long length, int most) => Scan(spa, length, most, dimm => dimm.Poison);

    /// <summary>Likewise what the bus lists already: what a short scan gives.</summary>
    public IReadOnlyList<ByteRange> ScanKnown(long spa, long length, int most) => Scan(spa, length, most, dimm => dimm.Known);

    private List<ByteRange> Scan(long spa, long length, int most, Func<DimmMedia, PoisonList> listOf)
    {
        if (RegionOf(spa) is not { } region)
        {
            return [];
        }

        var found = new List<ByteRange>();
        for (var position = 0; position < region.Dimms.Count; position++)
        {
            var poison = listOf(region.Dimms[position]);
            if (poison.Count > 0)
            {
                found.AddRange(region.OfList(position, poison, spa - region.Layout.Start, length).Take(most + 1));
            }
        }

        found.Sort((one, other) => one.Start.CompareTo(other.Start));
        var joined = new List<ByteRange>();
        foreach (var part in found)
        {
            var start = Math.Max(part.Start + region.Layout.Start, spa);
            var end = Math.Min(part.End + region.Layout.Start, spa + length);
            if (joined.Count > 0 && joined[^1].End == start)
            {
                joined[^1] = joined[^1] with { Length = end - joined[^1].Start };
            }
            else if (joined.Count == most)
            {
                break;
            }
            else
            {
                joined.Add(new ByteRange(start, end - start));
            }
        }

        return joined;
    }

    /// <summary>A machine check, a scan or an injection named these ranges: the bus lists them from now on.</summary>
    public void MakeKnown(params IEnumerable<ByteRange> ranges)
    {
        if (ChangeRanges(ranges, ErrorChangeKind.Know))
        {
            Notifications++;
        }
    }

    /// <summary>A load or a driver's copy reached poison: the line around the first of it is known from now on.</summary>
    public void Consume(long spa, long length)
    {
        if (FirstPoison(spa, length) is { } first)
        {
            MakeKnown(new ByteRange(first / MachineCheckLine * MachineCheckLine, MachineCheckLine));
        }
    }

    /// <summary>
    /// The CLEAR_ERROR command as a driver sends it: bytes cleared, or a negative errno: -ENXIO where the range is not whole clear-error units
    /// (spec 60 section 4). Whole sectors of what was cleared leave the region's badblocks.
    /// </summary>
    public long ClearUnits(long spa, long length)
    {
        var region = RegionOf(spa)!;
        var badblocks = region.Badblocks(Notifications);
        var cleared = ErrorClearing.Clear(spa, length, region.ClearErrorUnit, Command);
        if (cleared >= SectorSpan.SectorBytes)
        {
            _ = badblocks.Clear((spa - region.Layout.Start) / SectorSpan.SectorBytes, cleared / SectorSpan.SectorBytes);
        }

        return cleared;
    }

    /// <summary>What <see cref="ClearUnits"/> would answer.</summary>
    public long WouldClear(long spa, long length) => ErrorClearing.Clear(spa, length, RegionOf(spa)!.ClearErrorUnit, (start, bytes) => Clearable(start, bytes, []));

    /// <summary>Clears a range of any length through the driver's write path: whole units, as far as the device clears them.</summary>
    public void Clear(long spa, long length)
    {
        var unit = RegionOf(spa)!.ClearErrorUnit;
        var start = (spa + unit - 1) / unit * unit;
        var end = (spa + length) / unit * unit;
        if (start < end && (IsKnownBad(start, end - start) || FirstPoison(start, end - start) is not null))
        {
            _ = ClearUnits(start, end - start);
        }
    }

    /// <summary>Changes a DIMM's lists and remembers that it changed.</summary>
    public void Change(DimmMedia dimm, params ReadOnlySpan<ErrorChange> changes)
    {
        if (dimm.Change(changes))
        {
            _changed.Add(dimm);
            Notifications++;
        }
    }

    /// <summary>Changes attributes and lists in one record, and remembers that the DIMM changed.</summary>
    public void Change(DimmMedia dimm, DimmAttributes attributes, params ReadOnlySpan<ErrorChange> changes)
    {
        if (dimm.Change(attributes, changes))
        {
            _changed.Add(dimm);
            Notifications++;
        }
    }

    /// <summary>The bus has completed one scrub pass more.</summary>
    public void CountScrub()
    {
        var count = dimms.Values.Select(dimm => dimm.ScrubCount).DefaultIfEmpty().Max() + 1;
        foreach (var dimm in dimms.Values)
        {
            Change(dimm, dimm.Attributes with { ScrubCount = count });
        }
    }

    /// <summary>Remembers that a DIMM's state changed by another way.</summary>
    public void NoteChanged(DimmMedia dimm)
    {
        _changed.Add(dimm);
        ResetBadblocks();
    }

    /// <summary>Every table is filled anew from the bus's list, as when regions and namespaces are enabled.</summary>
    public void ResetBadblocks()
    {
        foreach (var region in _regions)
        {
            region.ResetBadblocks();
        }

        Resets++;
        Notifications++;
    }

    /// <summary>How often all tables were reset.</summary>
    public long Resets { get; private set; }

    /// <summary>The DIMMs whose state changed since the last call.</summary>
    public IReadOnlyList<DimmMedia> TakeChanged()
    {
        DimmMedia[] changed = [.. _changed];
        _changed.Clear();
        return changed;
    }

    /// <summary>The device: clears run after run until one of the DIMMs has enough, or refuses.</summary>
    private long Command(long spa, long length)
    {
        var runs = new List<ByteRange>();
        var cleared = Clearable(spa, length, runs);
        if (cleared > 0)
        {
            _ = ChangeRanges(runs, ErrorChangeKind.Heal);
        }

        return cleared;
    }

    /// <summary>How much the DIMMs would clear, or a negative errno; <paramref name="runs"/> takes the ranges.</summary>
    private long Clearable(long spa, long length, List<ByteRange> runs)
    {
        var (cleared, errno) = (0L, 0);
        foreach (var run in Runs(spa, length))
        {
            var limit = run.Dimm.Attributes.ClearLimit ?? long.MaxValue;
            errno = run.Dimm.Attributes.ClearErrno ?? 0;
            var part = errno != 0 ? 0 : Math.Min(run.Length, limit - cleared);
            if (part > 0)
            {
                runs.Add(new ByteRange(spa + cleared, part));
                cleared += part;
            }

            if (part < run.Length)
            {
                break;
            }
        }

        return cleared == 0 && errno != 0 ? -errno : cleared;
    }

    /// <summary>One change for each DIMM, so one record on the disk for each; neighbouring runs of a DIMM are one.</summary>
    private bool ChangeRanges(IEnumerable<ByteRange> ranges, ErrorChangeKind kind)
    {
        var byDimm = new Dictionary<DimmMedia, List<ErrorChange>>();
        foreach (var run in ranges.SelectMany(range => Runs(range.Start, range.Length)))
        {
            ref var changes = ref CollectionsMarshal.GetValueRefOrAddDefault(byDimm, run.Dimm, out _);
            changes ??= [];
            if (changes.Count > 0 && changes[^1] is var last && last.Dpa + last.Length == run.Dpa)
            {
                changes[^1] = last with { Length = last.Length + run.Length };
            }
            else
            {
                changes.Add(new ErrorChange(kind, run.Dpa, run.Length));
            }
        }

        var changed = false;
        foreach (var (dimm, changes) in byDimm)
        {
            if (kind == ErrorChangeKind.Heal ? Heal(dimm, changes) : dimm.Change(CollectionsMarshal.AsSpan(changes)))
            {
                _changed.Add(dimm);
                changed = true;
            }
        }

        return changed;
    }

    /// <summary>Poison and what is known of it leave the ranges; each unit of poison takes a spare for good.</summary>
    private static bool Heal(DimmMedia dimm, List<ErrorChange> ranges)
    {
        long unit = dimm.Layout.ClearErrorUnit;
        var units = ranges.Sum(range => dimm.Poison.Within(range.Dpa, range.Length).Sum(bad => ((bad.End + unit - 1) / unit) - (bad.Start / unit)));
        return dimm.Change(
            dimm.Attributes with { RemappedUnits = dimm.Attributes.RemappedUnits + units },
            [.. ranges.SelectMany(range => (ErrorChange[])[range, ErrorChange.Forget(range.Dpa, range.Length)])]);
    }
}
