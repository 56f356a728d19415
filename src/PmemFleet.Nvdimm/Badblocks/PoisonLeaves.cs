using System.Numerics;
using System.Runtime.InteropServices;

namespace PmemFleet.Nvdimm.Badblocks;

/// <summary>The leaves of a <see cref="PoisonList"/> in one array: a leaf's 32 starts in order, then its 32 ends. A free start is the largest number.</summary>
internal struct PoisonLeaves
{
    public const int Capacity = 32;

    private const int SlotLongs = 2 * Capacity;

    private long[] _ranges;
    private byte[] _counts;
    private Stack<int> _free;
    private int _used;

    public readonly long MemoryBytes => _ranges is null ? 0 : (_ranges.Length * (long)sizeof(long)) + _counts.Length + (_free.Count * (long)sizeof(int));

    public readonly int Count(int slot) => _counts[slot];

    public readonly long Start(int slot, int at) => _ranges[(slot * SlotLongs) + at];

    public readonly long End(int slot, int at) => _ranges[(slot * SlotLongs) + Capacity + at];

    /// <summary>How many of a leaf's ranges start at or before a position: all starts are compared, no branch depends on them.</summary>
    public readonly int CountAtOrBefore(int slot, long position)
    {
        var starts = MemoryMarshal.Cast<long, Vector<long>>(_ranges.AsSpan(slot * SlotLongs, Capacity));
        var wanted = new Vector<long>(position);
        var sum = Vector<long>.Zero;
        foreach (var some in starts)
        {
            // a comparison that holds is -1
            sum -= Vector.LessThanOrEqual(some, wanted);
        }

        return (int)Vector.Sum(sum);
    }

    public int Rent()
    {
        _free ??= new Stack<int>();
        if (_free.TryPop(out var slot))
        {
            return slot;
        }

        if (_counts is null || _used == _counts.Length)
        {
            var slots = (_used * 5 / 4) + 4;
            Array.Resize(ref _ranges, slots * SlotLongs);
            Array.Resize(ref _counts, slots);
        }

        _ranges.AsSpan(_used * SlotLongs, Capacity).Fill(long.MaxValue);
        return _used++;
    }

    public readonly void Return(int slot) => _free.Push(slot);

    public readonly void Insert(int slot, long start, long end)
    {
        var (starts, ends) = Halves(slot);
        var (at, count) = (CountAtOrBefore(slot, start), _counts[slot]);
        starts[at..count].CopyTo(starts[(at + 1)..]);
        ends[at..count].CopyTo(ends[(at + 1)..]);
        (starts[at], ends[at]) = (start, end);
        _counts[slot]++;
    }

    public readonly void RemoveAt(int slot, int at)
    {
        var (starts, ends) = Halves(slot);
        var count = --_counts[slot];
        starts[(at + 1)..(count + 1)].CopyTo(starts[at..]);
        ends[(at + 1)..(count + 1)].CopyTo(ends[at..]);
        starts[count] = long.MaxValue;
    }

    public int SplitOffUpperHalf(int slot)
    {
        var upper = Rent();
        var (starts, ends) = Halves(slot);
        var (upperStarts, upperEnds) = Halves(upper);
        starts[(Capacity / 2)..].CopyTo(upperStarts);
        ends[(Capacity / 2)..].CopyTo(upperEnds);
        starts[(Capacity / 2)..].Fill(long.MaxValue);
        _counts[slot] = _counts[upper] = Capacity / 2;
        return upper;
    }

    private readonly Halved Halves(int slot) => new(_ranges.AsSpan(slot * SlotLongs, Capacity), _ranges.AsSpan((slot * SlotLongs) + Capacity, Capacity));

    private readonly ref struct Halved(Span<long> starts, Span<long> ends)
    {
        private readonly Span<long> _starts = starts;
        private readonly Span<long> _ends = ends;

        public void Deconstruct(out Span<long> starts, out Span<long> ends)
        {
            starts = _starts;
            ends = _ends;
        }
    }
}
