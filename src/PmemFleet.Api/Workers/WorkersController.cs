using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Access;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Problems;
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
    [ProducesResponseType<ListPage<WorkerDto>>(StatusCodes.Status200OK)]
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
    [ProducesResponseType<WorkerDto>(StatusCodes.Status200OK)]
    [ProducesResponseType<ProblemDto>(StatusCodes.Status404NotFound, FleetProblem.MediaType)]
    public async Task<IActionResult> Get(string worker, CancellationToken cancellationToken)
    {
        if (await WorkerProjection.Read(db).SingleOrDefaultAsync(row => row.Worker.Name == worker, cancellationToken) is not { } row)
        {
            return ProblemResults.NotFound("worker", worker).ToResult();
        }

        Response.Headers.ETag = Etag.Of(row.Worker.Id, row.Worker.Version);
        return Ok(row.ToDto());
    }

    /// <summary>A worker's process joins; the join token is the bearer. Asking twice is harmless.</summary>
    [HttpPost("join")]
    [Authorize(Roles.Join)]
    [ProducesResponseType<JoinResponse>(StatusCodes.Status200OK)]
    [ProducesResponseType<ProblemDto>(StatusCodes.Status422UnprocessableEntity, FleetProblem.MediaType)]
    public async Task<IActionResult> Join([FromBody] JoinRequest request, [FromServices] JoinWorker join, CancellationToken cancellationToken)
    {
        if (JoinWorker.Check(request) is { } refusal)
        {
            return refusal.ToResult();
        }

        Response.Headers.CacheControl = "no-store";
        return Ok(await join.RunAsync(request, cancellationToken));
    }
}
