using System.Collections.Immutable;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Devices;

public sealed partial class DaxRegion
{
    private readonly List<DaxPartition> _partitions = [];

    /// <summary>The devices of a dynamic region, enabled or not, by instance.</summary>
    public IReadOnlyList<DaxPartition> Partitions
    {
        get
        {
            lock (_gate)
            {
                return [.. _partitions.OrderBy(p => p.Instance)];
            }
        }
    }

    /// <summary>Writes <c>create</c>: EINVAL for anything but 1 and for a static region, ENOSPC when nothing is free.</summary>
    public Outcome<DaxPartition> Create(int count)
    {
        lock (_gate)
        {
            if (IsStatic || count != 1)
            {
                return new Refusal(Errno.EINVAL, "dax-create", "Only one device at a time can be created, in a dynamic region.").Allowing("1");
            }

            if (Gaps().All(g => g.Length.Value == 0))
            {
                return new Refusal(Errno.ENOSPC, "dax-no-space", "Nothing of the region is free.");
            }

            var instance = 0;
            while (_partitions.Any(p => p.Instance == instance))
            {
                instance++;
            }

            var made = new DaxPartition(this, instance);
            _partitions.Add(made);
            return made;
        }
    }

    /// <summary>Writes <c>delete</c>: ENXIO for an unknown name, EBUSY for an enabled or sized device and for instance 0.</summary>
    public Outcome<Done> Delete(string name)
    {
        lock (_gate)
        {
            if (IsStatic)
            {
                return new Refusal(Errno.EINVAL, "dax-delete", "A static region keeps its device.");
            }

            if (_partitions.Find(p => $"dax{Id}.{p.Instance}" == name) is not { } partition)
            {
                return new Refusal(Errno.ENXIO, "dax-unknown", $"The region has no device {name}.").About("name");
            }

            if (partition.Device is not null || partition.Size.Value > 0 || partition.Instance == 0)
            {
                return DaxPartition.Active() with { Rule = "dax-delete-busy", Message = "Only a disabled device of size 0, other than the first, can be deleted." };
            }

            _partitions.Remove(partition);
            return default(Done);
        }
    }

    internal Outcome<Done> Shape(DaxPartition partition, ulong size, ulong unit, Action<ImmutableArray<PhysicalRange>> set)
    {
        lock (_gate)
        {
            var ranges = partition.Ranges.ToList();
            var excess = partition.Size.Value > size ? partition.Size.Value - size : 0;
            while (excess > 0)
            {
                var last = ranges[^1];
                ranges.RemoveAt(ranges.Count - 1);
                if (last.Length.Value > excess)
                {
                    ranges.Add(last with { Length = new(last.Length.Value - excess) });
                }

                excess -= Math.Min(excess, last.Length.Value);
            }

            return Grow(ranges, size, unit, set);
        }
    }

    private Outcome<Done> Grow(List<PhysicalRange> ranges, ulong size, ulong unit, Action<ImmutableArray<PhysicalRange>> set)
    {
        var missing = size - ranges.Aggregate(0UL, (sum, r) => sum + r.Length.Value);
        foreach (var gap in Gaps())
        {
            var taken = Math.Min(missing, PageGranules.AlignDown(gap.Length.Value, unit));
            if (taken == 0)
            {
                continue;
            }

            if (ranges.Count > 0 && ranges[^1].End == gap.Start)
            {
                ranges[^1] = ranges[^1] with { Length = new(ranges[^1].Length.Value + taken) };
            }
            else
            {
                ranges.Add(new(gap.Start, new(taken)));
            }

            missing -= taken;
        }

        if (missing > 0)
        {
            return new Refusal(Errno.ENOSPC, "dax-no-space", "The region hasn't so much left.").With("size", size).With("missing", missing).Allowing($"{size - missing}");
        }

        set([.. ranges]);
        return default(Done);
    }

    // What neither a shaped nor an enabled device has, lowest first.
    private IEnumerable<PhysicalRange> Gaps()
    {
        var at = Range.Start.Value;
        var taken = _partitions.SelectMany(p => p.Ranges).Concat(_devices.SelectMany(d => d.Extents.Select(e => e.Range)));
        foreach (var range in taken.OrderBy(r => r.Start.Value))
        {
            if (range.Start.Value > at)
            {
                yield return new(new(at), new(range.Start.Value - at));
            }

            at = Math.Max(at, range.End.Value);
        }

        if (at < Range.End.Value)
        {
            yield return new(new(at), new(Range.End.Value - at));
        }
    }
}
