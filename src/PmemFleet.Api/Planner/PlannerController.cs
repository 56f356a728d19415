using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Access;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Planner;

namespace PmemFleet.Api.Planner;

/// <summary>What page sizes cost.</summary>
[ApiController]
[Route("v1/planner")]
[Tags("Planner")]
public sealed class PlannerController : ControllerBase
{
    /// <summary>The page tables, struct pages and TLB reach of mapping memory in many processes, by page size.</summary>
    /// <remarks>
    /// 10,000 processes on 6 TiB: 120,000 GiB of leaf entries with 4 KiB pages, 234 GiB with 2 MiB (~240 by dividing the rounded figure by 512), 469 MiB
    /// with 1 GiB (~480 the same way); beside them the full cost with the upper levels.
    /// </remarks>
    [HttpPost("page-tables")]
    [Authorize(Roles.Viewer)]
    [RequestExample("10,000 processes on 6 TiB", """{"processes":10000,"memory":"6T"}""")]
    [RequestExample("The same with struct pages on the device, deduplicated, and counted in the engine", """{"processes":10000,"memory":"6T","map":"dev","deduplicateVmemmap":true,"simulate":true}""")]
    [RequestExample("Threads of one process, five levels", """{"processes":10000,"memory":"6T","tables":"shared","levels":5}""")]
    [Answers<PageTablePlanDto>(200, "The cost of each page size.")]
    [Refused(422, "The numbers fit no address space, or a simulation of them would take too long.")]
    [Refused(503, "Another simulation is running.")]
    public async Task<IActionResult> PageTables([FromBody] PlanPageTablesRequest request, [FromServices] PageTablePlans plans, CancellationToken cancellationToken)
    {
        var (plan, refusal) = await plans.RunAsync(request, cancellationToken);
        return plan is null ? refusal!.ToResult() : Ok(plan);
    }
}
