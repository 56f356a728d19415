using PmemFleet.Api.Conventions;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Hosts;

/// <summary>Power: the shutdown or boot goes through the worker; the namespaces are bound once it is done (<see cref="PowerCompletion"/>).</summary>
public static class HostPower
{
    public const string Cycle = "cycle";
    public const string Cut = "cut";
    public const string Off = "off";
    public const string On = "on";
    private static readonly IReadOnlyList<string> Actions = [Cycle, Cut, Off, On];

    public static WriteOutcome Execute(HostAggregate host, PowerRequest request)
    {
        if (host.IfMatch(host.Host.Id, host.Host.Version) is { } stale)
        {
            return stale;
        }

        if (!Actions.Contains(request.Action!))
        {
            return Refusals.Invalid("power-action", "action", $"There is no power action '{request.Action}'.", Actions);
        }

        var isOn = host.Host.Power == HostRow.On;
        if (isOn == (request.Action == On))
        {
            return Refusals.Busy(isOn ? "host-on" : "host-off", $"The host '{host.Name}' is powered {(isOn ? "on" : "off")} already.");
        }

        host.Host.Power = request.Action == Off ? HostRow.Off : HostRow.On;
        host.Host.State = request.Action == Off ? HostRow.Pending : HostRow.Booting;
        host.Host.Version++;
        host.Event($"host.power-{request.Action}", host.Name);
        IReadOnlyList<TaskStep> steps = request.Action switch
        {
            Off => [new ShutdownStep()],
            Cycle => [new ShutdownStep(), new BootStep { UnsafeShutdown = false }],
            Cut => [new BootStep { UnsafeShutdown = true }],
            _ => [new BootStep { UnsafeShutdown = false }],
        };
        return host.Enqueue(OperationKinds.Power, host.Name, steps, $"/v1/hosts/{host.Name}");
    }
}
