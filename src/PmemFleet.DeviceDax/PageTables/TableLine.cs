using System.Numerics;
using System.Runtime.CompilerServices;

namespace PmemFleet.DeviceDax.PageTables;

/// <summary>One page-table page in 64 bytes: a present bit for each of its 512 entries (design section 5).</summary>
[InlineArray(Words)]
internal struct TableLine
{
    public const int Words = 8;

    private ulong _word;

    public static TableLine AllOnes
    {
        get
        {
            TableLine line = default;
            ((Span<ulong>)line).Fill(ulong.MaxValue);
            return line;
        }
    }
}

internal static class LineBits
{
    public static bool Has(ReadOnlySpan<ulong> line, int entry) => (line[entry >> 6] >> (entry & 63) & 1) != 0;

    public static bool Set(Span<ulong> line, int entry)
    {
        ref var word = ref line[entry >> 6];
        var bit = 1UL << (entry & 63);
        var isNew = (word & bit) == 0;
        word |= bit;
        return isNew;
    }

    public static bool Clear(Span<ulong> line, int entry)
    {
        ref var word = ref line[entry >> 6];
        var bit = 1UL << (entry & 63);
        var was = (word & bit) != 0;
        word &= ~bit;
        return was;
    }

    /// <summary>Sets the entries from <paramref name="first"/> up to, not including, <paramref name="end"/>; the number that was clear.</summary>
    public static int SetRange(Span<ulong> line, int first, int end)
    {
        var added = 0;
        for (var word = first >> 6; word << 6 < end; word++)
        {
            var mask = Mask(word, first, end);
            added += BitOperations.PopCount(mask & ~line[word]);
            line[word] |= mask;
        }

        return added;
    }

    /// <summary>Clears the entries from <paramref name="first"/> up to, not including, <paramref name="end"/>; the number that was set.</summary>
    public static int ClearRange(Span<ulong> line, int first, int end)
    {
        var removed = 0;
        for (var word = first >> 6; word << 6 < end; word++)
        {
            var mask = Mask(word, first, end);
            removed += BitOperations.PopCount(mask & line[word]);
            line[word] &= ~mask;
        }

        return removed;
    }

    public static int Count(ReadOnlySpan<ulong> line, int first, int end)
    {
        var count = 0;
        for (var word = first >> 6; word << 6 < end; word++)
        {
            count += BitOperations.PopCount(Mask(word, first, end) & line[word]);
        }

        return count;
    }

    public static bool IsFull(ReadOnlySpan<ulong> line) => !line.ContainsAnyExcept(ulong.MaxValue);

    public static bool IsEmpty(ReadOnlySpan<ulong> line) => !line.ContainsAnyExcept(0UL);

    private static ulong Mask(int word, int first, int end)
    {
        var low = Math.Max(first - (word << 6), 0);
        var high = Math.Min(end - (word << 6), 64);
        return high - low == 64 ? ulong.MaxValue : ((1UL << (high - low)) - 1) << low;
    }
}
