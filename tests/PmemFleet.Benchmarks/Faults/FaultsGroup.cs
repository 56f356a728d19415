using PmemFleet.Benchmarks.Harness;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Tlb;
using PmemFleet.DeviceDax.Workloads;

namespace PmemFleet.Benchmarks.Faults;

/// <summary>The fault engine against the real kernel and against the bare memory.</summary>
internal sealed class FaultsGroup : BenchmarkGroup
{
    private const int Runs = 5;

    public override string Name => "faults";

    public override Task<IReadOnlyList<Figure>> MeasureAsync(Action<string> say, CancellationToken token)
    {
        List<Func<IEnumerable<Figure>>> steps = [SequentialAgainstKernel, UniformAgainstBitmap, TlbAgainstBitmap, SixTiB, ManyProcesses, Memory, Allocations, TwoThreads];
        var figures = new List<Figure>();
        foreach (var step in steps)
        {
            token.ThrowIfCancellationRequested();
            say(step.Method.Name);
            figures.AddRange(step());
        }

        return Task.FromResult<IReadOnlyList<Figure>>(figures);
    }

    private static IEnumerable<Figure> SequentialAgainstKernel()
    {
        const long Pages = 1L << 26; // 256 GiB
        const long KernelPages = 1L << 18; // 1 GiB
        var machine = EngineRun.MachineWith((ulong)Pages << 12);
        double last = 0;
        double Ours()
        {
            var run = new EngineRun(machine, (ulong)Pages << 12);
            last = Pages / Stopwatches.Seconds(() => run.Load(new("seq") { Accesses = Pages, WritePercent = 100 }));
            run.Process.Exit();
            return last;
        }

        double kernel = 0;
        yield return Figure.Of("sequential-4k-vs-kernel", "x", 100, Better.Higher, "first-touch faults a second, one thread, against memfd faults of this kernel",
            Stopwatches.Ratios(Runs, Ours, () => kernel = KernelFaults.FaultsPerSecond(KernelPages)));
        yield return Figure.Of("sequential-4k-rate", "faults/s", null, Better.Higher, "the last run's numerator", last);
        yield return Figure.Of("kernel-4k-rate", "faults/s", null, Better.Higher, "the last run's denominator", kernel);
    }

    private static IEnumerable<Figure> UniformAgainstBitmap()
    {
        const ulong Bytes = ByteCount.TiB;
        const long Accesses = 1L << 26;
        var machine = EngineRun.MachineWith(Bytes);
        double last = 0;
        double Ours()
        {
            var run = new EngineRun(machine, Bytes);
            last = Accesses / Stopwatches.Seconds(() => run.Load(new("uniform") { Pattern = AccessPatternKind.Uniform, Accesses = Accesses, WritePercent = 100 }));
            run.Process.Exit();
            return last;
        }

        yield return Figure.Of("uniform-1tib-4k-vs-bitmap", "x", 0.5, Better.Higher, "random first-touch accesses a second, against a flat bitmap with the same sequence",
            Stopwatches.Ratios(Runs, Ours, () => BitmapLoop.AccessesPerSecond(Bytes >> 12, Accesses, fresh: true)));
        yield return Figure.Of("uniform-1tib-4k-rate", "accesses/s", null, Better.Higher, "the last run's numerator", last);
    }

    private static IEnumerable<Figure> TlbAgainstBitmap()
    {
        const ulong Bytes = 64 * ByteCount.MiB;
        const long Accesses = 1L << 25;
        var machine = EngineRun.MachineWith(Bytes);
        var run = new EngineRun(machine, Bytes);
        run.Load(new("warm") { Accesses = (long)(Bytes >> 12) });
        double last = 0;
        double Ours()
        {
            var tlb = new TlbModel(TlbGeometry.Server, 4);
            last = Accesses / Stopwatches.Seconds(() => run.Load(new("uniform") { Pattern = AccessPatternKind.Uniform, Accesses = Accesses, WritePercent = 100 }, tlb));
            return last;
        }

        yield return Figure.Of("tlb-accesses-vs-bitmap", "x", 0.1, Better.Higher, "accesses a second with the TLB model over 64 MiB, against the flat bitmap of the same set",
            Stopwatches.Ratios(Runs, Ours, () => BitmapLoop.AccessesPerSecond(Bytes >> 12, Accesses, fresh: false)));
        yield return Figure.Of("tlb-accesses-rate", "accesses/s", null, Better.Higher, "the last run's numerator", last);
    }

    private static IEnumerable<Figure> SixTiB()
    {
        const ulong Bytes = 6 * ByteCount.TiB;
        var machine = EngineRun.MachineWith(Bytes);
        yield return Figure.Of("populate-6tib-4k-touching", "s", 20, Better.Lower, "1.6 G faults, each page touched by itself", Times(2, () =>
        {
            var run = new EngineRun(machine, Bytes);
            var seconds = Stopwatches.Seconds(() => run.Load(new("touch") { Accesses = (long)(Bytes >> 12), WritePercent = 100 }));
            Check(run.Process.Faults.MinorFaults == (long)(Bytes >> 12));
            run.Process.Exit();
            return seconds;
        }));
        yield return Figure.Of("populate-6tib-4k-collapsed", "ms", 1, Better.Lower, "the same in one call", Times(Runs + 1, () =>
        {
            var run = new EngineRun(machine, Bytes);
            var seconds = Stopwatches.Seconds(() => run.Process.PopulateInLoad(run.Mapping, true));
            Check(run.Process.Faults.MinorFaults == (long)(Bytes >> 12));
            run.Process.Exit();
            return seconds * 1000;
        }).Skip(1).ToList());
    }

