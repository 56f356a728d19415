using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Scrubs;

/// <summary>Scrubs of a host's bus.</summary>
public static class ScrubCommands
{
    private const double FastestScale = 1e9;

    /// <summary>Only the firmware of DIMMs scrubs.</summary>
    public static RefusalDto? NoScrub(HostAggregate host) => host.Host.Provider == Providers.Nfit
        ? null
        : new RefusalDto { Errno = "ENOTTY", Code = "no-ars", Message = "The bus has no address range scrub." };

    public static WriteOutcome Start(HostAggregate host, StartScrubRequest? request)
    {
        if (NoScrub(host) is { } unsupported)
        {
            return unsupported;
        }

        if (request?.Kind is not (null or "long" or "short"))
        {
            return Refusals.Invalid("scrub-kind", "kind", $"There is no scrub '{request!.Kind}'.", "long", "short");
        }

        if (request?.TimeScale is { } scale && !(scale is >= 1 and <= FastestScale))
        {
            return Refusals.Invalid("time-scale", "timeScale", "A scrub takes 1 to 1,000,000,000 simulated seconds in a second.", "1", "1000000000");
        }

        host.Event("scrub.started", host.Name);
        return host.Enqueue(
            OperationKinds.Scrub, host.Name, [new ScrubStep { Short = request?.Kind == "short", TimeScale = request?.TimeScale }], $"/v1/hosts/{host.Name}/scrubs");
    }
}
