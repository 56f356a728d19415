using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.DataPlane;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.MediaErrors;

/// <summary>Poison on the media, from injected to cleared.</summary>
[ApiController]
[Route("v1/hosts/{host}/media-errors")]
[Tags("MediaErrors")]
public sealed class MediaErrorsController(FleetDbContext db) : ControllerBase
{
    /// <summary>Lists the media errors of the whole fleet, by host, DIMM and DPA.</summary>
    [HttpGet("/v1/media-errors")]
    [Answers<ListPage<MediaErrorDto>>(200, "One page of media errors.")]
    public Task<ListPage<MediaErrorDto>> ListFleet([FromQuery] ListQuery query, [FromQuery] MediaErrorFilter filter, CancellationToken cancellationToken) =>
        MediaErrorProjection.PageAsync(db, HttpContext, query, filter, null, cancellationToken);

    /// <summary>Lists a host's media errors, by DIMM and DPA: what is poisoned, what the host knows of, and what it hurts.</summary>
    [HttpGet]
    [Answers<ListPage<MediaErrorDto>>(200, "One page of media errors.")]
    [Refused(404, "There is no such host.")]
    public async Task<IActionResult> List(string host, [FromQuery] ListQuery query, [FromQuery] MediaErrorFilter filter, CancellationToken cancellationToken) =>
        await this.OfHostAsync(db, host, () => MediaErrorProjection.PageAsync(db, HttpContext, query, filter, host, cancellationToken));

    /// <summary><c>ndctl inject-error --status</c>: the poisoned 512-byte blocks of a namespace's data, known or latent.</summary>
    /// <param name="host">The host's name.</param>
    /// <param name="namespace">The namespace's name on its host.</param>
    /// <param name="cancellationToken">The caller left.</param>
    [HttpGet("injected")]
    [Answers<InjectionStatusDto>(200, "The blocks.")]
    [Refused(404, "There is no such host or namespace.")]
    [Refused(422, "The namespace is in sector mode.")]
    public async Task<IActionResult> Injected(string host, [FromQuery, Required] string @namespace, CancellationToken cancellationToken)
    {
        var (status, refusal) = await InjectionStatus.FindAsync(db, host, @namespace, cancellationToken);
        return status is null ? refusal!.ToResult() : Ok(status);
    }

    /// <summary>The error at an address of a DIMM or of a legacy region: everything it hurts, every mapping over it, and what became of the page.</summary>
    [HttpGet("{dimm}/{dpa:long}")]
    [Answers<MediaErrorVictimsDto>(200, "The error.")]
    [Refused(404, "There is no such host, or no error at the address.")]
    [Refused(409, "The host is powered off.")]
    public async Task<IActionResult> Get(string host, string dimm, long dpa, [FromServices] DataPlaneProxy worker, CancellationToken cancellationToken)
    {
        if (await MediaErrorProjection.FindAsync(db, host, dimm, dpa, cancellationToken) is not { } found)
        {
            return ProblemResults.NotFound("media error", $"{dimm}/{dpa}").ToResult();
        }

        return await worker.GetAsync<MappingVictimsDto>(
            this,
            host,
            $"dimms/{found.Error.DimmId}/victims?dpa={found.Error.Dpa}&length={found.Error.Length}",
            seen => new MediaErrorVictimsDto
            {
                Error = found.Dto,
                Mappings = seen.Mappings,
                HwPoisoned = seen.HwPoisoned,
                HardwareCorruptedBytes = seen.HardwareCorruptedBytes,
            });
    }

    /// <summary>
    /// A DIMM's whole lists of poison and of what the host knows, from its worker, part by part. The other lists here show what each DIMM's first 1024
    /// ranges hurt.
    /// </summary>
    /// <param name="host">The host's name.</param>
    /// <param name="dimm">The DIMM's name on its host.</param>
    /// <param name="worker">The way to the worker.</param>
    /// <param name="fromDpa">Where to begin; the former part's <c>nextDpa</c>.</param>
    /// <param name="limit">Ranges of each list, at most.</param>
    /// <param name="cancellationToken">The caller left.</param>
    [HttpGet("/v1/hosts/{host}/dimms/{dimm}/errors")]
    [Answers<DimmErrorsDto>(200, "One part of the lists.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "The host is powered off.")]
    public async Task<IActionResult> Whole(
        string host, string dimm, [FromServices] DataPlaneProxy worker, CancellationToken cancellationToken, [FromQuery, Range(0L, long.MaxValue)] long fromDpa = 0, [FromQuery, Range(1, 1000)] int limit = 1000)
    {
        var row = await DimmProjection.FindRowAsync(db, host, dimm, cancellationToken);
        return row is null
            ? ProblemResults.NotFound("dimm", dimm).ToResult()
            : await worker.GetAsync<DimmErrorsDto>(this, host, string.Create(CultureInfo.InvariantCulture, $"dimms/{row.Id}/errors?from={fromDpa}&limit={limit}"));
    }

    /// <summary>Injects poison, as <c>ndctl inject-error</c> does, or by region offset, or by DPA.</summary>
    [HttpPost]
    [RequestExample("One block under a namespace; the host learns of it at once", """{"namespace":"namespace0.0","block":16,"count":1}""")]
    [RequestExample("Latent: an access or a scrub has to find it", """{"namespace":"namespace0.0","block":32,"count":2,"notify":false}""")]
    [RequestExample("By DPA", """{"dimm":"nmem0","offset":"1M","length":256}""")]
    [Answers<ListPage<MediaErrorDto>>(200, "The host's media errors after it.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host, namespace, region or DIMM.")]
    [Refused(422, "The range is outside (the blocks inside are done), or the namespace is in sector mode or has no size.")]
    public Task<IActionResult> Inject(string host, [FromBody] MediaErrorRangeRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => MediaErrorCommands.Inject(aggregate, request));

    /// <summary>Takes injected poison away again. What the host knows of stays known until it is cleared.</summary>
    [HttpPost("uninject")]
    [RequestExample("One block", """{"namespace":"namespace0.0","block":16,"count":1}""")]
    [Answers<ListPage<MediaErrorDto>>(200, "The host's media errors after it.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host, namespace, region or DIMM.")]
    [Refused(422, "The range is outside (the blocks inside are done), or the namespace is in sector mode or has no size.")]
    public Task<IActionResult> Uninject(string host, [FromBody] MediaErrorRangeRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => MediaErrorCommands.Uninject(aggregate, request));

    /// <summary>
    /// <c>ndctl clear-errors</c>: disables the namespace, clears the known errors wholly inside its data, and enables it; sector
    /// namespaces are skipped.
    /// </summary>
    /// <remarks>
    /// Mappings of a devdax are revoked. All of a namespace that is disabled is its data, and it ends enabled. An error of the device
    /// ends the clearing, and the namespace is enabled.
    /// </remarks>
    [HttpPost("clear")]
    [RequestExample("A namespace", """{"namespace":"namespace0.0"}""")]
    [Answers<ListPage<MediaErrorDto>>(200, "The host's media errors after it.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or namespace.")]
    [Refused(409, "The namespace is mounted, or its memory is online.")]
    [Refused(422, "The namespace is missing from the request, it has no size, or the device failed a clear.")]
    public Task<IActionResult> Clear(string host, [FromBody] ClearErrorsRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => MediaErrorCommands.Clear(aggregate, request));
}
