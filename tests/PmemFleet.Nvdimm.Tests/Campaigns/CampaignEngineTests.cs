using System.Text;
using CsCheck;
using PmemFleet.Nvdimm.Campaigns;

namespace PmemFleet.Nvdimm.Tests.Campaigns;

/// <summary>Campaigns of errors in simulated time.</summary>
public sealed class CampaignEngineTests
{
    private const double Day = 86400;

    private static readonly CampaignPlan Plan = new()
    {
        Seed = 42,
        Seconds = 30 * Day,
        Sources = [new ErrorSource { PerDimmHour = 0.5 }, new ErrorSource { Kind = ErrorSourceKind.Burst, PerDimmHour = 0.01 }],
        Scrub = new ScrubCadence(Day, 1 << 30, 3600),
        Access = new AccessModel(2000, 500, 4096),
        RepairAfterSeconds = 7200,
    };

    [Fact]
    public void Log_InParts_MergesToTheSameBytesAsInOne()
    {
        CampaignDimm[] dimms = [.. Enumerable.Range(0, 24).Select(number => Dimm($"host-{number % 5}", $"nmem{number}"))];
        var outcomes = dimms.Select(dimm => CampaignEngine.Run(Plan, dimm)).ToList();
        using var whole = new MemoryStream();
        var hash = CampaignLog.Write(outcomes, whole);

        // four workers have the DIMMs in another order each
        var parts = outcomes.AsEnumerable().Reverse().Select((outcome, at) => (outcome, at)).GroupBy(pair => pair.at % 4, pair => pair.outcome).Select(part =>
        {
            var log = new MemoryStream();
            CampaignLog.Write(part.Select(outcome => CampaignEngine.Run(Plan, outcome.Dimm)), log);
            log.Position = 0;
            return log;
        });
        using var merged = new MemoryStream();

        Assert.Equal(hash, CampaignLog.Merge(parts, merged));
        Assert.Equal(whole.ToArray(), merged.ToArray());
        var lines = Encoding.UTF8.GetString(whole.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(lines.Order(StringComparer.Ordinal), lines);
        Assert.True(lines.Length > 10_000, $"{lines.Length} lines");
    }

    [Fact]
    public void Log_OfASeed_IsForEverTheSame()
    {
        var hash = CampaignLog.Write([CampaignEngine.Run(Plan, Dimm("db-1", "nmem0"))]);

        Assert.Equal("0e6e9377cc8774cafa369607d9b115148b8a2736", Convert.ToHexStringLower(hash)[..40]);
        Assert.NotEqual(hash, CampaignLog.Write([CampaignEngine.Run(Plan with { Seed = 43 }, Dimm("db-1", "nmem0"))]));
    }

    [Fact]
    public void Rate_OverManyDimms_IsWhatWasAskedFor()
    {
        var plan = Plan with { Sources = [new ErrorSource { PerDimmHour = 0.1 / 24 }], Seconds = 365 * Day };
        var errors = Enumerable.Range(0, 500).Sum(number => CampaignEngine.Run(plan, Dimm("h", $"nmem{number}")).Summary.Errors);

        // 500 DIMMs, 365 days, 0.1 a day: 18250, and five standard deviations of it
        Assert.InRange(errors, 18250 - 675, 18250 + 675);
    }

    [Fact]
    public void Errors_OfAnyCampaign_AreFoundOrNotAndClearedOrNot() =>
        Gen.Select(Gen.ULong, Gen.Double[0, 2], Gen.Double[600, 3 * Day], Gen.Double[0, 1], Gen.Bool, Gen.Bool, Gen.Int[0, 3]).Sample(
            (seed, rate, scrub, probability, announced, mapped, kind) =>
            {
                var plan = Plan with
                {
                    Seed = seed,
                    Seconds = 5 * Day,
                    Scrub = kind == 3 ? null : new ScrubCadence(scrub, 1 << 24, 0),
                    Sources = [new ErrorSource { Kind = (ErrorSourceKind)(kind % 3), PerDimmHour = rate, Probability = probability, IsAnnounced = announced }],
                };
                var outcome = CampaignEngine.Run(plan, Dimm("h", "nmem0", mapped));
                var summary = outcome.Summary;
                Assert.Equal(summary.Errors, summary.Found + summary.NeverFound);
                Assert.Equal(summary.Errors, summary.ClearedByWrite + summary.Repaired + outcome.Remaining.Count);
                Assert.Equal(summary.Found, summary.Delays.Sum());
                Assert.Equal(summary.Errors, outcome.Events.Count(one => one.Kind == CampaignEventKind.Injected));
                Assert.Equal(summary.NeverFound, outcome.Remaining.Count(error => !error.IsKnown));
                Assert.True(mapped ? summary is { SectorHits: 0, ClearedByWrite: 0 } : summary.MappingHits == 0);
                Assert.All(outcome.Events, one => Assert.True(one.Dpa >= 0 && one.Dpa % 256 == 0 && one.Dpa + one.Length <= outcome.Dimm.Capacity && one.Microseconds < 5 * Day * 1e6));
                Assert.Equal(outcome.Events.OrderBy(one => one.Microseconds).Select(one => one.Sequence), outcome.Events.Select(one => one.Sequence));
            },
            iter: 200);

    [Fact]
    public void Schedule_TimesAndInterval_AreKept()
    {
        var plan = Plan with { Seconds = Day, Sources = [new ErrorSource { IntervalSeconds = 600, StartSeconds = 100, AfterAccesses = 2_000_000, Times = 3, LengthBytes = 4096 }] };

        var outcome = CampaignEngine.Run(plan, Dimm("h", "nmem0"));

        // two million reads at 2000 a second are 1000 seconds
        Assert.Equal([1000, 1600, 2200], outcome.Events.Where(one => one.Kind == CampaignEventKind.Injected).Select(one => one.Microseconds / 1_000_000));
        Assert.All(outcome.Events, one => Assert.Equal(4096, one.Length));
    }

    [Fact]
    public void DimmFailure_IsOnceAndStays()
    {
        var plan = Plan with { Sources = [new ErrorSource { Kind = ErrorSourceKind.DimmFailure, PerDimmHour = 1 }] };

        var outcome = CampaignEngine.Run(plan, Dimm("h", "nmem0"));

        Assert.Equal((1L, 1L, outcome.Dimm.Areas[0].Length), (outcome.Summary.DimmFailures, outcome.Summary.Errors, outcome.Summary.LostBytes));
        Assert.Equal(new RemainingError(0, outcome.Dimm.Capacity, IsKnown: true), Assert.Single(outcome.Remaining));
    }

    [Fact]
    public void Scrub_AloneFindsAnErrorWhenItsPassReadsIt()
    {
        var plan = Plan with { Access = null, RepairAfterSeconds = null, Seconds = 10 * Day, Sources = [new ErrorSource { PerDimmHour = 1 }] };

        var outcome = CampaignEngine.Run(plan, Dimm("h", "nmem0"));

        Assert.All(outcome.Events.Where(one => one.Kind == CampaignEventKind.Scrubbed), found =>
        {
            var inPass = ((found.Microseconds / 1e6) - 3600) % Day;
            Assert.Equal((double)found.Dpa / (1 << 30), inPass, 0.001);
        });
        Assert.InRange(outcome.Summary.LongestDelayMicroseconds, 1, (long)(Day * 1e6));
        Assert.Equal(0, outcome.Summary.MappingHits + outcome.Summary.SectorHits);
    }

    [Fact]
    public void Ln_AnyNumber_IsTheLogarithm() =>
        Gen.Double[1e-17, 1].Sample(value => Assert.Equal(Math.Log(value), CampaignRandom.Ln(value), 1e-9));

    private static CampaignDimm Dimm(string host, string name, bool mapped = false) =>
        new(host, name, 64L << 30, 256, [new CampaignArea(1 << 20, 48L << 30, "namespace0.0", mapped)]);
}
