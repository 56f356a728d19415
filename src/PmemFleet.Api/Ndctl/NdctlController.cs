using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.OpenApi;

namespace PmemFleet.Api.Ndctl;

/// <summary>A host as the tools of Linux print it.</summary>
[ApiController]
[Route("v1/hosts/{host}")]
[Tags("Ndctl")]
public sealed class NdctlController(ToolListings listings) : ControllerBase
{
    /// <summary><c>ndctl list</c>, with its options.</summary>
    /// <remarks>
    /// Without any of buses, dimms, regions and namespaces a filter names the kind, as in ndctl: bus, dimm and region list theirs.
    /// Without one: namespaces.
    /// </remarks>
    [HttpGet("ndctl/list")]
    [Answers<object>(200, "ndctl's own JSON: key order, nesting and all.")]
    [Refused(404, "There is no such host.")]
    public Task<IActionResult> NdctlList(string host, [FromQuery] NdctlListQuery query, CancellationToken cancellationToken) =>
        listings.NdctlAsync(host, query, cancellationToken);

    /// <summary><c>daxctl list</c>, with its options.</summary>
    /// <remarks>
    /// Without regions and devices a filter names the kind: region lists regions, device devices, both regions with their devices inside.
    /// Without one: devices.
    /// </remarks>
    [HttpGet("daxctl/list")]
    [Answers<object>(200, "daxctl's own JSON.")]
    [Refused(404, "There is no such host.")]
    public Task<IActionResult> DaxctlList(string host, [FromQuery] DaxctlListQuery query, CancellationToken cancellationToken) =>
        listings.DaxctlAsync(host, query, cancellationToken);

    /// <summary><c>/proc/iomem</c>: the lines of persistent memory.</summary>
    [HttpGet("iomem")]
    [Answers<string>(200, "The kernel's own text.", "text/plain")]
    [Refused(404, "There is no such host.")]
    public Task<IActionResult> Iomem(string host, CancellationToken cancellationToken) => listings.IomemAsync(host, cancellationToken);
}
