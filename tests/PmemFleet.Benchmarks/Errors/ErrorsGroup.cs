using PmemFleet.Benchmarks.Harness;
using PmemFleet.Nvdimm.Ars;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Campaigns;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Benchmarks.Errors;

/// <summary>Media errors by the million, and a campaign of a year.</summary>
internal sealed class ErrorsGroup : BenchmarkGroup
{
    private const int Errors = 1_000_000;
    private const long Capacity = 6 * Bytes.TiB;
    private const int Lookups = 20_000_000;
    private const int Runs = 5;

    public override string Name => "errors";

    public override Task<IReadOnlyList<Figure>> MeasureAsync(Action<string> say, CancellationToken token)
    {
        var starts = Places(1, Errors, 256);
        say("injecting a million errors");
        var inject = Repeat(() => Stopwatches.Seconds(() => _ = Fill(starts)));
        var poison = Fill(starts);
        var perError = (double)poison.MemoryBytes / poison.Count;

        say("looking up");
        var wanted = Places(2, 1 << 20, 64);
        var lookups = Repeat(() => Lookups / Stopwatches.Seconds(() => Look(poison, wanted)));
        var hits = Repeat(() => Lookups / Stopwatches.Seconds(() => Look(poison, starts)));

        say("scrubbing 6 TiB");
        var found = 0L;
        var restarts = 0;
        var scrub = Repeat(() => Stopwatches.Seconds(() => (found, restarts) = Scrub(poison)));

        say("a year over 10,000 DIMMs");
        var events = 0;
        var campaign = Repeat(() => Stopwatches.Seconds(() => events = Campaign()), runs: 3);
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            Figure.Of("errors-injected", "s", null, Better.Lower, $"{poison.Count:N0} scattered latent errors of 256 bytes on a 6 TiB DIMM", inject),
            Figure.Of("memory-per-error", "bytes", 64, Better.Lower, "the poison list itself, by its own count", perError),
            Figure.Of("lookups-good-memory", "1/s", 10e6, Better.Higher, "random addresses, one core, with all errors there", lookups),
            Figure.Of("lookups-poisoned", "1/s", 10e6, Better.Higher, "addresses of errors, in random order, one core: every look-up hits one", hits),
            Figure.Of("scrub-full", "s", 1, Better.Lower, $"{found:N0} errors through a result buffer of 169 records, {restarts:N0} restarts", scrub),
            Figure.Of("campaign-year", "s", 60, Better.Lower, $"10,000 DIMMs at 0.1 errors a DIMM-day, {events:N0} events, logged and hashed, 2 threads", campaign),
        ]);
    }

    private static double[] Repeat(Func<double> measure, int runs = Runs)
    {
        _ = measure();
        return [.. Enumerable.Range(0, runs).Select(_ => measure())];
    }

    private static long[] Places(int seed, int count, int unit)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextInt64(Capacity / unit) * unit)];
    }

    private static PoisonList Fill(long[] starts)
    {
        var poison = new PoisonList();
        foreach (var start in starts)
        {
            poison.Add(start, 256);
        }

        return poison;
    }

    private static int Look(PoisonList poison, long[] places)
    {
        var found = 0;
        var mask = 1 << (31 - int.LeadingZeroCount(places.Length));
        for (var number = 0; number < Lookups; number++)
        {
            found += poison.Overlaps(places[number & (mask - 1)], 64) ? 1 : 0;
        }

        return found;
    }

    private static (long Found, int Restarts) Scrub(PoisonList poison)
    {
        var known = new PoisonList();
        var scrub = new BusScrub(new ArsDevice(new ArsCapability()), [new ByteRange(0, Capacity)]);
        scrub.Request(ArsKind.LongScan, TimeSpan.Zero);
        while (scrub.NextPoll is { } due)
        {
            foreach (var record in scrub.Poll(due, poison.Within))
            {
                known.Add(record.Start, record.Length);
            }
        }

        return (known.Count, scrub.Restarts);
    }

    private static int Campaign()
    {
        const double Day = 86400;
        var plan = new CampaignPlan
        {
            Seed = 1,
            Seconds = 365 * Day,
            Sources = [new ErrorSource { PerDimmHour = 0.1 / 24 }],
            Scrub = new ScrubCadence(7 * Day, 4L << 30, 0),
            Access = new AccessModel(1000, 200, 4096),
            RepairAfterSeconds = Day,
        };
        var outcomes = new DimmOutcome[10_000];
        Parallel.For(0, outcomes.Length, new ParallelOptions { MaxDegreeOfParallelism = 2 }, number => outcomes[number] = CampaignEngine.Run(
            plan,
            new CampaignDimm($"host-{number / 12:D4}", $"nmem{number % 12}", 512L << 30, 256, [new CampaignArea(0, 500L << 30, "namespace0.0", number % 2 == 0)])));
        _ = CampaignLog.Write(outcomes);
        return outcomes.Sum(outcome => outcome.Events.Count);
    }
}
