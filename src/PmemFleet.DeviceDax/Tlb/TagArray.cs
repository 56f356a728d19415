using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace PmemFleet.DeviceDax.Tlb;

/// <summary>A set-associative array of page numbers with one not-recently-used bit an entry.</summary>
internal sealed class TagArray
{
    private const int Lanes = 4;
    private readonly ulong[] _tags;
    private readonly uint[] _used;
    private readonly int _stride;
    private readonly int _ways;
    private readonly uint _allWays;
    private readonly ulong _setMask;

    public TagArray(TlbArray array)
    {
        _ways = Math.Max(array.Ways, 1);
        _stride = (_ways + Lanes - 1) / Lanes * Lanes;
        var sets = Math.Max(array.Sets, 1);
        _setMask = (ulong)sets - 1;
        _allWays = _ways == 32 ? uint.MaxValue : (1u << _ways) - 1;
        IsPresent = array.Entries > 0;
        _tags = new ulong[sets * _stride];
        _used = new uint[sets];
    }

    public bool IsPresent { get; }

    public void Clear()
    {
        _tags.AsSpan().Clear();
        _used.AsSpan().Clear();
    }

    /// <summary>Looks a page up and puts it in when it isn't there. Tags are page numbers plus one, so 0 is an empty entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, accesses-with-tlb
    public bool Touch(ulong page)
    {
        var set = (int)(page & _setMask);
        var wanted = Vector256.Create(page + 1);
        ref var tags = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_tags), set * _stride);
        ref var used = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_used), set);
        for (var way = 0; way < _stride; way += Lanes)
        {
            var equal = Vector256.Equals(Vector256.LoadUnsafe(ref tags, (nuint)way), wanted).ExtractMostSignificantBits();
            if (equal != 0)
            {
                Mark(ref used, way + BitOperations.TrailingZeroCount(equal));
                return true;
            }
        }

        if (IsPresent)
        {
            var victim = BitOperations.TrailingZeroCount(~used);
            Unsafe.Add(ref tags, victim) = page + 1;
            Mark(ref used, victim);
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, accesses-with-tlb
    private void Mark(ref uint used, int way)
    {
        var marked = used | (1u << way);
        used = marked == _allWays && _ways > 1 ? 1u << way : _ways == 1 ? 0 : marked;
    }
}
