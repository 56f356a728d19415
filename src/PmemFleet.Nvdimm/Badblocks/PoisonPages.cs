using System.Numerics;

namespace PmemFleet.Nvdimm.Badblocks;

/// <summary>
/// A quick yes for a <see cref="PoisonList"/>: for each 4 KiB page a word of 64 bits, one for each of its granules of 64 bytes, found by
/// the page's number in an open hash of pairs (page, word): mostly one cache line for an answer.
/// </summary>
/// <remarks>
/// It holds ranges that are whole granules of one page, as injections and machine checks make them; no two ranges of the list share such a
/// granule, so a bit is exact. The list itself answers for all others. There is at most a pair for each range.
/// </remarks>
internal struct PoisonPages
{
    private const int PageShift = 12;
    private const int GranuleShift = 6;
    private const int FewestPairs = 16;

    private ulong[] _pairs;
    private int _capacity;
    private int _used;
    private int _live;

    public readonly long MemoryBytes => (_pairs?.Length ?? 0) * (long)sizeof(ulong);

    /// <summary>The range is one that belongs here.</summary>
    public static bool Takes(long start, long end) =>
        ((start | end) & ((1L << GranuleShift) - 1)) == 0 && start >> PageShift == (end - 1) >> PageShift;

    /// <summary>An access of so many bytes can be asked about: it has any, and lies in two pages at most.</summary>
    public static bool Answers(long start, long length) => length > 0 && ((start + length - 1) >> PageShift) - (start >> PageShift) <= 1;

    public void Add(long start, long end)
    {
        if (_used >= _capacity / 4 * 3)
        {
            Renew();
        }

        var at = Find(start >> PageShift);
        if (_pairs[at] == 0)
        {
            _pairs[at] = Key(start >> PageShift);
            _used++;
        }

        _live += _pairs[at + 1] == 0 ? 1 : 0;
        _pairs[at + 1] |= Granules(start, end);
    }

    /// <summary>Removes a range that was added; a page without any keeps its pair until there is no room left.</summary>
    public void Remove(long start, long end)
    {
        var at = Find(start >> PageShift);
        _pairs[at + 1] &= ~Granules(start, end);
        _live -= _pairs[at + 1] == 0 ? 1 : 0;
    }

    /// <summary>The first byte of an access that lies in a range of these; -1 for none.</summary>
    public readonly long FirstWithin(long start, long length)
    {
        if (_live == 0)
        {
            return -1;
        }

        var (page, end) = (start >> PageShift, start + length);
        var border = (page + 1) << PageShift;
        var found = First(page, start, Math.Min(end, border));
        return found >= 0 || end <= border ? found : First(page + 1, border, end);
    }

    private readonly long First(long page, long start, long end)
    {
        var poisoned = _pairs[Find(page) + 1] & Granules(start, end);
        return poisoned == 0 ? -1 : Math.Max(start, (page << PageShift) + ((long)BitOperations.TrailingZeroCount(poisoned) << GranuleShift));
    }

    /// <summary>Where a page's pair is, or would be.</summary>
    private readonly int Find(long page)
    {
        var key = Key(page);
        var pairs = _pairs;
        var at = 2 * (int)Math.BigMul(key * 0x9e3779b97f4a7c15UL, (ulong)_capacity, out _);
        while (pairs[at] != key && pairs[at] != 0)
        {
            at = at + 2 == pairs.Length ? 0 : at + 2;
        }

        return at;
    }

    private void Renew()
    {
        var old = _pairs ?? [];
        _capacity = Math.Max((int)(_live * 9L / 5), FewestPairs);
        _pairs = new ulong[2 * _capacity];
        _used = _live;
        for (var from = 0; from < old.Length; from += 2)
        {
            if (old[from + 1] != 0)
            {
                old.AsSpan(from, 2).CopyTo(_pairs.AsSpan(Find((long)old[from] - 1)));
            }
        }
    }

    // 0 is a free pair
    private static ulong Key(long page) => (ulong)page + 1;

    private static ulong Granules(long start, long end)
    {
        var (first, last) = ((int)(start >> GranuleShift) & 63, (int)((end - 1) >> GranuleShift) & 63);
        return (ulong.MaxValue << first) & (ulong.MaxValue >> (63 - last));
    }
}
