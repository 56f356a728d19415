using PmemFleet.DeviceDax.Workloads;

namespace PmemFleet.Benchmarks.Faults;

/// <summary>The limit of the memory: the same random sequence over a flat bitmap of the pages, nothing else.</summary>
internal static class BitmapLoop
{
    /// <summary>Accesses a second; <paramref name="fresh"/> starts from an empty bitmap, otherwise from a full one.</summary>
    public static double AccessesPerSecond(ulong pages, long accesses, bool fresh)
    {
        var bitmap = new ulong[(pages + 63) >> 6];
        if (!fresh)
        {
            Array.Fill(bitmap, ulong.MaxValue);
        }
        else
        {
            Array.Clear(bitmap); // its own page faults don't belong to the loop
        }

        long added = 0;
        var seconds = Harness.Stopwatches.Seconds(() => added = Run(bitmap, pages, accesses));
        if (added < 0)
        {
            throw new InvalidOperationException();
        }

        return accesses / seconds;
    }

    private static long Run(ulong[] bitmap, ulong pages, long accesses)
    {
        var pattern = new UniformPattern(pages, 0, 42);
        long added = 0;
        for (long i = 0; i < accesses; i++)
        {
            var page = pattern.Next();
            ref var word = ref bitmap[page >> 6];
            var bit = 1UL << (int)page;
            if ((word & bit) == 0)
            {
                word |= bit;
                added++;
            }
        }

        return added;
    }
}
