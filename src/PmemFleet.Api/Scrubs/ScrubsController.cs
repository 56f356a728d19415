using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.DataPlane;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.OpenApi;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.Scrubs;

/// <summary>Address range scrubs of a host's bus: they find latent errors.</summary>
[ApiController]
[Route("v1/hosts/{host}/scrubs")]
[Tags("Scrubs")]
public sealed class ScrubsController(DataPlaneProxy worker) : ControllerBase
{
    /// <summary>Passes completed, and how far the running one is.</summary>
    [HttpGet]
    [Answers<ScrubDto>(200, "The scrub.")]
    [Refused(404, "There is no such host.")]
    [Refused(409, "The host is powered off.")]
    public Task<IActionResult> Get(string host) => worker.GetAsync<ScrubDto>(this, host, "scrub");

    /// <summary><c>ndctl start-scrub</c>: scrubs the whole bus; latent errors become known.</summary>
    [HttpPost]
    [Answers<ScrubDto>(200, "The scrub is done.")]
    [Answers<OperationDto>(202, "It runs; see the operation.")]
    [Refused(404, "There is no such host.")]
    [Refused(409, "A scrub is running.")]
    public Task<IActionResult> Start(string host, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, ScrubCommands.Start);
}
