using System.Diagnostics;

namespace PmemFleet.Benchmarks.Harness;

/// <summary>Timing of things that take a while; single calls are for BenchmarkDotNet.</summary>
internal static class Stopwatches
{
    public static double Seconds(Action work)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>One warm-up of both, then pairs of runs, alternating who goes first; the ratio of each pair.</summary>
    public static IReadOnlyList<double> Ratios(int runs, Func<double> ours, Func<double> yardstick)
    {
        _ = ours();
        _ = yardstick();
        var ratios = new List<double>();
        for (var i = 0; i < runs; i++)
        {
            if (i % 2 == 0)
            {
                var mine = ours();
                ratios.Add(mine / yardstick());
            }
            else
            {
                var theirs = yardstick();
                ratios.Add(ours() / theirs);
            }
        }

        return ratios;
    }
}
