using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Workloads;

namespace PmemFleet.Api.Workloads;

/// <summary>Described loads that a worker runs: the same spec and seed give the same bytes.</summary>
[ApiController]
[Route("v1/workloads")]
[Tags("Workloads")]
public sealed class WorkloadsController(FleetDbContext db) : ControllerBase
{
    /// <summary>Lists workloads, oldest first, without their series.</summary>
    /// <param name="query">The page.</param>
    /// <param name="host">Only of this host.</param>
    /// <param name="state">Only in this state.</param>
    /// <param name="cancellationToken">The caller left.</param>
    [HttpGet]
    [Answers<ListPage<WorkloadDto>>(200, "One page of workloads.")]
    public Task<ListPage<WorkloadDto>> List(
        [FromQuery] ListQuery query, [FromQuery] string? host, [FromQuery] string? state, CancellationToken cancellationToken) =>
        WorkloadProjection.PageAsync(db, HttpContext, query, host, state, cancellationToken);

    /// <summary>Runs a workload on copies of a host's dax devices, or on a described machine.</summary>
    /// <remarks>
    /// It runs beside the host's other tasks. Power off, a power cut or a boot of the host, and disabling a device it maps, end it with the reason; the loss of its
    /// worker makes it begin again from its seed on another one. Cancel it by <c>POST /v1/operations/{id}/cancel</c>.
    /// </remarks>
    [HttpPost]
    [RequestExample("Four processes warm up 64 GiB and then read it by a Zipf law, with a poisoned line on the way", """
        {"name":"warm-up","machine":{"devices":[{"size":"256G","align":"2M"}]},"seed":42,"processes":4,"mappings":[{"device":"dax0.0","length":"64G"}],
         "phases":[{"name":"fill","populate":true},{"name":"serve","pattern":"zipf","accesses":1000000,"writePercent":30}],
         "injections":[{"kind":"poison","phase":1,"afterAccesses":500000,"device":"dax0.0","offset":"1G"}],"tlb":{}}
        """)]
    [RequestExample("On a host's own device", """
        {"host":"db-1","seed":7,"mappings":[{"device":"dax0.0","length":"1G"}],"phases":[{"pattern":"uniform","accesses":100000}]}
        """)]
    [Answers<WorkloadDto>(201, "It ran to its end.")]
    [Answers<OperationDto>(202, "It runs; see the operation.")]
    [Refused(404, "There is no such host.")]
    [Refused(409, "The host is powered off.")]
    [Refused(422, "The spec is refused: `code` names the rule, `numbers` and `allowed` say what would be legal.")]
    [Refused(503, "No worker can run it yet, or it would take more memory than a worker gives one load.")]
    public Task<IActionResult> Create([FromBody] CreateWorkloadRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, context => WorkloadCommands.CreateAsync(context, request));

    /// <summary>One workload, without its series.</summary>
    [HttpGet("{id:guid}")]
    [Answers<WorkloadDto>(200, "The workload.")]
    [Refused(404, "There is no such workload.")]
    public async Task<IActionResult> Get(Guid id, CancellationToken cancellationToken) =>
        this.Found(await WorkloadProjection.FindAsync(db, id, cancellationToken), "workload", id.ToString());

    /// <summary>A workload's result with the series of each phase, in the very bytes whose SHA-256 is <c>resultSha256</c>.</summary>
    [HttpGet("{id:guid}/result")]
    [Answers<WorkloadResultDto>(200, "The result.")]
    [Refused(404, "There is no such workload.")]
    [Refused(409, "It has not ended, or ended without a result.")]
    public async Task<IActionResult> Result(Guid id, CancellationToken cancellationToken)
    {
        var found = await db.Set<WorkloadRow>().AsNoTracking().Where(row => row.Id == id)
            .Select(row => new { row.Result, row.ResultSha256 }).SingleOrDefaultAsync(cancellationToken);
        if (found is null)
        {
            return ProblemResults.NotFound("workload", id.ToString()).ToResult();
        }

        if (found.Result is null)
        {
            return Refusals.Busy("no-result", "The workload has not ended, or ended without a result.").ToResult();
        }

        Response.Headers.ETag = $"\"{found.ResultSha256}\"";
        return Content(found.Result, "application/json; charset=utf-8");
    }

    /// <summary>Deletes a workload that has ended.</summary>
    [HttpDelete("{id:guid}")]
    [AnswersNothing(204, "It is gone.")]
    [Refused(404, "There is no such workload.")]
    [Refused(409, "It has not ended: cancel its operation first.")]
    public Task<IActionResult> Delete(Guid id, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, context => WorkloadCommands.DeleteAsync(context, id));
}
