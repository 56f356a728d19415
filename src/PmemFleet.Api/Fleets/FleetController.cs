using System.Net.Mime;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Access;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Fleets;

namespace PmemFleet.Api.Fleets;

/// <summary>A whole fleet as one document.</summary>
[ApiController]
[Route("v1/fleet")]
[Tags("Fleet")]
public sealed class FleetController : ControllerBase
{
    private const long MostBytes = 64 << 20;

    /// <summary>
    /// Exports the fleet as a document that makes it again; <c>Accept: application/yaml</c> gives YAML. Serial numbers and uuids are part of it, bytes
    /// and errors are not.
    /// </summary>
    /// <param name="labelSelector">Only hosts whose labels match, in Kubernetes' grammar.</param>
    /// <param name="export">Sends it.</param>
    /// <param name="db">The fleet.</param>
    /// <param name="cancellationToken">The caller left.</param>
    [HttpGet]
    [ProducesResponseType<FleetDocument>(StatusCodes.Status200OK, MediaTypeNames.Application.Json, FleetYamlInputFormatter.MediaType, Description = "The document.")]
    public async Task Export([FromQuery] LabelSelector? labelSelector, [FromServices] FleetExport export, [FromServices] FleetDbContext db, CancellationToken cancellationToken)
    {
        var yaml = Request.GetTypedHeaders().Accept.Any(accept => accept.MediaType == FleetYamlInputFormatter.MediaType);

        // before the hosts are read: what changes meanwhile may be sent, but not under a tag that says so
        Response.Headers.ETag = FleetEtag.Of(await FleetEtag.CountAsync(db, cancellationToken));
        Response.ContentType = $"{(yaml ? FleetYamlInputFormatter.MediaType : MediaTypeNames.Application.Json)}; charset=utf-8";
        await export.WriteAsync(Response.Body, yaml, source => HostSelection.Select(source, null, labelSelector), cancellationToken);
    }

    /// <summary>
    /// Applies a document, JSON or YAML: what it names is there afterwards, all or nothing; what it does not name stays. Applying it again changes
    /// nothing. With <c>dryRun=true</c> the answer is the plan. What differs in a way that would lose data is refused. With <c>prune=true</c> hosts that
    /// it does not name are deleted, with all that is on them; look at the plan first.
    /// </summary>
    /// <param name="prune">Delete the hosts that it does not name.</param>
    /// <param name="labelSelector">With <c>prune</c>: only hosts whose labels match, in Kubernetes' grammar.</param>
    /// <param name="write">Runs it.</param>
    /// <param name="delete">Takes the deletions.</param>
    /// <param name="document">The document.</param>
    [HttpPut]
    [Authorize(Roles.Operator)]
    [Consumes(MediaTypeNames.Application.Json, FleetYamlInputFormatter.MediaType)]
    [RequestSizeLimit(MostBytes)]
    [Answers<FleetPlan>(200, "What was changed, or would be.")]
    [Refused(409, "The fleet differs from the document in what a document does not change.")]
    [Refused(422, "A member is not what a device can have; `subject` points at it.")]
    [RequestExample("Three hosts with two interleaved DIMMs and two namespaces each", """
        {"apiVersion":"pmemfleet/v1","hosts":[{"name":"node-{n}","count":3,"labels":{"rack":"r{n}"},"dimms":[{"count":2,"capacity":"4G"}],"regions":[{"ways":2}],"namespaces":[{"region":"region0","mode":"devdax","size":"1G","count":2,"altName":"vol-{n}"}]}]}
        """)]
    public async Task<IActionResult> Apply(
        [FromBody] FleetDocument document,
        [FromQuery] bool? prune,
        [FromQuery] LabelSelector? labelSelector,
        [FromServices] FleetWrite write,
        [FromServices] DeleteHost delete)
    {
        if (labelSelector is not null && prune is not true)
        {
            return Refusals.Invalid("selector-without-prune", "#/query/labelSelector", "A label selector says which hosts may be pruned; it has no meaning without prune=true.").ToResult(StatusCodes.Status400BadRequest);
        }

        return await write.ExecuteAsync(this, context => new ApplyFleet(context, delete).ExecuteAsync(
            document, prune is true ? db => HostSelection.Select(db, null, labelSelector) : null));
    }
}
