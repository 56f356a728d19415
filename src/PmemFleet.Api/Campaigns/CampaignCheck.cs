using PmemFleet.Api.Conventions;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Campaigns;

/// <summary>What a campaign may ask for.</summary>
public static class CampaignCheck
{
    private const double LongestSeconds = 10 * 366 * 86400.0;
    private const int MostSources = 16;
    private const double MostOccurrencesOnADimm = 200_000;
    private const int LongestName = 63;
    private static readonly IReadOnlyList<string> Kinds = ["scattered", "burst", "dimm-failure"];

    public static RefusalDto? Refuse(CreateCampaignRequest request)
    {
        if (request.Name?.Length > LongestName)
        {
            return Refusals.Invalid("name-too-long", "name", "A name has at most 63 characters.");
        }

        if (request.DurationSeconds is not (>= 1 and <= LongestSeconds))
        {
            return Refusals.Invalid("duration", "durationSeconds", "A campaign takes 1 second to ten years.", "1", "316224000");
        }

        if (request.LabelSelector is { } selector && !LabelSelector.TryParse(selector, null, out _))
        {
            return Refusals.Invalid("label-selector", "labelSelector", $"A label selector is {LabelSelector.Grammar}.");
        }

        if (request.Effect is not (null or "simulate" or "apply"))
        {
            return Refusals.Invalid("effect", "effect", $"There is no effect '{request.Effect}'.", "simulate", "apply");
        }

        if (request.Sources is not { Count: >= 1 and <= MostSources } sources)
        {
            return Refusals.Invalid("sources", "sources", "A campaign has 1 to 16 sources of errors.");
        }

        return RefuseUse(request) ?? sources.Select((source, at) => Refuse(source, $"sources/{at}", request.DurationSeconds.Value)).FirstOrDefault(refusal => refusal is not null);
    }

    /// <summary>The errors that a source is expected to make on a DIMM.</summary>
    public static double Expected(ErrorSourceDto source, double seconds)
    {
        var occurrences = source.IntervalSeconds is { } interval ? (seconds / interval) + 1 : (source.PerDimmHour ?? 0) * seconds / 3600;
        occurrences = Math.Min(occurrences * (source.Probability ?? 1), source.Times ?? double.PositiveInfinity);
        return source.Kind == "dimm-failure" ? Math.Min(occurrences, 1) : occurrences * (source.Kind == "burst" ? source.BurstErrors ?? 16 : 1);
    }

    private static RefusalDto? RefuseUse(CreateCampaignRequest request) =>
        request.Scrub is { } scrub && (!(scrub.IntervalSeconds is >= 1 and <= LongestSeconds) || !(scrub.FirstSeconds is >= 0 and <= LongestSeconds) || scrub.BytesPerSecond?.Value == 0)
            ? Refusals.Invalid("scrub-cadence", "scrub", "A scrub has an interval of a second or more, a first pass at 0 or later, and a speed above 0.")
        : request.Access is { } access && (!IsRate(access.ReadsPerSecond) || !IsRate(access.WritesPerSecond) || access.AccessBytes?.Value == 0)
            ? Refusals.Invalid("access-model", "access", "Reads and writes are 0 to 1,000,000,000 in a second, and each has bytes.")
        : request.RepairAfterSeconds is not null and not (>= 0 and <= LongestSeconds)
            ? Refusals.Invalid("repair-after", "repairAfterSeconds", "An error is cleared 0 seconds to ten years after it is known.")
        : null;

    private static bool IsRate(double perSecond) => perSecond is >= 0 and <= 1e9;

    private static RefusalDto? Refuse(ErrorSourceDto source, string subject, double seconds)
    {
        if (source.Kind is { } kind && !Kinds.Contains(kind))
        {
            return Refusals.Invalid("source-kind", $"{subject}/kind", $"There is no source '{kind}'.", Kinds);
        }

        if ((source.PerDimmHour is null) == (source.IntervalSeconds is null))
        {
            return Refusals.Invalid("rate-or-interval", $"{subject}/perDimmHour", "Give either a rate or an interval.");
        }

        if (source.PerDimmHour is not (null or (>= 0 and <= 1e9)) || source.IntervalSeconds is not (null or (> 0 and <= LongestSeconds))
            || source.Probability is not (null or (>= 0 and <= 1)) || source.Times is < 1 || source.AfterAccesses < 0 || !(source.StartSeconds is >= 0 and <= LongestSeconds)
            || source.BurstErrors is < 1 or > 100_000 || source.BurstSeconds is not (null or (>= 0 and <= LongestSeconds)) || source.BurstBytes?.Value == 0 || source.Length?.Value == 0)
        {
            return Refusals.Invalid("source-values", subject, "A number of the source is out of its range.");
        }

        var occurrences = source.IntervalSeconds is { } interval ? seconds / interval : source.PerDimmHour!.Value * seconds / 3600;
        return occurrences > MostOccurrencesOnADimm || Expected(source, seconds) > MostOccurrencesOnADimm
            ? Refusals.Invalid("too-many-errors", subject, "A source makes at most 200,000 errors on a DIMM.").With("expected", (long)Math.Min(long.MaxValue / 2, Math.Max(occurrences, Expected(source, seconds))))
            : null;
    }
}
