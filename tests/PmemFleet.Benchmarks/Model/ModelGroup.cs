using PmemFleet.Benchmarks.Harness;

namespace PmemFleet.Benchmarks.Model;

/// <summary>The device model and the BTT.</summary>
internal sealed class ModelGroup : BenchmarkGroup
{
    private const int Runs = 5;

    public override string Name => "model";

    public override Task<IReadOnlyList<Figure>> MeasureAsync(Action<string> say, CancellationToken token)
    {
        say("creating namespaces in a region that holds 500");
        var raw = Repeat(() => NamespaceCreates.PerSecond(devdax: false));
        var devdax = Repeat(() => NamespaceCreates.PerSecond(devdax: true));

        say("random 4 KiB writes through a BTT, and bare");
        using var writes = new BttWrites();
        var ratio = Stopwatches.Ratios(Runs, () => writes.BttPerSecond(BttWrites.Count, durable: false), () => writes.BarePerSecond(BttWrites.Count, durable: false));
        var durable = Stopwatches.Ratios(3, () => writes.BttPerSecond(BttWrites.DurableCount, durable: true), () => writes.BarePerSecond(BttWrites.DurableCount, durable: true));
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            Figure.Of("namespace-creates", "1/s", 50_000, Better.Higher, "raw, created and destroyed in turn in a region of 500, labels v1.2 written, one core", raw),
            Figure.Of("namespace-creates-devdax", "1/s", null, Better.Higher, "as above with a DAX personality and its bind", devdax),
            Figure.Of("btt-random-4k-vs-pwrite", "x", 0.5, Better.Higher, "sectors a second through the worker's BTT path, against as many bare pwrite calls on the same file; neither syncs", ratio),
            Figure.Of("btt-random-4k-durable-vs-pwrite-fdatasync", "x", null, Better.Higher, "as the worker does it for a request of one sector, against pwrite and fdatasync", durable),
        ]);
    }

    private static double[] Repeat(Func<double> measure)
    {
        _ = measure();
        return [.. Enumerable.Range(0, Runs).Select(_ => measure())];
    }
}
