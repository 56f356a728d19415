using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace PmemFleet.DeviceDax.Tlb;

/// <summary>
/// A set-associative array of page numbers. Up to four ways replace the least recently used entry, kept in that order in one
/// vector; more ways one that wasn't used recently, by a bit an entry.
/// </summary>
internal sealed class TagArray
{
    private const int Lanes = 4;
    private readonly ulong[] _tags;
    private readonly uint[] _used;
    private readonly int _stride;
    private readonly int _lastWay;
    private readonly uint _allWays;
    private readonly ulong _setMask;

    public TagArray(TlbArray array)
    {
        var ways = Math.Max(array.Ways, 1);
        _lastWay = ways - 1;
        _stride = (ways + Lanes - 1) / Lanes * Lanes;
        var sets = Math.Max(array.Sets, 1);
        _setMask = (ulong)sets - 1;
        _allWays = ways == 32 ? uint.MaxValue : (1u << ways) - 1;
        IsPresent = array.Entries > 0;
        _tags = new ulong[sets * _stride];
        _used = new uint[sets];
    }

    private bool IsPresent { get; }

    // For each way: the order after it moved to the front, as pairs of 32-bit lanes.
    private static ReadOnlySpan<uint> ToFront =>
    [
        0, 1, 2, 3, 4, 5, 6, 7,
        2, 3, 0, 1, 4, 5, 6, 7,
        4, 5, 0, 1, 2, 3, 6, 7,
        6, 7, 0, 1, 2, 3, 4, 5,
    ];

    public void Clear()
    {
        _tags.AsSpan().Clear();
        _used.AsSpan().Clear();
    }

    /// <summary>Looks a page up and puts it in when it isn't there. Tags are page numbers plus one, so 0 is an empty entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, tlb-accesses
    public bool Touch(ulong page) => IsPresent && (_stride == Lanes ? TouchOrdered(page) : TouchMarked(page));

    /// <summary>As <see cref="Touch"/>, quicker where the page of the last time is likely.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, tlb-accesses
    public bool TouchAgain(ulong page) =>
        (_stride == Lanes && Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_tags), (nint)(page & _setMask) * Lanes) == page + 1) || Touch(page);

    // Store and load have the same address, known from the page alone: a later load needn't wait to learn where this stored.
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, tlb-accesses
    private bool TouchOrdered(ulong page)
    {
        ref var tags = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_tags), (nint)(page & _setMask) * Lanes);
        var set = Vector256.LoadUnsafe(ref tags);
        var equal = Vector256.Equals(set, Vector256.Create(page + 1)).ExtractMostSignificantBits();
        // Without a branch on which way it was: that is as good as random. Not found is as if in the last way.
        var way = BitOperations.TrailingZeroCount(equal | (1u << _lastWay));
        var order = Vector256.LoadUnsafe(ref Unsafe.Add(ref MemoryMarshal.GetReference(ToFront), way * 8));
        var moved = Vector256.ShuffleNative(set.AsUInt32(), order).AsUInt64();
        moved.WithElement(0, page + 1).StoreUnsafe(ref tags);
        return equal != 0;
    }

    private bool TouchMarked(ulong page)
    {
        var index = (int)(page & _setMask);
        var wanted = Vector256.Create(page + 1);
        ref var tags = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_tags), index * _stride);
        ref var used = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_used), index);
        var equal = 0u;
        for (var way = 0; way < _stride; way += Lanes)
        {
            equal |= Vector256.Equals(Vector256.LoadUnsafe(ref tags, (nuint)way), wanted).ExtractMostSignificantBits() << way;
        }

        var found = BitOperations.TrailingZeroCount(equal != 0 ? equal : ~used);
        Unsafe.Add(ref tags, found) = page + 1;

        // Once every way was used since the last time, only this one still was.
        var marked = used | (1u << found);
        used = marked == _allWays ? 1u << found : marked;
        return equal != 0;
    }
}
