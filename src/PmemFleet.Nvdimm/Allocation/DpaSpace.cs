using System.Runtime.InteropServices;

namespace PmemFleet.Nvdimm.Allocation;

/// <summary>
/// The reserved ranges of one DIMM, ordered by start and disjoint, and the kernel's rules of finding room in a region's
/// mapping (spec 10 section 13).
/// </summary>
public sealed class DpaSpace
{
    private readonly List<DpaExtent> _extents = [];
    private readonly Dictionary<Guid, int> _owners = [];

    /// <summary>Reserved ranges in order.</summary>
    public IReadOnlyList<DpaExtent> Extents => _extents;

    /// <summary>Reserves a range; false where it overlaps another.</summary>
    public bool TryReserve(DpaExtent extent)
    {
        var at = IndexAfter(extent.Start);
        if ((at > 0 && _extents[at - 1].End > extent.Start) || (at < _extents.Count && _extents[at].Start < extent.End))
        {
            return false;
        }

        _extents.Insert(at, extent);
        CollectionsMarshal.GetValueRefOrAddDefault(_owners, extent.Owner, out _)++;
        return true;
    }

    /// <summary>Forgets every range.</summary>
    public void Clear()
    {
        _extents.Clear();
        _owners.Clear();
    }

    /// <summary>Bytes reserved under <paramref name="owner"/>.</summary>
    public long Allocated(Guid owner)
    {
        var sum = 0L;
        if (_owners.ContainsKey(owner))
        {
            foreach (ref readonly var extent in Span)
            {
                sum += extent.Owner == owner ? extent.Length : 0;
            }
        }

        return sum;
    }

    /// <summary>The first range of <paramref name="owner"/>, or null.</summary>
    public DpaExtent? FirstOf(Guid owner)
    {
        if (_owners.ContainsKey(owner))
        {
            foreach (ref readonly var extent in Span)
            {
                if (extent.Owner == owner)
                {
                    return extent;
                }
            }
        }

        return null;
    }

    /// <summary>How many ranges <paramref name="owner"/> has.</summary>
    public int CountOf(Guid owner) => _owners.GetValueOrDefault(owner);

    /// <summary>Gives the ranges of <paramref name="owner"/> to <paramref name="next"/>.</summary>
    public void Rename(Guid owner, Guid next)
    {
        if (!_owners.Remove(owner, out var count))
        {
            return;
        }

        CollectionsMarshal.GetValueRefOrAddDefault(_owners, next, out _) += count;
        foreach (ref var extent in Span)
        {
            if (extent.Owner == owner)
            {
                extent = extent with { Owner = next };
            }
        }
    }

    /// <summary>Bytes of a mapping that nothing covers, ranges rounded out to <paramref name="align"/>.</summary>
    public long Available(DpaMapping mapping, long align)
    {
        var busy = 0L;
        foreach (ref readonly var extent in Span)
        {
            var start = Down(extent.Start, align);
            var end = Up(extent.End, align);
            if (start >= mapping.Start && start < mapping.End)
            {
                if (end > mapping.End)
                {
                    return 0;
                }

                busy += end - start;
            }
            else if (end > mapping.Start && end <= mapping.End)
            {
                busy += end - start;
            }
            else if (mapping.Start > start && mapping.Start < end)
            {
                busy += mapping.Size;
            }
        }

        return busy < mapping.Size ? Down(mapping.Size - busy, align) : 0;
    }

