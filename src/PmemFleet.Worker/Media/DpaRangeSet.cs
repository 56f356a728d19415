using PmemFleet.Contracts.Sync;

namespace PmemFleet.Worker.Media;

/// <summary>Disjoint, sorted byte ranges of one DIMM; touching ranges are one.</summary>
internal sealed class DpaRangeSet
{
    private readonly List<DpaRange> _ranges;

    public DpaRangeSet(IEnumerable<DpaRange> ranges)
    {
        _ranges = [];
        foreach (var range in ranges)
        {
            Add(range.Dpa, range.Length);
        }
    }

    public IReadOnlyList<DpaRange> Ranges => _ranges;

    /// <summary>Adds a range; false where all of it was in already.</summary>
    public bool Add(long dpa, long length)
    {
        var (start, end) = (dpa, dpa + length);
        var at = FirstEndingAtOrAfter(start);
        if (at < _ranges.Count && _ranges[at].Dpa <= start && End(_ranges[at]) >= end)
        {
            return false;
        }

        var last = at;
        for (; last < _ranges.Count && _ranges[last].Dpa <= end; last++)
        {
            start = Math.Min(start, _ranges[last].Dpa);
            end = Math.Max(end, End(_ranges[last]));
        }

        _ranges.RemoveRange(at, last - at);
        _ranges.Insert(at, new DpaRange(start, end - start));
        return true;
    }

    /// <summary>Takes a range out; false where nothing of it was in.</summary>
    public bool Remove(long dpa, long length)
    {
        var end = dpa + length;
        var changed = false;
        for (var at = FirstEndingAtOrAfter(dpa + 1); at < _ranges.Count && _ranges[at].Dpa < end;)
        {
            var range = _ranges[at];
            _ranges.RemoveAt(at);
            changed = true;
            if (range.Dpa < dpa)
            {
                _ranges.Insert(at++, new DpaRange(range.Dpa, dpa - range.Dpa));
            }

            if (End(range) > end)
            {
                _ranges.Insert(at++, new DpaRange(end, End(range) - end));
            }
        }

        return changed;
    }

    /// <summary>The parts of a range that are in.</summary>
    public IEnumerable<DpaRange> Overlaps(long dpa, long length)
    {
        var end = dpa + length;
        for (var at = FirstEndingAtOrAfter(dpa + 1); at < _ranges.Count && _ranges[at].Dpa < end; at++)
        {
            var from = Math.Max(_ranges[at].Dpa, dpa);
            yield return new DpaRange(from, Math.Min(End(_ranges[at]), end) - from);
        }
    }

    public bool Contains(long dpa, long length)
    {
        var at = FirstEndingAtOrAfter(dpa + 1);
        return at < _ranges.Count && _ranges[at].Dpa < dpa + length;
    }

    private static long End(DpaRange range) => range.Dpa + range.Length;

    private int FirstEndingAtOrAfter(long dpa)
    {
        var (low, high) = (0, _ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (End(_ranges[middle]) < dpa)
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
