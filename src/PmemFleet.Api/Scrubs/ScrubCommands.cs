using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Scrubs;

/// <summary>Scrubs of a host's bus.</summary>
public static class ScrubCommands
{
    public static WriteOutcome Start(HostAggregate host)
    {
        if (host.Host.Provider != Providers.Nfit)
        {
            return new RefusalDto { Errno = "ENOTTY", Code = "no-ars", Message = "The bus has no address range scrub." };
        }

        host.Event("scrub.started", host.Name);
        return host.Enqueue(OperationKinds.Scrub, host.Name, [new ScrubStep()], $"/v1/hosts/{host.Name}/scrubs");
    }
}