    private static IEnumerable<Figure> ManyProcesses()
    {
        const ulong Bytes = 6 * ByteCount.TiB;
        const int Processes = 10_000;
        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static (double Seconds, double Mebibytes) Once()
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var machine = EngineRun.MachineWith(Bytes);
            var runs = new EngineRun[Processes];
            var seconds = Stopwatches.Seconds(() =>
            {
                for (var p = 0; p < Processes; p++)
                {
                    runs[p] = new(machine, Bytes);
                    runs[p].Process.PopulateInLoad(runs[p].Mapping, false);
                }
            });
            Check(runs.All(r => r.Process.PageTables.Bytes >= 12_910_120_960));
            var mebibytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)ByteCount.MiB;
            GC.KeepAlive(runs);
            return (seconds, mebibytes);
        }

        var all = Enumerable.Range(0, Runs).Select(_ => Once()).ToList();
        yield return Figure.Of("processes-10000x6tib", "s", 1, Better.Lower, "10,000 processes map and touch 6 TiB at 4K, each with its own tables", [.. all.Select(r => r.Seconds)]);
        yield return Figure.Of("processes-10000x6tib-memory", "MiB", 64, Better.Lower, "managed memory while they live", [.. all.Select(r => r.Mebibytes)]);
    }

    private static IEnumerable<Figure> Memory()
    {
        const ulong Bytes = ByteCount.TiB;
        var machine = EngineRun.MachineWith(Bytes);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var run = new EngineRun(machine, Bytes);
        var random = new SplitMix(3);
        for (ulong page = 0; page < Bytes >> 12; page += 64)
        {
            for (var (bits, i) = (random.Next(), 0UL); i < 64; i++, bits >>= 1)
            {
                if ((bits & 1) != 0)
                {
                    _ = run.Process.Memory.Table.TouchPte(run.Mapping.StartValue + ((page + i) << 12)) == DeviceDax.PageTables.TouchResult.Walk
                        && run.Process.Access(new(run.Mapping.StartValue + ((page + i) << 12)), AccessKind.Write).Result == AccessResult.Ok;
                }
            }
        }

        var ratio = run.Process.PageTables.Bytes / (double)(GC.GetTotalMemory(forceFullCollection: true) - before);
        GC.KeepAlive(run);
        yield return Figure.Of("memory-vs-page-tables", "x", 60, Better.Higher, "page tables of a random half-populated 1 TiB at 4K, against the engine's memory for them", ratio);
    }

    private static IEnumerable<Figure> Allocations()
    {
        const ulong Bytes = 64 * ByteCount.MiB;
        var run = new EngineRun(EngineRun.MachineWith(Bytes), Bytes);
        var phase = new WorkloadPhase("hits") { Pattern = AccessPatternKind.Uniform, Accesses = 1 << 20, WritePercent = 50 };
        run.Load(new("warm") { Accesses = (long)(Bytes >> 12) });
        var totals = default(AccessTotals);
        var loop = ProcessPhase.Start(run.Process, run.Mapping, phase, new TlbModel(TlbGeometry.Server, 4), 1);
        long Count()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            loop.RunChunk(Bytes, phase.Accesses, ref totals);
            for (ulong at = 0; at < Bytes; at += 4096)
            {
                _ = run.Process.Access(new(run.Mapping.StartValue + at), AccessKind.Read, 8);
            }

            // A fault that needs no new table: the entry of a page dropped before.
            run.Process.Memory.Table.Zap(run.Mapping.StartValue, run.Mapping.StartValue + 4096);
            _ = run.Process.Access(new(run.Mapping.StartValue), AccessKind.Write, 8);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        _ = Count();
        yield return Figure.Of("allocated-on-access-path", "B", 0, Better.Lower, "1 M accesses of a load, 16 K single accesses and a fault", Times(Runs, () => Count()));
    }

    private static IEnumerable<Figure> TwoThreads()
    {
        const long Pages = 1L << 26;
        var machine = EngineRun.MachineWith((ulong)Pages << 12);
        double Time(bool isParallel)
        {
            var runs = new[] { new EngineRun(machine, (ulong)Pages << 12), new EngineRun(machine, (ulong)Pages << 12) };
            var phase = new WorkloadPhase("seq") { Accesses = Pages, WritePercent = 100 };
            var seconds = Stopwatches.Seconds(() =>
            {
                if (isParallel)
                {
                    var other = new Thread(() => runs[1].Load(phase));
                    other.Start();
                    runs[0].Load(phase);
                    other.Join();
                }
                else
                {
                    runs[0].Load(phase);
                    runs[1].Load(phase);
                }
            });
            foreach (var run in runs)
            {
                run.Process.Exit();
            }

            return seconds;
        }

        yield return Figure.Of("two-threads-vs-one", "x", 1.9, Better.Higher, "two processes, first-touch of 256 GiB each: one after the other against side by side",
            Stopwatches.Ratios(Runs, () => Time(false), () => Time(true)));
    }

    private static List<double> Times(int runs, Func<double> one) => [.. Enumerable.Range(0, runs).Select(_ => one())];

    private static void Check(bool isTrue)
    {
        if (!isTrue)
        {
            throw new InvalidOperationException("the measured work wasn't done");
        }
    }
}
