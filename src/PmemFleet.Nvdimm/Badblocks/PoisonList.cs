namespace PmemFleet.Nvdimm.Badblocks;

/// <summary>A range of bytes.</summary>
/// <param name="Start">The first byte.</param>
/// <param name="Length">Bytes, more than 0.</param>
public readonly record struct ByteRange(long Start, long Length)
{
    /// <summary>The first byte behind the range.</summary>
    public long End => Start + Length;
}

/// <summary>
/// What is poisoned in an address space, to the byte: disjoint ranges in order, touching ones joined. Not thread-safe: its owner lets
/// readers and writers take turns.
/// </summary>
/// <remarks>
/// A million scattered errors stay below 64 bytes each, and a lookup touches few cache lines: a filter answers for good memory, a bit for
/// each granule of the pages that have errors for the poisoned. Where neither can, the leaves' first addresses lie side by side, and a
/// leaf's 32 starts are compared all at once.
/// </remarks>
public sealed class PoisonList
{
    private long[] _firsts = [];
    private int[] _slots = [];
    private int _leaves;
    private PoisonLeaves _pool;
    private PoisonFilter _filter;
    private PoisonPages _pages;
    private int _notInPages;

    /// <summary>An empty list.</summary>
    public PoisonList()
    {
    }

    /// <summary>A list of ranges in any order.</summary>
    public PoisonList(IEnumerable<ByteRange> ranges)
    {
        ArgumentNullException.ThrowIfNull(ranges);
        foreach (var range in ranges)
        {
            Add(range.Start, range.Length);
        }
    }

    /// <summary>Ranges.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all ranges.</summary>
    public long TotalBytes { get; private set; }

    /// <summary>Bytes that the list itself occupies, to hold a limit against.</summary>
    public long MemoryBytes => _pool.MemoryBytes + _filter.MemoryBytes + _pages.MemoryBytes + (_firsts.Length * (long)(sizeof(long) + sizeof(int)));

    /// <summary>All ranges in order.</summary>
    public IEnumerable<ByteRange> Ranges
    {
        get
        {
            for (var (leaf, at) = (0, 0); leaf < _leaves; (leaf, at) = Next(leaf, at))
            {
                yield return new ByteRange(Start(leaf, at), End(leaf, at) - Start(leaf, at));
            }
        }
    }

    /// <summary>True where a byte of the range is in the list.</summary>
    public bool Overlaps(long start, long length)
    {
        if (!_filter.MayOverlap(start, length))
        {
            return false;
        }

        if (PoisonPages.Answers(start, length))
        {
            var isPoisoned = _pages.FirstWithin(start, length) >= 0;
            if (isPoisoned || _notInPages == 0)
            {
                return isPoisoned;
            }
        }

        var (leaf, at) = FirstEndingAfter(start);
        return leaf < _leaves && Start(leaf, at) < start + length;
    }

    /// <summary>The first byte of the range that is in the list; -1 for none.</summary>
    public long FirstWithin(long start, long length)
    {
        if (!_filter.MayOverlap(start, length))
        {
            return -1;
        }

        if (_notInPages == 0 && PoisonPages.Answers(start, length))
        {
            return _pages.FirstWithin(start, length);
        }

        var (leaf, at) = FirstEndingAfter(start);
        var first = leaf == _leaves ? long.MaxValue : Math.Max(Start(leaf, at), start);
        return first < start + length ? first : -1;
    }

    /// <summary>True where every byte of the range is in the list.</summary>
    public bool Covers(long start, long length)
    {
        var (leaf, at) = FirstEndingAfter(start);
        return leaf < _leaves && Start(leaf, at) <= start && End(leaf, at) >= start + length;
    }

    /// <summary>The parts of the list's ranges inside a range, in order.</summary>
    /// <param name="start">The range's first byte.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="most">The most parts that are looked for.</param>
    public IReadOnlyList<ByteRange> Within(long start, long length, int most = int.MaxValue)
    {
        var found = new List<ByteRange>();
        var end = start + length;
        for (var (leaf, at) = FirstEndingAfter(start); leaf < _leaves && found.Count < most && Start(leaf, at) < end; (leaf, at) = Next(leaf, at))
        {
            var first = Math.Max(Start(leaf, at), start);
            found.Add(new ByteRange(first, Math.Min(End(leaf, at), end) - first));
        }

        return found;
    }

    /// <summary>Adds a range; false where all of it was in the list already.</summary>
    public bool Add(long start, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        var end = start + length;
        var (leaf, at) = FirstEndingAfter(start);
        if (leaf < _leaves && Start(leaf, at) <= start && End(leaf, at) >= end)
        {
            return false;
        }

        // ranges that touch join: one that ends where this begins, and all up to one that begins where this ends
        (leaf, at) = FirstEndingAfter(start - 1);
        while (leaf < _leaves && Start(leaf, at) <= end)
        {
            start = Math.Min(start, Start(leaf, at));
            end = Math.Max(end, End(leaf, at));
            (leaf, at) = RemoveAt(leaf, at);
        }

        Insert(start, end);
        return true;
    }

