using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.Dax;

/// <summary>Dax regions and their devices.</summary>
[ApiController]
[Route("v1/hosts/{host}")]
[Tags("Dax")]
public sealed class DaxController(FleetDbContext db) : ControllerBase
{
    /// <summary>Lists the dax devices of the whole fleet, by host and name.</summary>
    [HttpGet("/v1/dax-devices")]
    [Answers<ListPage<DaxDeviceDto>>(200, "One page of dax devices.")]
    public Task<ListPage<DaxDeviceDto>> ListFleet([FromQuery] ListQuery query, [FromQuery] DaxDeviceFilter filter, CancellationToken cancellationToken) =>
        DaxProjection.PageAsync(db, HttpContext, query, filter, null, cancellationToken);

    /// <summary>Lists a host's dax regions: all that a client needs to size its mappings.</summary>
    [HttpGet("dax-regions")]
    [Answers<ListPage<DaxRegionDto>>(200, "The dax regions.")]
    [Refused(404, "There is no such host.")]
    public async Task<IActionResult> Regions(string host, CancellationToken cancellationToken) =>
        await this.OfHostAsync(db, host, () => DaxProjection.RegionsAsync(db, host, cancellationToken));

    /// <summary>The dax region of a device.</summary>
    [HttpGet("dax-regions/{device}")]
    [Answers<DaxRegionDto>(200, "The dax region.")]
    [Refused(404, "There is no such host or dax device.")]
    public async Task<IActionResult> Region(string host, string device, CancellationToken cancellationToken) =>
        this.Found(await DaxProjection.FindRegionAsync(db, host, device, cancellationToken), "dax-region", device);

    /// <summary>Lists a host's dax devices by name.</summary>
    [HttpGet("dax-devices")]
    [Answers<ListPage<DaxDeviceDto>>(200, "One page of dax devices.")]
    [Refused(404, "There is no such host.")]
    public async Task<IActionResult> List(string host, [FromQuery] ListQuery query, CancellationToken cancellationToken) =>
        await this.OfHostAsync(db, host, () => DaxProjection.PageAsync(db, HttpContext, query, new DaxDeviceFilter(), host, cancellationToken));

    /// <summary>One dax device.</summary>
    [HttpGet("dax-devices/{device}")]
    [Answers<DaxDeviceDto>(200, "The dax device.")]
    [Refused(404, "There is no such host or dax device.")]
    public async Task<IActionResult> Get(string host, string device, CancellationToken cancellationToken) =>
        this.Found(await DaxProjection.FindAsync(db, host, device, cancellationToken), "dax-device", device);

    /// <summary>Enables the namespace below a dax device, as <c>daxctl enable-device</c> brings the device back.</summary>
    [HttpPost("dax-devices/{device}/enable")]
    [Answers<DaxDeviceDto>(200, "The dax device; also where it was enabled already.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or dax device.")]
    public Task<IActionResult> Enable(string host, string device, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DaxCommands.Enable(aggregate, device));

    /// <summary>Disables a dax device: its mappings are revoked, later touches end in SIGBUS.</summary>
    [HttpPost("dax-devices/{device}/disable")]
    [Answers<DaxDeviceDto>(200, "The dax device; also where it was disabled already.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or dax device.")]
    public Task<IActionResult> Disable(string host, string device, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DaxCommands.Disable(aggregate, device));
}
