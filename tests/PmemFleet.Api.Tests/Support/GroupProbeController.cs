using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Tests.Support;

/// <summary>Commands on hosts that end in every way a command can.</summary>
[ApiController]
[Route("v1/probe-group")]
public sealed class GroupProbeController : ControllerBase
{
    /// <summary>Opened by the test: <c>hold</c> waits behind it.</summary>
    public static ManualResetEventSlim Gate { get; } = new();

    [HttpPost("{host}/{how}")]
    public Task<IActionResult> Do(string host, string how, [FromServices] FleetWrite write) => write.ExecuteAsync(this, host, aggregate =>
    {
        aggregate.Host.Labels = new Dictionary<string, string> { ["how"] = how };
        aggregate.Host.Version++;
        aggregate.Event("probe.done", how);
        switch (how)
        {
            case "hold":
                Gate.Wait(TimeSpan.FromSeconds(20));
                break;
            case "refuse":
                return new RefusalDto { Errno = "EBUSY", Code = "probe-refused", Message = "No." };
            case "throw":
                throw new InvalidOperationException("a bug of one command");
            case "violate":
                aggregate.Host.State = "nonsense";
                break;
            default:
                break;
        }

        return new WriteOutcome.Ok(new Dictionary<string, string> { ["how"] = how });
    });
}