    /// <summary>
    /// The largest hole of a mapping, trimmed inward to <paramref name="align"/>. The kernel finds it by reserving <see cref="Available"/> bytes
    /// from low DPA on: where ranges that are not aligned make that less than the holes hold, the last hole counts for what is left.
    /// </summary>
    public long LargestHole(DpaMapping mapping, long align)
    {
        var left = IsAligned(align) ? long.MaxValue : Available(mapping, align);
        var largest = 0L;
        var from = mapping.Start;
        for (var i = 0; i <= _extents.Count; i++)
        {
            var isLast = i == _extents.Count || _extents[i].Start >= mapping.End;
            var limit = isLast ? mapping.End : _extents[i].Start;
            if (limit > from && Down(limit, align) - Up(from, align) is > 0 and var hole)
            {
                largest = Math.Max(largest, Math.Min(hole, left));
                left -= Math.Min(hole, left);
            }

            if (isLast)
            {
                break;
            }

            from = Math.Max(from, _extents[i].End);
        }

        return largest;
    }

    /// <summary>
    /// Adds <paramref name="bytes"/> to the ranges of <paramref name="owner"/>: the first hole from low DPA that is large
    /// enough, and touches what the owner has. False where there is none; then nothing changed.
    /// </summary>
    /// <param name="mapping">The region's part of the DIMM.</param>
    /// <param name="owner">The label's uuid.</param>
    /// <param name="bytes">Bytes to add on this DIMM.</param>
    /// <param name="align">Alignment on this DIMM.</param>
    /// <param name="commit">False only asks whether it would succeed.</param>
    public bool TryGrow(DpaMapping mapping, Guid owner, long bytes, long align, bool commit = true)
    {
        var grows = _owners.ContainsKey(owner);
        var from = mapping.Start;
        for (var i = 0; i <= _extents.Count; i++)
        {
            var isLast = i == _extents.Count || _extents[i].Start >= mapping.End;
            var limit = isLast ? mapping.End : _extents[i].Start;

            // most gaps are none: aligning, which divides, is only for those that may do
            if (limit - from >= bytes && Down(limit, align) is var end && Up(from, align) is var start && end - start >= bytes)
            {
                if (!grows)
                {
                    return !commit || TryReserve(new DpaExtent(start, bytes, owner));
                }

                if (i > 0 && _extents[i - 1] is var before && before.Owner == owner && before.End == start)
                {
                    _extents[i - 1] = commit ? before with { Length = before.Length + bytes } : before;
                    return true;
                }

                if (i < _extents.Count && _extents[i] is var next && next.Owner == owner && next.Start == end)
                {
                    _extents[i] = commit ? next with { Start = next.Start - bytes, Length = next.Length + bytes } : next;
                    return true;
                }
            }

            if (isLast)
            {
                return false;
            }

            from = Math.Max(from, _extents[i].End);
        }

        return false;
    }

    /// <summary>Takes <paramref name="bytes"/> from the end of the last range of <paramref name="owner"/>, and so on downwards.</summary>
    public void Shrink(Guid owner, long bytes)
    {
        for (var i = _extents.Count - 1; i >= 0 && bytes > 0; i--)
        {
            var extent = _extents[i];
            if (extent.Owner != owner)
            {
                continue;
            }

            var taken = Math.Min(bytes, extent.Length);
            bytes -= taken;
            if (taken < extent.Length)
            {
                _extents[i] = extent with { Length = extent.Length - taken };
                continue;
            }

            _extents.RemoveAt(i);
            if (--CollectionsMarshal.GetValueRefOrAddDefault(_owners, owner, out _) == 0)
            {
                _owners.Remove(owner);
            }
        }
    }

    private Span<DpaExtent> Span => CollectionsMarshal.AsSpan(_extents);

    private bool IsAligned(long align)
    {
        var isPowerOfTwo = (align & (align - 1)) == 0;
        foreach (ref readonly var extent in Span)
        {
            if (isPowerOfTwo ? ((extent.Start | extent.Length) & (align - 1)) != 0 : extent.Start % align != 0 || extent.Length % align != 0)
            {
                return false;
            }
        }

        return true;
    }

    private static long Down(long value, long align) => value - (value % align);

    private static long Up(long value, long align) => Down(value + align - 1, align);

    private int IndexAfter(long start)
    {
        var (low, high) = (0, _extents.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_extents[middle].Start < start)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
