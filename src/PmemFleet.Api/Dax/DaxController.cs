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
    [HonoursIfMatch]
    [Answers<DaxDeviceDto>(200, "The dax device; also where it was enabled already.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or dax device.")]
    [Refused(422, "It is system RAM.")]
    public Task<IActionResult> Enable(string host, string device, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DaxCommands.Enable(aggregate, device));

    /// <summary>Disables a dax device: its mappings are revoked, later touches end in SIGBUS.</summary>
    [HttpPost("dax-devices/{device}/disable")]
    [HonoursIfMatch]
    [Answers<DaxDeviceDto>(200, "The dax device; also where it was disabled already.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or dax device.")]
    [Refused(422, "It is system RAM.")]
    public Task<IActionResult> Disable(string host, string device, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DaxCommands.Disable(aggregate, device));

    /// <summary><c>daxctl reconfigure-device</c>: to system RAM and back.</summary>
    /// <remarks>As system RAM its character device is gone, and while memory is online neither it nor its namespace can be disabled (EBUSY). A boot brings it back as devdax.</remarks>
    [HttpPost("dax-devices/{device}/reconfigure")]
    [HonoursIfMatch]
    [RequestExample("To system RAM, online", """{"mode":"system-ram"}""")]
    [RequestExample("Back, offlining its memory first", """{"mode":"devdax","force":true}""")]
    [Answers<DaxDeviceDto>(200, "The dax device; also where it was in that mode already.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or dax device.")]
    [Refused(409, "Memory is online, or the host is powered off.")]
    [Refused(422, "There is no such mode, or no whole memory block of 128 MiB is inside the device, which is disabled then.")]
    public Task<IActionResult> Reconfigure(string host, string device, [FromBody] ReconfigureDaxDeviceRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DaxCommands.Reconfigure(aggregate, device, request));

    /// <summary><c>daxctl online-memory</c>.</summary>
    [HttpPost("dax-devices/{device}/online-memory")]
    [HonoursIfMatch]
    [Answers<DaxDeviceDto>(200, "The dax device; also where all its memory was online already.")]
    [Refused(404, "There is no such host or dax device.")]
    [Refused(422, "It is not system RAM.")]
    public Task<IActionResult> Online(string host, string device, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DaxCommands.Online(aggregate, device));

    /// <summary><c>daxctl offline-memory</c>.</summary>
    [HttpPost("dax-devices/{device}/offline-memory")]
    [HonoursIfMatch]
    [Answers<DaxDeviceDto>(200, "The dax device; also where none of its memory was online.")]
    [Refused(404, "There is no such host or dax device.")]
    [Refused(422, "It is not system RAM.")]
    public Task<IActionResult> Offline(string host, string device, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DaxCommands.Offline(aggregate, device));

    /// <summary><c>daxctl create-device</c>: pmem regions have one device over all of them, so it is refused with ENOSPC, as on Linux.</summary>
    [HttpPost("dax-devices")]
    [RequestExample("128 MiB of dax region 0", """{"region":0,"size":"128M"}""")]
    [Answers<DaxDeviceDto>(201, "The device.")]
    [Refused(404, "There is no such host or dax region.")]
    [Refused(409, "Nothing is free in the region.")]
    public Task<IActionResult> Create(string host, [FromBody] CreateDaxDeviceRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DaxCommands.Create(aggregate, request));

    /// <summary><c>daxctl destroy-device</c>: a pmem device keeps its size, so it is refused with ENXIO, as on Linux.</summary>
    /// <param name="host">The host.</param>
    /// <param name="device">The device.</param>
    /// <param name="force">Although it is enabled.</param>
    /// <param name="write">The write.</param>
    [HttpDelete("dax-devices/{device}")]
    [AnswersNothing(204, "It is gone.")]
    [Refused(404, "There is no such host or dax device.")]
    [Refused(422, "The device of a pmem namespace cannot be destroyed; destroy the namespace.")]
    public Task<IActionResult> Destroy(string host, string device, [FromQuery] bool force, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => DaxCommands.Destroy(aggregate, device, force));
}
