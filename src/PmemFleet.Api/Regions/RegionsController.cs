using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Regions;

namespace PmemFleet.Api.Regions;

/// <summary>Regions: physical ranges over one DIMM or an interleave set.</summary>
[ApiController]
[Route("v1/hosts/{host}/regions")]
[Tags("Regions")]
public sealed class RegionsController(FleetDbContext db) : ControllerBase
{
    /// <summary>Lists the regions of the whole fleet, by host and number.</summary>
    [HttpGet("/v1/regions")]
    [Answers<ListPage<RegionDto>>(200, "One page of regions.")]
    public Task<ListPage<RegionDto>> ListFleet([FromQuery] ListQuery query, [FromQuery] RegionFilter filter, CancellationToken cancellationToken) =>
        RegionProjection.PageAsync(db, HttpContext, query, filter, null, cancellationToken);

    /// <summary>Lists a host's regions by number.</summary>
    [HttpGet]
    [Answers<ListPage<RegionDto>>(200, "One page of regions.")]
    [Refused(404, "There is no such host.")]
    public async Task<IActionResult> List(string host, [FromQuery] ListQuery query, CancellationToken cancellationToken) =>
        await this.OfHostAsync(db, host, () => RegionProjection.PageAsync(db, HttpContext, query, new RegionFilter(), host, cancellationToken));

    /// <summary>Defines a region over DIMMs, as firmware does before a boot, and enables it.</summary>
    [HttpPost]
    [RequestExample("All that is free on nmem1", """{"dimms":["nmem1"]}""")]
    [RequestExample("A 4-way interleave set of 8 GiB", """{"dimms":["nmem0","nmem1","nmem2","nmem3"],"size":"8G"}""")]
    [Answers<RegionDto>(201, "The region.")]
    [Answers<OperationDto>(202, "The worker is binding its namespace; see the operation.")]
    [Refused(404, "There is no such host.")]
    [Refused(409, "The DPA range of a DIMM or the physical range is taken.")]
    [Refused(422, "Its size, its start or its DIMMs are not what a region can have.")]
    public Task<IActionResult> Create(string host, [FromBody] CreateRegionRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => RegionCommands.Create(aggregate, request));

    /// <summary>One region.</summary>
    [HttpGet("{region}")]
    [Answers<RegionDto>(200, "The region.")]
    [Refused(404, "There is no such host or region.")]
    public async Task<IActionResult> Get(string host, string region, CancellationToken cancellationToken) =>
        this.Found(await RegionProjection.FindAsync(db, host, region, cancellationToken), "region", region);

    /// <summary>Writes the attributes <c>align</c> and <c>read_only</c>.</summary>
    [HttpPatch("{region}")]
    [RequestExample("Allocate in units of 2 MiB", """{"align":"2M"}""")]
    [Answers<RegionDto>(200, "The region.")]
    [Refused(404, "There is no such host or region.")]
    [Refused(422, "The alignment is no power of two × ways, or larger than the region.")]
    public Task<IActionResult> Update(string host, string region, [FromBody] UpdateRegionRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => RegionCommands.Update(aggregate, region, request));

    /// <summary>Takes a disabled region away; labels and data stay on the DIMMs.</summary>
    [HttpDelete("{region}")]
    [AnswersNothing(204, "It is gone.")]
    [Refused(404, "There is no such host or region.")]
    [Refused(409, "It is enabled.")]
    public Task<IActionResult> Delete(string host, string region, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => RegionCommands.Delete(aggregate, region));

    /// <summary><c>ndctl enable-region</c>: namespaces come up from labels and info blocks.</summary>
    [HttpPost("{region}/enable")]
    [HonoursIfMatch]
    [Answers<RegionDto>(200, "The region; also where it was enabled already.")]
    [Answers<OperationDto>(202, "The worker is binding its namespaces; see the operation.")]
    [Refused(404, "There is no such host or region.")]
    [Refused(422, "A DIMM with labels is disabled, or a label is missing.")]
    public Task<IActionResult> Enable(string host, string region, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => RegionCommands.Enable(aggregate, region));

    /// <summary><c>ndctl disable-region</c>: its namespaces are disabled first.</summary>
    [HttpPost("{region}/disable")]
    [HonoursIfMatch]
    [Answers<RegionDto>(200, "The region; also where it was disabled already.")]
    [Answers<OperationDto>(202, "The worker is unbinding its namespaces; see the operation.")]
    [Refused(404, "There is no such host or region.")]
    [Refused(409, "A namespace of it is busy.")]
    public Task<IActionResult> Disable(string host, string region, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => RegionCommands.Disable(aggregate, region));
}
