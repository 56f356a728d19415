using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Campaigns;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Worker.Campaigns;

/// <summary>Campaigns between the wire's form and the library's.</summary>
internal static class CampaignWire
{
    public static CampaignPlan ToPlan(CreateCampaignRequest request) => new()
    {
        Seed = request.Seed,
        Seconds = request.DurationSeconds ?? 0,
        Sources = [.. (request.Sources ?? []).Select(ToSource)],
        Scrub = request.Scrub is { } scrub ? new ScrubCadence(scrub.IntervalSeconds, scrub.BytesPerSecond?.Value ?? 4 * Bytes.GiB, scrub.FirstSeconds) : null,
        Access = request.Access is { } access ? new AccessModel(access.ReadsPerSecond, access.WritesPerSecond, access.AccessBytes?.Value ?? 4096) : null,
        RepairAfterSeconds = request.RepairAfterSeconds,
    };

    public static CampaignDimm ToDimm(string host, CampaignDimmDto dimm, DimmLayout layout) => new(
        host,
        dimm.Name,
        layout.Capacity,
        layout.ClearErrorUnit,
        [.. dimm.Areas.Select(area => new CampaignArea(area.Dpa, area.Length, area.Namespace, area.Mapped))]);

    public static CampaignSummaryDto ToDto(CampaignSummary summary) => new()
    {
        Dimms = summary.Dimms,
        Errors = summary.Errors,
        DimmFailures = summary.DimmFailures,
        Announced = summary.Announced,
        FoundByMapping = summary.MappingHits,
        FoundBySector = summary.SectorHits,
        FoundByScrub = summary.Scrubbed,
        NeverFound = summary.NeverFound,
        ClearedByWrite = summary.ClearedByWrite,
        Repaired = summary.Repaired,
        LostBytes = summary.LostBytes,
        ByNamespace = summary.ByNamespace.ToDictionary(),
        DelayMicroseconds = summary.DelayMicroseconds,
        LongestDelayMicroseconds = summary.LongestDelayMicroseconds,
        Delays = [.. summary.Delays],
    };

    private static ErrorSource ToSource(ErrorSourceDto source)
    {
        var defaults = new ErrorSource();
        return new ErrorSource
        {
            Kind = source.Kind switch { "burst" => ErrorSourceKind.Burst, "dimm-failure" => ErrorSourceKind.DimmFailure, _ => ErrorSourceKind.Scattered },
            PerDimmHour = source.PerDimmHour ?? 0,
            IntervalSeconds = source.IntervalSeconds,
            StartSeconds = source.StartSeconds,
            AfterAccesses = source.AfterAccesses,
            Probability = source.Probability ?? 1,
            Times = source.Times,
            BurstErrors = source.BurstErrors ?? defaults.BurstErrors,
            BurstBytes = source.BurstBytes?.Value ?? defaults.BurstBytes,
            BurstSeconds = source.BurstSeconds ?? defaults.BurstSeconds,
            LengthBytes = source.Length?.Value,
            IsAnnounced = source.Announced,
        };
    }
}
