using System.Net.Mime;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.OpenApi;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.Dimms;

/// <summary>A DIMM as a QEMU NVDIMM backing file: its data, then its label area.</summary>
[ApiController]
[Route("v1/hosts/{host}/dimms/{dimm}/image")]
[Tags("Dimms")]
public sealed class ImageController(DimmImage image) : ControllerBase
{
    /// <summary>Exports the DIMM: <c>capacity</c> bytes of data, then <c>labelSize</c> bytes of labels.</summary>
    /// <remarks>Disable the DIMM's regions first where something writes to it: bytes are read one after the other, not at one moment. A host that is powered off exports too.</remarks>
    [HttpGet]
    [Answers<byte[]>(200, "The backing file.", MediaTypeNames.Application.Octet)]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "An import runs, or an info block in it would crash a known kernel.")]
    public Task<IActionResult> Export(string host, string dimm, CancellationToken cancellationToken) =>
        image.ExportAsync(host, dimm, cancellationToken);

    /// <summary>Imports a backing file of exactly <c>capacity</c> + <c>labelSize</c> bytes; <c>Content-Length</c> is required.</summary>
    /// <remarks>The DIMM's regions must be disabled. Data and labels are replaced together once the last byte is there, and known errors are
    /// forgotten; whatever ends earlier changes nothing. A dry run needs the bytes too: the worker takes them, they are checked, and dropped. Enabling the regions, or a boot, probes what the image says.</remarks>
    [HttpPut]
    [AcceptsDryRun]
    [DisableRequestSizeLimit]
    [Consumes(MediaTypeNames.Application.Octet)]
    [AnswersNothing(204, "Data and labels are replaced.")]
    [Answers<OperationDto>(202, "The image is there whole; the worker takes it.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "A region over it is enabled, or the host is powered off.")]
    [Refused(422, "There are more or fewer bytes than the DIMM has.")]
    public Task<IActionResult> Import(string host, string dimm) => image.ImportAsync(this, host, dimm);
}
