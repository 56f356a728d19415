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
/// What is poisoned in an address space, to the byte: disjoint ranges in order, touching ones joined. Sixteen bytes a range in leaves
/// of a two-level sorted array, so that a million scattered errors stay small, a lookup is two binary searches, and an insertion
/// moves one leaf only. Not thread-safe: its owner lets readers and writers take turns.
/// </summary>
public sealed class PoisonList
{
    private const int LeafRanges = 256;

    private readonly List<Leaf> _leaves = [];
    private long[] _firsts = [];

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

    /// <summary>Bytes that the list itself occupies, to hold a limit against.</summary>
    public long MemoryBytes => (_leaves.Count * (LeafRanges * 16L)) + (_firsts.Length * 8L) + (_leaves.Count * 64L);

    /// <summary>All ranges in order.</summary>
    public IEnumerable<ByteRange> Ranges => _leaves.SelectMany(leaf => Enumerable.Range(0, leaf.Count).Select(at => leaf[at]));

    /// <summary>True where a byte of the range is in the list.</summary>
    public bool Overlaps(long start, long length)
    {
        var (leaf, at) = FirstEndingAfter(start);
        return leaf < _leaves.Count && _leaves[leaf].Starts[at] < start + length;
    }

    /// <summary>The first byte of the range that is in the list; -1 for none.</summary>
    public long FirstWithin(long start, long length)
    {
        var (leaf, at) = FirstEndingAfter(start);
        if (leaf == _leaves.Count)
        {
            return -1;
        }

        var first = Math.Max(_leaves[leaf].Starts[at], start);
        return first < start + length ? first : -1;
    }

    /// <summary>The parts of the list's ranges inside a range, in order.</summary>
    public IReadOnlyList<ByteRange> Within(long start, long length)
    {
        var found = new List<ByteRange>();
        var end = start + length;
        for (var (leaf, at) = FirstEndingAfter(start); leaf < _leaves.Count && _leaves[leaf].Starts[at] < end; (leaf, at) = Next(leaf, at))
        {
            var first = Math.Max(_leaves[leaf].Starts[at], start);
            found.Add(new ByteRange(first, Math.Min(_leaves[leaf].Ends[at], end) - first));
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
        if (leaf < _leaves.Count && _leaves[leaf].Starts[at] <= start && _leaves[leaf].Ends[at] >= end)
        {
            return false;
        }

        // ranges that touch join: one that ends where this begins, and all up to one that begins where this ends
        (leaf, at) = FirstEndingAfter(start - 1);
        while (leaf < _leaves.Count && _leaves[leaf].Starts[at] <= end)
        {
            start = Math.Min(start, _leaves[leaf].Starts[at]);
            end = Math.Max(end, _leaves[leaf].Ends[at]);
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
        for (var (leaf, at) = FirstEndingAfter(start); leaf < _leaves.Count && _leaves[leaf].Starts[at] < end; (leaf, at) = FirstEndingAfter(start))
        {
            var (from, to) = (_leaves[leaf].Starts[at], _leaves[leaf].Ends[at]);
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

    private (int Leaf, int At) FirstEndingAfter(long position)
    {
        var leaf = UpperBound(_firsts, _leaves.Count, position) - 1;
        if (leaf < 0)
        {
            return (0, 0);
        }

        // the last range that starts at or before the position is the only one before it that may end behind it
        var found = _leaves[leaf];
        var at = UpperBound(found.Starts, found.Count, position) - 1;
        return found.Ends[at] > position ? (leaf, at) : Next(leaf, at);
    }

    private (int Leaf, int At) Next(int leaf, int at) => at + 1 < _leaves[leaf].Count ? (leaf, at + 1) : (leaf + 1, 0);

    private void Insert(long start, long end)
    {
        Count++;
        if (_leaves.Count == 0)
        {
            _leaves.Add(new Leaf());
            _firsts = [0, 0];
        }

        var leaf = Math.Max(UpperBound(_firsts, _leaves.Count, start) - 1, 0);
        if (_leaves[leaf].Count == LeafRanges)
        {
            InsertLeaf(leaf + 1, _leaves[leaf].SplitOffUpperHalf());
            if (start > _firsts[leaf + 1])
            {
                leaf++;
            }
        }

        var found = _leaves[leaf];
        found.Insert(UpperBound(found.Starts, found.Count, start), start, end);
        _firsts[leaf] = found.Starts[0];
    }

    private (int Leaf, int At) RemoveAt(int leaf, int at)
    {
        Count--;
        var found = _leaves[leaf];
        found.RemoveAt(at);
        if (found.Count == 0)
        {
            _leaves.RemoveAt(leaf);
            Array.Copy(_firsts, leaf + 1, _firsts, leaf, _leaves.Count - leaf);
            return (leaf, 0);
        }

        _firsts[leaf] = found.Starts[0];
        return at < found.Count ? (leaf, at) : (leaf + 1, 0);
    }

    private void InsertLeaf(int number, Leaf leaf)
    {
        if (_firsts.Length == _leaves.Count)
        {
            Array.Resize(ref _firsts, _firsts.Length * 2);
        }

        Array.Copy(_firsts, number, _firsts, number + 1, _leaves.Count - number);
        _leaves.Insert(number, leaf);
        _firsts[number] = leaf.Starts[0];
    }

    private static int UpperBound(long[] sorted, int count, long value)
    {
        var low = 0;
        while (count > 0)
        {
            var half = count >> 1;
            var above = sorted[low + half] <= value;
            low = above ? low + half + 1 : low;
            count = above ? count - half - 1 : half;
        }

        return low;
    }

    private sealed class Leaf
    {
        public long[] Starts { get; } = new long[LeafRanges];

        public long[] Ends { get; } = new long[LeafRanges];

        public int Count { get; private set; }

        public ByteRange this[int at] => new(Starts[at], Ends[at] - Starts[at]);

        public void Insert(int at, long start, long end)
        {
            Array.Copy(Starts, at, Starts, at + 1, Count - at);
            Array.Copy(Ends, at, Ends, at + 1, Count - at);
            (Starts[at], Ends[at]) = (start, end);
            Count++;
        }

        public void RemoveAt(int at)
        {
            Count--;
            Array.Copy(Starts, at + 1, Starts, at, Count - at);
            Array.Copy(Ends, at + 1, Ends, at, Count - at);
        }

        public Leaf SplitOffUpperHalf()
        {
            var upper = new Leaf { Count = Count / 2 };
            Array.Copy(Starts, Count - upper.Count, upper.Starts, 0, upper.Count);
            Array.Copy(Ends, Count - upper.Count, upper.Ends, 0, upper.Count);
            Count -= upper.Count;
            return upper;
        }
    }
}
