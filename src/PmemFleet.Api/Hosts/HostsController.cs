using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.Hosts;

/// <summary>Virtual servers: one libnvdimm bus each.</summary>
[ApiController]
[Route("v1/hosts")]
[Tags("Hosts")]
public sealed class HostsController(FleetDbContext db) : ControllerBase
{
    /// <summary>Lists hosts by name.</summary>
    [HttpGet]
    [Answers<ListPage<HostDto>>(200, "One page of hosts.")]
    public async Task<ListPage<HostDto>> List([FromQuery] ListQuery query, [FromQuery] HostFilter filter, CancellationToken cancellationToken) =>
        query.ToPage(await HostProjection.ListAsync(db, query, filter, cancellationToken), host => host.Name, HttpContext);

    /// <summary>Creates a host, with its DIMMs and regions in one go.</summary>
    /// <remarks>
    /// A worker of its media pool gets it and boots it. Where one lives, that is waited for as <c>Prefer</c> says, and the answer shows it ready;
    /// else the answer comes at once, and the host waits.
    /// </remarks>
    [HttpPost]
    [RequestExample(
        "Four DIMMs: an interleave set over the first half of each, a plain region on the rest of the first",
        """
        {"name":"db-1","labels":{"tier":"gold"},
         "dimms":[{"capacity":"4G"},{"capacity":"4G"},{"capacity":"4G"},{"capacity":"4G"}],
         "regions":[{"dimms":["nmem0","nmem1","nmem2","nmem3"],"size":"8G"},{"dimms":["nmem0"]}]}
        """)]
    [RequestExample("One DIMM, one region", """{"name":"edge-1","dimms":[{"capacity":"4G"}],"regions":[{"dimms":["nmem0"]}]}""")]
    [Answers<HostDto>(201, "The host; `state` says whether a worker holds it yet.")]
    [Refused(409, "The name is taken.")]
    [Refused(422, "A DIMM or a region is not one the platform could have.")]
    public async Task<IActionResult> Create([FromBody] CreateHostRequest request, [FromServices] FleetWrite write, [FromServices] HostReadiness readiness) =>
        await readiness.AwaitAsync(HttpContext, request, await write.ExecuteAsync(this, context => CreateHost.ExecuteAsync(context, request)));

    /// <summary>One host.</summary>
    [HttpGet("{host}")]
    [Answers<HostDto>(200, "The host.")]
    [Refused(404, "There is no such host.")]
    public async Task<IActionResult> Get(string host, CancellationToken cancellationToken) =>
        this.Found(await HostProjection.FindAsync(db, host, cancellationToken), "host", host);

    /// <summary>Replaces a host's labels.</summary>
    [HttpPatch("{host}")]
    [RequestExample("Other labels", """{"labels":{"tier":"silver","rack":"r7"}}""")]
    [Answers<HostDto>(200, "The host with its new labels.")]
    [Refused(404, "There is no such host.")]
    [Refused(422, "A label is not of Kubernetes' grammar.")]
    public Task<IActionResult> Update(string host, [FromBody] UpdateHostRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, context => UpdateHost.ExecuteAsync(context, host, request));

    /// <summary>Deletes a host with all that is on it; the worker removes its media.</summary>
    [HttpDelete("{host}")]
    [AnswersNothing(204, "It is gone.")]
    [Answers<OperationDto>(202, "The worker has yet to remove the media; see the operation.")]
    [Refused(404, "There is no such host.")]
    public Task<IActionResult> Delete(string host, [FromServices] FleetWrite write, [FromServices] DeleteHost delete) =>
        write.ExecuteAsync(this, context => delete.ExecuteAsync(context, host));

    /// <summary>Switches a host off or on, cycles it, or cuts its power.</summary>
    /// <remarks>
    /// Processes and mappings end; namespaces come up again from labels and info blocks. A cut counts an unsafe shutdown on every DIMM;
    /// acknowledged writes are there.
    /// </remarks>
    [HttpPost("{host}/power")]
    [HonoursIfMatch]
    [RequestExample("Clean shutdown, then boot", """{"action":"cycle"}""")]
    [RequestExample("Power lost, then boot", """{"action":"cut"}""")]
    [Answers<HostDto>(200, "The host after it.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host.")]
    [Refused(409, "It is in that state already.")]
    [Refused(422, "There is no such action.")]
    public Task<IActionResult> Power(string host, [FromBody] PowerRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => HostPower.Execute(aggregate, request), poweredOff: true);

    /// <summary>Parses every label area and info block and compares them with the rows.</summary>
    /// <remarks>Info blocks are read through the worker; `infoBlocks` is 0 while the host is off.</remarks>
    [HttpGet("{host}/check")]
    [Answers<HostCheckDto>(200, "The differences; none where all agree.")]
    [Refused(404, "There is no such host.")]
    public Task<IActionResult> Check(string host, [FromServices] CheckHost check, CancellationToken cancellationToken) =>
        check.ExecuteAsync(host, cancellationToken);
}
