using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Access;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.MediaErrors;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Api.Sync;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Api.Workers;

/// <summary>The processes that hold hosts' media.</summary>
[ApiController]
[Route("v1/workers")]
[Tags("Workers")]
public sealed class WorkersController(FleetDbContext db) : ControllerBase
{
    /// <summary>Lists workers by name.</summary>
    [HttpGet]
    [Authorize(Roles.Admin)]
    [Answers<ListPage<WorkerDto>>(200, "One page of workers.")]
    public async Task<ListPage<WorkerDto>> List([FromQuery] ListQuery query, CancellationToken cancellationToken)
    {
        var after = query.AfterKey() ?? string.Empty;
        var rows = await WorkerProjection.Read(db).Where(row => string.Compare(row.Worker.Name, after) > 0).OrderBy(row => row.Worker.Name).Take(query.Limit + 1)
            .ToListAsync(cancellationToken);
        return query.ToPage([.. rows.Select(row => row.ToDto())], worker => worker.Name, HttpContext);
    }

    /// <summary>One worker.</summary>
    [HttpGet("{worker}")]
    [Authorize(Roles.Admin)]
    [Answers<WorkerDto>(200, "The worker.")]
    [Refused(404, "There is no such worker.")]
    public async Task<IActionResult> Get(string worker, CancellationToken cancellationToken)
    {
        if (await WorkerProjection.Read(db).SingleOrDefaultAsync(row => row.Worker.Name == worker, cancellationToken) is not { } row)
        {
            return ProblemResults.NotFound("worker", worker).ToResult();
        }

        Response.Headers.ETag = Etag.Of(row.Worker.Id, row.Worker.Version);
        return Ok(row.ToDto());
    }

    /// <summary>
    /// Empties the worker: it gets no new hosts, and each of its own is shut down cleanly behind what its queue holds and moves to another
    /// worker of the pool. Requests of a host that moves wait for it. The worker is <c>drained</c> once it holds none.
    /// </summary>
    [HttpPost("{worker}/drain")]
    [HonoursIfMatch]
    [Authorize(Roles.Admin)]
    [Answers<WorkerDto>(200, "The worker.")]
    [Refused(404, "There is no such worker.")]
    public Task<IActionResult> Drain(string worker, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, context => DrainWorker.ExecuteAsync(context, worker, drain: true));

    /// <summary>The worker may get hosts again; what it gave away stays where it is.</summary>
    [HttpPost("{worker}/resume")]
    [HonoursIfMatch]
    [Authorize(Roles.Admin)]
    [Answers<WorkerDto>(200, "The worker.")]
    [Refused(404, "There is no such worker.")]
    public Task<IActionResult> Resume(string worker, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, context => DrainWorker.ExecuteAsync(context, worker, drain: false));

    /// <summary>A worker's process joins; the join token is the bearer. Asking twice is harmless.</summary>
    [HttpPost("join")]
    [Authorize(Roles.Join)]
    [Answers<JoinResponse>(200, "What the worker needs from then on.")]
    [Refused(409, "A live worker of another media pool has the name.")]
    [Refused(422, "A member is not what a worker can have.")]
    public async Task<IActionResult> Join([FromBody] JoinRequest request, [FromServices] JoinWorker join, CancellationToken cancellationToken)
    {
        if (JoinWorker.Check(request) is { } refusal)
        {
            return refusal.ToResult();
        }

        var (joined, taken) = await join.RunAsync(request, cancellationToken);
        if (taken is not null)
        {
            return taken.ToResult();
        }

        Response.Headers.CacheControl = "no-store";
        return Ok(joined);
    }

    /// <summary>A worker reports what keeps it from serving hosts that are its own, and that its media are full: the whole of it, whenever it changes.</summary>
    [HttpPost("{worker}/conditions")]
    [BodyLimit(64 << 20)]
    [Authorize(Roles.Worker)]
    [ProducesResponseType(StatusCodes.Status204NoContent)]
    [Refused(409, "This process holds no lease any more.")]
    public async Task<IActionResult> Report(string worker, [FromBody] WorkerConditions conditions, [FromServices] ReportConditions report, CancellationToken cancellationToken)
    {
        var identity = SyncController.IdentityOf(User, worker);
        return conditions.InstanceId == identity.InstanceId && await report.RunAsync(identity, conditions, cancellationToken)
            ? NoContent()
            : SyncController.Fenced.ToResult();
    }

    /// <summary>A worker asks whether a host, whose folder it does not find, was up before.</summary>
    [HttpGet("{worker}/hosts/{host:guid}/media")]
    [Authorize(Roles.Worker)]
    [Answers<HostMediaDto>(200, "Whether the host's media were made.")]
    [Refused(404, "The host is not this worker's.")]
    public async Task<IActionResult> HostMedia(string worker, Guid host, CancellationToken cancellationToken)
    {
        var identity = SyncController.IdentityOf(User, worker);
        return await db.Hosts.AnyAsync(row => row.Id == host && row.WorkerId == identity.WorkerId, cancellationToken)
            ? Ok(new HostMediaDto { Exist = await db.Set<DimmMediaRow>().AnyAsync(row => row.HostId == host, cancellationToken) })
            : ProblemResults.NotFound("host", host.ToString()).ToResult();
    }
}
