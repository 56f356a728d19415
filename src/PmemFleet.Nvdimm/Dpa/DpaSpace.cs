namespace PmemFleet.Nvdimm.Dpa;

/// <summary>
/// The reserved ranges of one DIMM, ordered by start and disjoint, and the kernel's rules of finding room in a region's
/// mapping (spec 10 section 13).
/// </summary>
public sealed class DpaSpace
{
    private readonly List<DpaExtent> _extents = [];

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
        return true;
    }

    /// <summary>Bytes reserved under <paramref name="owner"/>.</summary>
    public long Allocated(Guid owner)
    {
        var sum = 0L;
        foreach (var extent in _extents)
        {
            sum += extent.Owner == owner ? extent.Length : 0;
        }

        return sum;
    }

    /// <summary>The first range of <paramref name="owner"/>, or null.</summary>
    public DpaExtent? FirstOf(Guid owner)
    {
        foreach (var extent in _extents)
        {
            if (extent.Owner == owner)
            {
                return extent;
            }
        }

        return null;
    }

    /// <summary>How many ranges <paramref name="owner"/> has.</summary>
    public int CountOf(Guid owner) => _extents.Count(e => e.Owner == owner);

    /// <summary>Gives the ranges of <paramref name="owner"/> to <paramref name="next"/>.</summary>
    public void Rename(Guid owner, Guid next)
    {
        for (var i = 0; i < _extents.Count; i++)
        {
            if (_extents[i].Owner == owner)
            {
                _extents[i] = _extents[i] with { Owner = next };
            }
        }
    }

    /// <summary>Bytes of a mapping that nothing covers, ranges rounded out to <paramref name="align"/>.</summary>
    public long Available(DpaMapping mapping, long align)
    {
        var busy = 0L;
        foreach (var extent in _extents)
        {
            var start = Down(extent.Start, align);
            var end = Up(extent.End, align);
            if (start >= mapping.Start && start < mapping.End)
            {
                if (end > mapping.End + 1)
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

    /// <summary>The largest hole of a mapping, trimmed inward to <paramref name="align"/>.</summary>
    public long LargestHole(DpaMapping mapping, long align)
    {
        var largest = 0L;
        foreach (var (start, end) in Holes(mapping))
        {
            largest = Math.Max(largest, Down(end, align) - Up(start, align));
        }

        return largest;
    }

    /// <summary>
    /// Adds <paramref name="bytes"/> to the ranges of <paramref name="owner"/>: the first hole from low DPA that is large
    /// enough, and touches what the owner has. False where there is none; then nothing changed.
    /// </summary>
    public bool TryGrow(DpaMapping mapping, Guid owner, long bytes, long align)
    {
        var grows = FirstOf(owner) is not null;
        foreach (var (holeStart, holeEnd) in Holes(mapping))
        {
            var start = Up(holeStart, align);
            if (Down(holeEnd, align) - start < bytes)
            {
                continue;
            }

            if (!grows)
            {
                return TryReserve(new DpaExtent(start, bytes, owner));
            }

            var after = IndexAfter(holeStart);
            if (after > 0 && _extents[after - 1] is var before && before.Owner == owner && before.End == start)
            {
                _extents[after - 1] = before with { Length = before.Length + bytes };
                return true;
            }

            if (after < _extents.Count && _extents[after] is var next && next.Owner == owner && next.Start == Down(holeEnd, align))
            {
                _extents[after] = next with { Start = next.Start - bytes, Length = next.Length + bytes };
                return true;
            }
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
            if (taken == extent.Length)
            {
                _extents.RemoveAt(i);
            }
            else
            {
                _extents[i] = extent with { Length = extent.Length - taken };
            }
        }
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

    private IEnumerable<(long Start, long End)> Holes(DpaMapping mapping)
    {
        var from = mapping.Start;
        foreach (var extent in _extents)
        {
            if (extent.End <= mapping.Start)
            {
                continue;
            }

            if (extent.Start >= mapping.End)
            {
                break;
            }

            if (extent.Start > from)
            {
                yield return (from, extent.Start);
            }

            from = Math.Max(from, extent.End);
        }

        if (from < mapping.End)
        {
            yield return (from, mapping.End);
        }
    }
}
