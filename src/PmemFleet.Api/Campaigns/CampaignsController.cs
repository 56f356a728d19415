using System.IO.Compression;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.Campaigns;

/// <summary>Campaigns of media errors over the fleet, in simulated time.</summary>
[ApiController]
[Route("v1/campaigns")]
[Tags("Campaigns")]
public sealed class CampaignsController(FleetDbContext db) : ControllerBase
{
    /// <summary>Starts a campaign. Cancel it by its operation.</summary>
    /// <remarks>The same seed over the same DIMMs gives the same event log, byte for byte, on however many workers.</remarks>
    [HttpPost]
    [RequestExample("A year over the whole fleet; nothing is changed", """{"name":"a bad year","seed":42,"durationSeconds":31536000,"sources":[{"perDimmHour":0.004}],"scrub":{"intervalSeconds":604800},"access":{"readsPerSecond":1000,"writesPerSecond":200},"repairAfterSeconds":86400}""")]
    [RequestExample("A burst on some hosts, which stays on their DIMMs", """{"durationSeconds":3600,"labelSelector":"tier=db","sources":[{"kind":"burst","intervalSeconds":3600,"times":1,"burstErrors":64}],"effect":"apply"}""")]
    [Answers<CampaignDto>(200, "The campaign with its result.")]
    [Answers<OperationDto>(202, "It runs; see the operation.")]
    [Refused(422, "A number is out of its range, no host is meant, or there would be too many errors.")]
    public Task<IActionResult> Create([FromBody] CreateCampaignRequest request, [FromServices] StartCampaign start, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, context => start.RunAsync(context, request));

    /// <summary>Lists campaigns, oldest first.</summary>
    [HttpGet]
    [Answers<ListPage<CampaignDto>>(200, "One page of campaigns.")]
    public async Task<ListPage<CampaignDto>> List([FromQuery] ListQuery query, CancellationToken cancellationToken)
    {
        var after = query.AfterId();
        var rows = await (
            from campaign in Shown
            join operation in db.Operations on campaign.OperationId equals operation.Id
            where after == null || campaign.Id > after
            orderby campaign.Id
            select new { campaign, operation.State }).Take(query.Limit + 1).AsNoTracking().ToListAsync(cancellationToken);
        return query.ToPage([.. rows.Select(row => CampaignProjection.ToDto(row.campaign, row.State))], campaign => campaign.Id.ToString("N"), HttpContext);
    }

    /// <summary>One campaign.</summary>
    [HttpGet("{id:guid}")]
    [Answers<CampaignDto>(200, "The campaign; with its result once it succeeded.")]
    [Refused(404, "There is no such campaign.")]
    public async Task<IActionResult> Get(Guid id, CancellationToken cancellationToken)
    {
        var found = await (
            from campaign in Shown
            join operation in db.Operations on campaign.OperationId equals operation.Id
            where campaign.Id == id
            select new { campaign, operation.State, operation.Version }).AsNoTracking().SingleOrDefaultAsync(cancellationToken);
        if (found is null)
        {
            return ProblemResults.NotFound("campaign", id.ToString()).ToResult();
        }

        Response.Headers.ETag = Etag.Of(id, found.Version);
        return Ok(CampaignProjection.ToDto(found.campaign, found.State));
    }

    /// <summary>The event log of a campaign that succeeded: a line for each event, by simulated time and DIMM. Its SHA-256 is in the result.</summary>
    [HttpGet("{id:guid}/log")]
    [Answers<string>(200, "The log.", "text/plain")]
    [Refused(404, "There is no such campaign, or it has not succeeded.")]
    public async Task<IActionResult> Log(Guid id, CancellationToken cancellationToken)
    {
        var log = await db.Set<CampaignRow>().Where(campaign => campaign.Id == id).Select(campaign => campaign.Log).SingleOrDefaultAsync(cancellationToken);
        return log is null
            ? ProblemResults.NotFound("log of campaign", id.ToString()).ToResult()
            : new FileStreamResult(new GZipStream(new MemoryStream(log), CompressionMode.Decompress), "text/plain");
    }

    /// <summary>Without the logs, which may be large.</summary>
    private IQueryable<CampaignRow> Shown => db.Set<CampaignRow>().Select(row => new CampaignRow
    {
        Id = row.Id,
        OperationId = row.OperationId,
        Request = row.Request,
        Hosts = row.Hosts,
        HostsDone = row.HostsDone,
        Result = row.Result,
        CreatedAt = row.CreatedAt,
    });
}
