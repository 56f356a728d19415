using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.Namespaces;

/// <summary>Namespaces: allocations of a region in one of four modes.</summary>
[ApiController]
[Route("v1/hosts/{host}/namespaces")]
[Tags("Namespaces")]
public sealed class NamespacesController(FleetDbContext db) : ControllerBase
{
    /// <summary>Lists the namespaces of the whole fleet, by host, region and number; zero-size seeds are left out.</summary>
    [HttpGet("/v1/namespaces")]
    [Answers<ListPage<NamespaceDto>>(200, "One page of namespaces.")]
    public Task<ListPage<NamespaceDto>> ListFleet([FromQuery] ListQuery query, [FromQuery] NamespaceFilter filter, CancellationToken cancellationToken) =>
        NamespaceProjection.PageAsync(db, HttpContext, query, filter, null, cancellationToken);

    /// <summary>Lists a host's namespaces by region and number.</summary>
    [HttpGet]
    [Answers<ListPage<NamespaceDto>>(200, "One page of namespaces.")]
    [Refused(404, "There is no such host.")]
    public async Task<IActionResult> List(string host, [FromQuery] ListQuery query, [FromQuery] NamespaceFilter filter, CancellationToken cancellationToken) =>
        await this.OfHostAsync(db, host, () => NamespaceProjection.PageAsync(db, HttpContext, query, filter, host, cancellationToken));

    /// <summary><c>ndctl create-namespace</c>.</summary>
    [HttpPost]
    [RequestExample("devdax, 2 MiB pages", """{"region":"region0","mode":"devdax","size":"1G","align":"2M"}""")]
    [RequestExample("fsdax", """{"region":"region0","mode":"fsdax","size":"1G"}""")]
    [RequestExample("sector (BTT)", """{"region":"region0","mode":"sector","size":"256M","sectorSize":4096}""")]
    [RequestExample("raw", """{"region":"region1","mode":"raw","size":"256M","altName":"scratch"}""")]
    [Answers<NamespaceDto>(201, "The namespace, enabled.")]
    [Answers<OperationDto>(202, "It is allocated; the worker is binding it. See the operation.")]
    [Refused(404, "There is no such host or region.")]
    [Refused(409, "There is not enough room (ENOSPC), or what it needs is taken (EBUSY).")]
    [Refused(422, "A rule of ndctl or libnvdimm refuses; `code`, `numbers` and `allowed` say which and what would be legal.")]
    public Task<IActionResult> Create(string host, [FromBody] CreateNamespaceRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => NamespaceCommands.Create(aggregate, request));

    /// <summary>One namespace.</summary>
    [HttpGet("{namespace}")]
    [Answers<NamespaceDto>(200, "The namespace.")]
    [Refused(404, "There is no such host or namespace.")]
    public async Task<IActionResult> Get(string host, string @namespace, CancellationToken cancellationToken) =>
        this.Found(await NamespaceProjection.FindAsync(db, host, @namespace, cancellationToken), "namespace", @namespace);

    /// <summary>Writes attributes of a disabled namespace, one after the other as sysfs takes them: uuid, name, size, sector size, class.</summary>
    [HttpPatch("{namespace}")]
    [RequestExample("Grow it", """{"size":"2G"}""")]
    [RequestExample("Rename it", """{"altName":"journal"}""")]
    [Answers<NamespaceDto>(200, "The namespace.")]
    [Refused(404, "There is no such host or namespace.")]
    [Refused(409, "It is enabled, or there is not enough room.")]
    [Refused(422, "The value is not legal.")]
    public Task<IActionResult> Update(string host, string @namespace, [FromBody] UpdateNamespaceRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => NamespaceCommands.Update(aggregate, @namespace, request));

    /// <summary><c>ndctl destroy-namespace</c>: info blocks are zeroed, labels and room are freed.</summary>
    /// <param name="host"></param>
    /// <param name="namespace"></param>
    /// <param name="force">Also where it is enabled.</param>
    /// <param name="write"></param>
    [HttpDelete("{namespace}")]
    [AnswersNothing(204, "It is gone.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or namespace.")]
    [Refused(409, "It is enabled and `force` is not set.")]
    public Task<IActionResult> Destroy(string host, string @namespace, [FromServices] FleetWrite write, [FromQuery] bool force = false) =>
        write.ExecuteAsync(this, host, aggregate => NamespaceCommands.Destroy(aggregate, @namespace, force));

    /// <summary><c>ndctl enable-namespace</c>: the info blocks say what it comes up as.</summary>
    [HttpPost("{namespace}/enable")]
    [HonoursIfMatch]
    [Answers<NamespaceDto>(200, "The namespace; also where it was enabled already.")]
    [Answers<OperationDto>(202, "The worker is binding it; see the operation.")]
    [Refused(404, "There is no such host or namespace.")]
    [Refused(409, "Its range is busy.")]
    [Refused(422, "It has no size or no uuid, or its info block asks for what the platform cannot do.")]
    public Task<IActionResult> Enable(string host, string @namespace, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => NamespaceCommands.Enable(aggregate, @namespace));

    /// <summary><c>ndctl disable-namespace</c>: mappings of its dax device are revoked.</summary>
    [HttpPost("{namespace}/disable")]
    [HonoursIfMatch]
    [Answers<NamespaceDto>(200, "The namespace; also where it was disabled already.")]
    [Answers<OperationDto>(202, "The worker is unbinding it; see the operation.")]
    [Refused(404, "There is no such host or namespace.")]
    [Refused(409, "It is busy.")]
    public Task<IActionResult> Disable(string host, string @namespace, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => NamespaceCommands.Disable(aggregate, @namespace));

    /// <summary><c>ndctl create-namespace --reconfig</c>: another mode, size, align or name in the same room.</summary>
    [HttpPost("{namespace}/reconfigure")]
    [HonoursIfMatch]
    [RequestExample("To raw, although it is enabled", """{"mode":"raw","force":true}""")]
    [RequestExample("To fsdax", """{"mode":"fsdax","force":true}""")]
    [Answers<NamespaceDto>(200, "The namespace in its new mode.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or namespace.")]
    [Refused(409, "It is enabled and `force` is not set, or there is not enough room.")]
    [Refused(422, "A rule of ndctl or libnvdimm refuses.")]
    public Task<IActionResult> Reconfigure(
        string host, string @namespace, [FromBody] ReconfigureNamespaceRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => NamespaceCommands.Reconfigure(aggregate, @namespace, request));

    /// <summary>
    /// <c>ndctl check-namespace</c>: the namespace is disabled, its BTT is checked, and it is enabled again where it was, also where the
    /// check fails.
    /// </summary>
    /// <remarks>
    /// ndctl does not look at the mode: a forced check of an enabled namespace that has no BTT ends with ENXIO, and revokes the mappings
    /// of a devdax.
    /// </remarks>
    [HttpPost("{namespace}/check")]
    [HonoursIfMatch]
    [RequestExample("Look only", """{"force":true}""")]
    [RequestExample("Repair", """{"repair":true,"force":true}""")]
    [Answers<CheckNamespaceDto>(200, "What was found.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or namespace.")]
    [Refused(409, "It is enabled and `force` is not set, it is mounted, or its memory is online.")]
    [Refused(422, "There is no BTT, it cannot be repaired, or `rewriteLog` is set without `repair`.")]
    public Task<IActionResult> Check(string host, string @namespace, [FromBody] CheckNamespaceRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => NamespaceCommands.Check(aggregate, @namespace, request));
}
