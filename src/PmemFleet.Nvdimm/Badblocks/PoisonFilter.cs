using System.Numerics;

namespace PmemFleet.Nvdimm.Badblocks;

/// <summary>
/// A quick no for a <see cref="PoisonList"/>: a bit for each 4 KiB page that a range touches, hashed into two bytes a range, so that an
/// access to good memory costs one look. What leaves the list leaves its bits behind until the filter is made anew.
/// </summary>
internal struct PoisonFilter
{
    private const int PageShift = 12;
    private const long WidestRange = 64L << PageShift;
    private const int BitsPerRange = 16;
    private const int FewestBits = 1024;

    private ulong[] _bits;
    private int _shift;
    private int _wide;

    public readonly long MemoryBytes => (_bits?.Length ?? 0) * (long)sizeof(ulong);

    /// <summary>The filter has bits enough for so many ranges.</summary>
    public readonly bool Fits(int ranges) => _bits is not null && (long)_bits.Length * 64 >= ranges * (long)(BitsPerRange / 2);

    /// <summary>Empties the filter and sizes it.</summary>
    public void Reset(int ranges)
    {
        var bits = BitOperations.RoundUpToPowerOf2((ulong)Math.Max(ranges * (long)BitsPerRange, FewestBits));
        _bits = new ulong[bits / 64];
        _shift = 64 - BitOperations.Log2(bits);
        _wide = 0;
    }

    public void Add(long start, long end)
    {
        if (end - start > WidestRange)
        {
            _wide++;
            return;
        }

        for (var page = start >> PageShift; page <= (end - 1) >> PageShift; page++)
        {
            var bit = Bit(page);
            _bits[bit >> 6] |= 1UL << (int)(bit & 63);
        }
    }

    public void Remove(long start, long end) => _wide -= end - start > WidestRange ? 1 : 0;

    /// <summary>False: no byte of the range is in the list. True: it must be asked.</summary>
    public readonly bool MayOverlap(long start, long length)
    {
        var (first, last) = (start >> PageShift, (start + length - 1) >> PageShift);
        if (_bits is null || _wide > 0 || last - first > 1)
        {
            return true;
        }

        return Holds(first) || (last != first && Holds(last));
    }

    private readonly bool Holds(long page)
    {
        var bit = Bit(page);
        return (_bits[bit >> 6] & (1UL << (int)(bit & 63))) != 0;
    }

    private readonly ulong Bit(long page) => ((ulong)page * 0x9e3779b97f4a7c15UL) >> _shift;
}
