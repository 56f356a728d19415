using System.Net.Mime;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.OpenApi;

namespace PmemFleet.Api.Dimms;

/// <summary>A DIMM as a QEMU NVDIMM backing file: its data, then its label area.</summary>
[ApiController]
[Route("v1/hosts/{host}/dimms/{dimm}/image")]
[Tags("Dimms")]
public sealed class ImageController(DimmImage image) : ControllerBase
{
    /// <summary>Exports the DIMM: <c>capacity</c> bytes of data, then <c>labelSize</c> bytes of labels.</summary>
    [HttpGet]
    [Answers<byte[]>(200, "The backing file.", MediaTypeNames.Application.Octet)]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "The host is powered off.")]
    public Task<IActionResult> Export(string host, string dimm, CancellationToken cancellationToken) =>
        image.ExportAsync(this, host, dimm, cancellationToken);

    /// <summary>Imports a backing file of exactly <c>capacity</c> + <c>labelSize</c> bytes; <c>Content-Length</c> is required.</summary>
    /// <remarks>The DIMM's regions must be disabled. The data is replaced first, the labels after it; the driver then probes the DIMM again.</remarks>
    [HttpPut]
    [DisableRequestSizeLimit]
    [Consumes(MediaTypeNames.Application.Octet)]
    [AnswersNothing(204, "Data and labels are replaced.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "A region over it is enabled, or the host is powered off.")]
    [Refused(422, "There are more or fewer bytes than the DIMM has.")]
    public Task<IActionResult> Import(string host, string dimm) => image.ImportAsync(this, host, dimm);
}
