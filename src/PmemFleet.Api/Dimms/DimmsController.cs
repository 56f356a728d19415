using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.Dimms;

/// <summary>NVDIMMs.</summary>
[ApiController]
[Route("v1/hosts/{host}/dimms")]
[Tags("Dimms")]
public sealed class DimmsController(FleetDbContext db) : ControllerBase
{
    /// <summary>Lists the DIMMs of the whole fleet, by host and number.</summary>
    [HttpGet("/v1/dimms")]
    [Answers<ListPage<DimmDto>>(200, "One page of DIMMs.")]
    public Task<ListPage<DimmDto>> ListFleet([FromQuery] ListQuery query, [FromQuery] DimmFilter filter, CancellationToken cancellationToken) =>
        DimmProjection.PageAsync(db, HttpContext, query, filter, null, cancellationToken);

    /// <summary>Lists a host's DIMMs by number.</summary>
    [HttpGet]
    [Answers<ListPage<DimmDto>>(200, "One page of DIMMs.")]
    [Refused(404, "There is no such host.")]
    public async Task<IActionResult> List(string host, [FromQuery] ListQuery query, CancellationToken cancellationToken) =>
        await this.OfHostAsync(db, host, () => DimmProjection.PageAsync(db, HttpContext, query, new DimmFilter(), host, cancellationToken));

    /// <summary>Plugs a DIMM. It gets the next free name; regions over it are created separately.</summary>
    [HttpPost]
    [RequestExample("4 GiB with a label area of 128 KiB", """{"capacity":"4G","labelSize":"128K"}""")]
    [Answers<DimmDto>(201, "The DIMM.")]
    [Refused(404, "There is no such host.")]
    [Refused(422, "Its capacity, label size or another number is not one a DIMM can have.")]
    public Task<IActionResult> Create(string host, [FromBody] CreateDimmRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DimmCommands.Plug(aggregate, request));

    /// <summary>One DIMM.</summary>
    [HttpGet("{dimm}")]
    [Answers<DimmDto>(200, "The DIMM.")]
    [Refused(404, "There is no such host or DIMM.")]
    public async Task<IActionResult> Get(string host, string dimm, CancellationToken cancellationToken) =>
        this.Found(await DimmProjection.FindAsync(db, host, dimm, cancellationToken), "dimm", dimm);

    /// <summary>Unplugs a DIMM that no region uses; the worker removes its media.</summary>
    [HttpDelete("{dimm}")]
    [AnswersNothing(204, "It is unplugged.")]
    [Answers<OperationDto>(202, "The worker has yet to remove its media; see the operation.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "A region uses it.")]
    public Task<IActionResult> Delete(string host, string dimm, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DimmCommands.Unplug(aggregate, dimm));

    /// <summary><c>ndctl enable-dimm</c>: the driver probes the label area.</summary>
    [HttpPost("{dimm}/enable")]
    [HonoursIfMatch]
    [Answers<DimmDto>(200, "The DIMM; also where it was enabled already.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "Labels overlap: the driver's probe fails with EBUSY.")]
    [Refused(422, "The label area is too small.")]
    public Task<IActionResult> Enable(string host, string dimm, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DimmCommands.Enable(aggregate, dimm));

    /// <summary><c>ndctl disable-dimm</c>.</summary>
    [HttpPost("{dimm}/disable")]
    [HonoursIfMatch]
    [Answers<DimmDto>(200, "The DIMM; also where it was disabled already.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "An enabled region uses it.")]
    public Task<IActionResult> Disable(string host, string dimm, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DimmCommands.Disable(aggregate, dimm));
}
