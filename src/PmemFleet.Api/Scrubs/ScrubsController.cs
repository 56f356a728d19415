using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;
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
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    /// <summary>Passes completed, and how far the running one is: the <c>scrub</c> attribute, in words.</summary>
    [HttpGet]
    [Answers<ScrubDto>(200, "The scrub.")]
    [Refused(404, "There is no such host.")]
    [Refused(409, "The host is powered off.")]
    public Task<IActionResult> Get(string host) => worker.GetAsync<ScrubDto>(this, host, "scrub");

    /// <summary><c>ndctl wait-scrub</c>: answers once no scrub is active, or after 60 seconds at the latest.</summary>
    [HttpGet("wait")]
    [Answers<ScrubDto>(200, "The scrub; still active where the time was up.")]
    [Refused(404, "There is no such host.")]
    [Refused(409, "The host is powered off.")]
    public async Task<IActionResult> Wait(string host, [FromServices] TimeProvider time, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        while (time.GetElapsedTime(start) < Patience)
        {
            var answer = await worker.SendAsync<ScrubDto>(host, HttpMethod.Get, "scrub", null, null, cancellationToken);
            if (answer.Value is not { State: "active" })
            {
                break;
            }

            await Task.Delay(Poll, time, cancellationToken);
        }

        return await worker.GetAsync<ScrubDto>(this, host, "scrub");
    }

    /// <summary><c>ndctl start-scrub</c>: scrubs the whole bus; latent errors become known.</summary>
    /// <remarks>Time is simulated: without <c>timeScale</c> terabytes are done at once. With it the scrub goes on in the background.</remarks>
    [HttpPost]
    [RequestExample("At once", "{}")]
    [RequestExample("Ten minutes in a second, to be watched", """{"timeScale":600}""")]
    [RequestExample("Short: what the platform has found already", """{"kind":"short"}""")]
    [Answers<ScrubDto>(200, "The scrub is done, or under way.")]
    [Answers<OperationDto>(202, "It runs; see the operation.")]
    [Refused(404, "There is no such host.")]
    [Refused(409, "A scrub of every range is waiting already.")]
    [Refused(422, "The kind or the time scale is not one; or the bus has no scrub.")]
#nullable disable annotations // a body that may be absent: its schema is that of the request all the same
    public Task<IActionResult> Start(
        string host, [FromBody(EmptyBodyBehavior = EmptyBodyBehavior.Allow)] StartScrubRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => ScrubCommands.Start(aggregate, request));
#nullable restore annotations
}
