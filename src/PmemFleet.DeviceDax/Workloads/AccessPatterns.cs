using System.Runtime.CompilerServices;

namespace PmemFleet.DeviceDax.Workloads;

/// <summary>Where a process reaches next. A value type, so that the loop over it is compiled for each pattern.</summary>
internal interface IAccessPattern
{
    /// <summary>Whether neighbouring accesses lie apart, so that asking the memory ahead of time pays.</summary>
    static abstract bool IsScattered { get; }

    /// <summary>The next offset in the mapping, bytes, a multiple of the step.</summary>
    ulong Next();
}

/// <summary>The pseudo-random sequence of all patterns: SplitMix64, defined by integer arithmetic alone.</summary>
internal struct SplitMix(ulong seed)
{
    private ulong _state = seed;

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, uniform-1tib
    public ulong Next() => Mix(_state += 0x9e3779b97f4a7c15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, uniform-1tib
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}

/// <summary>Step by step through the mapping, again from its start at its end; sequential is the stride of one step.</summary>
internal struct StridePattern(ulong length, ulong stride) : IAccessPattern
{
    private ulong _next;

    public static bool IsScattered => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, sequential-4k
    public ulong Next()
    {
        var offset = _next;
        _next = offset + stride;
        if (_next >= length)
        {
            _next = stride >= length ? 0 : _next - length;
            _next = stride >= length || _next >= length ? 0 : _next;
        }

        return offset;
    }
}

/// <summary>Every step equally likely, each time anew.</summary>
internal struct UniformPattern(ulong steps, int stepShift, ulong seed) : IAccessPattern
{
    private SplitMix _random = new(seed);

    public static bool IsScattered => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, uniform-1tib
    public ulong Next() => Math.BigMul(_random.Next(), steps, out _) << stepShift;
}

/// <summary>
/// A chain through all steps, each once a round, in an order without pattern: a full-period congruential sequence over the
/// next power of two, skipping what lies beyond. Each offset depends on the one before, as in a linked list.
/// </summary>
internal struct ChasePattern(ulong steps, int stepShift, ulong seed) : IAccessPattern
{
    private readonly ulong _mask = ulong.MaxValue >> System.Numerics.BitOperations.LeadingZeroCount(Math.Max(steps - 1, 1));
    private readonly ulong _increment = (SplitMix.Mix(seed) << 1) | 1;
    private ulong _at = SplitMix.Mix(seed + 1) % Math.Max(steps, 1);

    public static bool IsScattered => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // keeps the pattern's fields in registers
    public ulong Next()
    {
        do
        {
            _at = ((_at * 0xd1342543de82ef95) + _increment) & _mask;
        }
        while (_at >= steps);
        return _at << stepShift;
    }
}