    /// <summary>Removes a range to the byte, splitting what only overlaps it; false where nothing of it was in the list.</summary>
    public bool Remove(long start, long length)
    {
        var end = start + length;
        var changed = false;
        for (var (leaf, at) = FirstEndingAfter(start); leaf < _leaves && Start(leaf, at) < end; (leaf, at) = FirstEndingAfter(start))
        {
            var (from, to) = (Start(leaf, at), End(leaf, at));
            RemoveAt(leaf, at);
            changed = true;
            if (from < start)
            {
                Insert(from, start);
            }

            if (to > end)
            {
                Insert(end, to);
            }
        }

        return changed;
    }

    private long Start(int leaf, int at) => _pool.Start(_slots[leaf], at);

    private long End(int leaf, int at) => _pool.End(_slots[leaf], at);

    private (int Leaf, int At) Next(int leaf, int at) => at + 1 < _pool.Count(_slots[leaf]) ? (leaf, at + 1) : (leaf + 1, 0);

    private (int Leaf, int At) FirstEndingAfter(long position)
    {
        var leaf = LeafOf(position);
        if (leaf < 0)
        {
            return (0, 0);
        }

        // the last range that starts at or before the position is the only one of those before it that may end behind it
        var at = _pool.CountAtOrBefore(_slots[leaf], position) - 1;
        return End(leaf, at) > position ? (leaf, at) : Next(leaf, at);
    }

    private int LeafOf(long position)
    {
        var (low, count) = (0, _leaves);
        while (count > 0)
        {
            var half = count >> 1;
            var above = _firsts[low + half] <= position;
            low = above ? low + half + 1 : low;
            count = above ? count - half - 1 : half;
        }

        return low - 1;
    }

    private void Insert(long start, long end)
    {
        Count++;
        TotalBytes += end - start;
        if (_leaves == 0)
        {
            InsertLeaf(0, _pool.Rent());
        }

        var leaf = Math.Max(LeafOf(start), 0);
        if (_pool.Count(_slots[leaf]) == PoisonLeaves.Capacity && leaf == _leaves - 1 && start > Start(leaf, PoisonLeaves.Capacity - 1))
        {
            // ranges that come in order fill their leaves
            InsertLeaf(++leaf, _pool.Rent());
        }
        else if (_pool.Count(_slots[leaf]) == PoisonLeaves.Capacity)
        {
            var upper = _pool.SplitOffUpperHalf(_slots[leaf]);
            InsertLeaf(leaf + 1, upper);
            _firsts[leaf + 1] = _pool.Start(upper, 0);
            leaf += start > _firsts[leaf + 1] ? 1 : 0;
        }

        _pool.Insert(_slots[leaf], start, end);
        _firsts[leaf] = Start(leaf, 0);
        Filter(start, end);
        if (PoisonPages.Takes(start, end))
        {
            _pages.Add(start, end);
        }
        else
        {
            _notInPages++;
        }
    }

    private void Filter(long start, long end)
    {
        if (_filter.Fits(Count))
        {
            _filter.Add(start, end);
            return;
        }

        _filter.Reset(Count);
        for (var (leaf, at) = (0, 0); leaf < _leaves; (leaf, at) = Next(leaf, at))
        {
            _filter.Add(Start(leaf, at), End(leaf, at));
        }
    }

    private (int Leaf, int At) RemoveAt(int leaf, int at)
    {
        Count--;
        TotalBytes -= End(leaf, at) - Start(leaf, at);
        Forget(Start(leaf, at), End(leaf, at));
        _pool.RemoveAt(_slots[leaf], at);
        if (_pool.Count(_slots[leaf]) == 0)
        {
            _pool.Return(_slots[leaf]);
            _leaves--;
            Array.Copy(_firsts, leaf + 1, _firsts, leaf, _leaves - leaf);
            Array.Copy(_slots, leaf + 1, _slots, leaf, _leaves - leaf);
            return (leaf, 0);
        }

        _firsts[leaf] = Start(leaf, 0);
        return at < _pool.Count(_slots[leaf]) ? (leaf, at) : (leaf + 1, 0);
    }

    private void Forget(long start, long end)
    {
        _filter.Remove(start, end);
        if (PoisonPages.Takes(start, end))
        {
            _pages.Remove(start, end);
        }
        else
        {
            _notInPages--;
        }
    }

    private void InsertLeaf(int number, int slot)
    {
        if (_firsts.Length == _leaves)
        {
            Array.Resize(ref _firsts, (_leaves * 3 / 2) + 2);
            Array.Resize(ref _slots, _firsts.Length);
        }

        Array.Copy(_firsts, number, _firsts, number + 1, _leaves - number);
        Array.Copy(_slots, number, _slots, number + 1, _leaves - number);
        (_firsts[number], _slots[number]) = (0, slot);
        _leaves++;
    }
}
