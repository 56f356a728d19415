using System.Net.Mime;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Dimms;

namespace PmemFleet.Api.Dimms;

/// <summary>A DIMM's label storage area: as ndctl's label commands treat it, and as bytes.</summary>
[ApiController]
[Route("v1/hosts/{host}/dimms/{dimm}")]
[Tags("Dimms")]
public sealed class LabelsController(FleetDbContext db) : ControllerBase
{
    /// <summary><c>ndctl read-labels -j</c> and what <c>check-labels</c> finds wrong.</summary>
    [HttpGet("labels")]
    [Answers<LabelsDto>(200, "Index blocks and labels.")]
    [Refused(404, "There is no such host or DIMM.")]
    public Task<IActionResult> Read(string host, string dimm, CancellationToken cancellationToken) =>
        LabelReads.LabelsAsync(this, db, host, dimm, cancellationToken);

    /// <summary><c>ndctl init-labels</c>: fresh index blocks, then the driver probes the DIMM again.</summary>
    /// <remarks>The DIMM's regions must be disabled first; enabled again, they offer a zero-size seed instead of one label-less namespace.</remarks>
    [HttpPost("labels/init")]
    [HonoursIfMatch]
    [RequestExample("Version 1.2", """{"version":"1.2"}""")]
    [RequestExample("Over valid labels", """{"version":"1.2","force":true}""")]
    [Answers<LabelsDto>(200, "The labels after it.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "A region over it is enabled, or valid labels are there and `force` is not set.")]
    [Refused(422, "There is no such version, or the label area is too small.")]
    public Task<IActionResult> Init(string host, string dimm, [FromBody] InitLabelsRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => LabelCommands.Init(aggregate, dimm, request));

    /// <summary><c>ndctl zero-labels</c>.</summary>
    [HttpPost("labels/zero")]
    [HonoursIfMatch]
    [RequestExample("The whole area", "{}")]
    [Answers<LabelsDto>(200, "The labels after it.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "A region over it is enabled.")]
    [Refused(422, "The range is not in the area.")]
    public Task<IActionResult> Zero(string host, string dimm, [FromBody] ZeroLabelsRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => LabelCommands.Zero(aggregate, dimm, request));

    /// <summary>The whole label area as bytes, as <c>ndctl read-labels</c> writes them to a file.</summary>
    [HttpGet("label-area")]
    [Answers<byte[]>(200, "`labelSize` bytes.", MediaTypeNames.Application.Octet)]
    [Refused(404, "There is no such host or DIMM, or the DIMM has no label area.")]
    public Task<IActionResult> Export(string host, string dimm, CancellationToken cancellationToken) =>
        LabelReads.AreaAsync(this, db, host, dimm, cancellationToken);

    /// <summary><c>ndctl write-labels</c>: replaces the whole label area, then the driver probes the DIMM again.</summary>
    /// <remarks>The last <c>labelSize</c> bytes of a QEMU NVDIMM backing file are such an area.</remarks>
    [HttpPut("label-area")]
    [RequestSizeLimit(NewDimm.MostLabelArea)]
    [Consumes(MediaTypeNames.Application.Octet)]
    [Answers<LabelsDto>(200, "The labels after it.")]
    [Refused(404, "There is no such host or DIMM, or the DIMM has no label area.")]
    [Refused(409, "A region over it is enabled.")]
    [Refused(422, "There are more or fewer bytes than the area has.")]
    public async Task<IActionResult> Import(string host, string dimm, [FromServices] FleetWrite write)
    {
        var area = await LabelReads.BodyAsync(this);
        return await write.ExecuteAsync(this, host, aggregate => LabelCommands.Import(aggregate, dimm, area));
    }
}
