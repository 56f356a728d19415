using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.Operations;

/// <summary>Changes that need a worker.</summary>
[ApiController]
[Route("v1/operations")]
[Tags("Operations")]
public sealed class OperationsController(FleetDbContext db) : ControllerBase
{
    /// <summary>Lists operations, oldest first.</summary>
    /// <param name="query">The page.</param>
    /// <param name="host">Only of this host.</param>
    /// <param name="state">Only in this state.</param>
    /// <param name="kind">Only of this kind.</param>
    /// <param name="cancellationToken">The caller left.</param>
    [HttpGet]
    [Answers<ListPage<OperationDto>>(200, "One page of operations.")]
    public async Task<ListPage<OperationDto>> List(
        [FromQuery] ListQuery query, [FromQuery] string? host, [FromQuery] string? state, [FromQuery] string? kind, CancellationToken cancellationToken)
    {
        var after = query.AfterId();
        var rows = await db.Operations.AsNoTracking()
            .Where(row => after == null || row.Id > after)
            .Where(row => host == null || row.HostName == host)
            .Where(row => state == null || row.State == state)
            .Where(row => kind == null || row.Kind == kind)
            .OrderBy(row => row.Id).Take(query.Limit + 1).ToListAsync(cancellationToken);
        return query.ToPage([.. rows.Select(OperationProjection.ToDto)], operation => operation.Id.ToString("N"), HttpContext);
    }

    /// <summary>One operation. With <c>Prefer: wait=N</c> the answer waits for its end that long.</summary>
    [HttpGet("{id:guid}")]
    [Answers<OperationDto>(200, "The operation.")]
    [Refused(404, "There is no such operation.")]
    public async Task<IActionResult> Get(Guid id, [FromServices] OperationWaiter waiter, CancellationToken cancellationToken)
    {
        var patience = Request.Headers.ContainsKey("Prefer") ? Preference.WaitOf(HttpContext) : TimeSpan.Zero;
        if (await waiter.WaitAsync(id, patience, cancellationToken) is not { } row)
        {
            return ProblemResults.NotFound("operation", id.ToString()).ToResult();
        }

        Response.Headers.ETag = Etag.Of(row.Id, row.Version);
        return Ok(OperationProjection.ToDto(row));
    }

    /// <summary>Cancels an operation that has not ended. One that has is answered as it is.</summary>
    [HttpPost("{id:guid}/cancel")]
    [HonoursIfMatch]
    [Answers<OperationDto>(200, "The operation: cancelled, or running until the worker has stopped it.")]
    [Refused(404, "There is no such operation.")]
    public Task<IActionResult> Cancel(Guid id, [FromServices] CancelOperation cancel, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, context => cancel.RunAsync(context, id));
}
