using System.Text.Json;
using PmemFleet.Api.Operations;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Nvdimm.Campaigns;

namespace PmemFleet.Api.Campaigns;

/// <summary>The only way from a campaign's row to the wire.</summary>
public static class CampaignProjection
{
    public static CampaignDto ToDto(CampaignRow row, string operationState) => new()
    {
        Id = row.Id,
        OperationId = row.OperationId,
        Request = JsonSerializer.Deserialize(row.Request, FleetJsonContext.Default.CreateCampaignRequest)!,
        State = operationState == OperationRow.Pending ? OperationRow.Running : operationState,
        Hosts = row.Hosts,
        HostsDone = row.HostsDone,
        Result = row.Result is null ? null : JsonSerializer.Deserialize(row.Result, FleetJsonContext.Default.CampaignResultDto),
        CreatedAt = row.CreatedAt,
    };

    public static CampaignSummary ToSummary(CampaignSummaryDto dto)
    {
        var summary = new CampaignSummary
        {
            Dimms = dto.Dimms,
            Errors = dto.Errors,
            DimmFailures = dto.DimmFailures,
            Announced = dto.Announced,
            MappingHits = dto.FoundByMapping,
            SectorHits = dto.FoundBySector,
            Scrubbed = dto.FoundByScrub,
            NeverFound = dto.NeverFound,
            ClearedByWrite = dto.ClearedByWrite,
            Repaired = dto.Repaired,
            LostBytes = dto.LostBytes,
            DelayMicroseconds = dto.DelayMicroseconds,
            LongestDelayMicroseconds = dto.LongestDelayMicroseconds,
        };
        summary.AddDelays(dto.Delays);
        foreach (var (name, count) in dto.ByNamespace)
        {
            summary.ByNamespace[name] = count;
        }

        return summary;
    }

    public static CampaignResultDto ToResult(CampaignSummary summary, byte[] hash, long logBytes) => new()
    {
        LogSha256 = Convert.ToHexStringLower(hash),
        LogBytes = logBytes,
        Summary = new CampaignSummaryDto
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
            DelayMicroseconds = summary.DelayMicroseconds,
            LongestDelayMicroseconds = summary.LongestDelayMicroseconds,
            ByNamespace = summary.ByNamespace.ToDictionary(),
            Delays = [.. summary.Delays],
        },
        MeanDelaySeconds = summary.Found == 0 ? 0 : Math.Round(summary.DelayMicroseconds / 1e6 / summary.Found, 6),
        MedianDelaySeconds = summary.DelayWithin(0.5),
        P99DelaySeconds = summary.DelayWithin(0.99),
        LongestDelaySeconds = summary.LongestDelayMicroseconds / 1e6,
    };
}
