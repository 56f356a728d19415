using PmemFleet.Api.Conventions;
using PmemFleet.Api.DataPlane;

namespace PmemFleet.Api.Hosts;

/// <summary>One command on one host. It touches the aggregate it is given and nothing else: no query, no statement of its own.</summary>
/// <param name="Host">The host's name.</param>
/// <param name="Command">What is done under the host's lock.</param>
/// <param name="PoweredOff">Also where the host has no power.</param>
public sealed record HostCommand(string Host, Func<HostAggregate, WriteOutcome> Command, bool PoweredOff)
{
    public WriteOutcome ApplyTo(HostAggregate aggregate) =>
        aggregate.Host.Power == HostRow.Off && !PoweredOff ? WorkerRefusals.HostOff(Host) : Command(aggregate);

    /// <summary>Locks and loads the host for this command alone.</summary>
    public async Task<WriteOutcome> AloneAsync(FleetWriteContext context) =>
        await HostAggregate.LockAsync(context, Host) is { } aggregate ? ApplyTo(aggregate) : WriteOutcome.NotFound("host", Host);
}
