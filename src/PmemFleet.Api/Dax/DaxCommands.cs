using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Problems;
using PmemFleet.Api.Workloads;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Sync;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.Api.Dax;

/// <summary>A dax device's driver is bound and unbound by itself: its namespace stays enabled.</summary>
public static class DaxCommands
{
    public static WriteOutcome Enable(HostAggregate host, string name) =>
        Change(host, name, "enabled", binding => Ends(binding, binding.Enable()));

    public static WriteOutcome Disable(HostAggregate host, string name) =>
        Change(host, name, "disabled", binding => Ends(binding, binding.Disable()));

    /// <summary>devdax to system-ram takes the character device away, as a disable does; the way back brings it again.</summary>
    public static WriteOutcome Reconfigure(HostAggregate host, string name, ReconfigureDaxDeviceRequest request)
    {
        if (request.Mode is not (DaxBindings.SystemRam or DaxBindings.Devdax))
        {
            return Refusals.Invalid("dax-mode-unknown", "mode", $"There is no mode '{request.Mode}'.", DaxBindings.SystemRam, DaxBindings.Devdax) with { Errno = "ENXIO" };
        }

        return Change(host, name, "reconfigured", binding => request.Mode == DaxBindings.SystemRam
            ? binding.ToSystemRam(!request.NoOnline)
            : Ends(binding, binding.ToDevdax(request.Force)));
    }

    public static WriteOutcome Online(HostAggregate host, string name) =>
        Change(host, name, "memory-onlined", binding => Ends(binding, binding.OnlineMemory()));

    public static WriteOutcome Offline(HostAggregate host, string name) =>
        Change(host, name, "memory-offlined", binding => Ends(binding, binding.OfflineMemory()));

    /// <summary>Always refused: see <see cref="DaxBinding.Create"/>.</summary>
    public static WriteOutcome Create(HostAggregate host, CreateDaxDeviceRequest request) =>
        host.Rows.DaxRegions.Exists(region => region.Number == request.Region)
            ? WorkloadSpecs.ToDto(DaxBinding.Create(request.Region!.Value)) with { Subject = "region" }
            : WriteOutcome.NotFound("dax-region", $"{request.Region}");

    /// <summary>Always refused: see <see cref="DaxBinding.Reshape"/>.</summary>
    public static WriteOutcome Destroy(HostAggregate host, string name, bool force) =>
        host.Rows.DaxDevices.Find(row => row.Name == name) is not { } device ? WriteOutcome.NotFound("dax-device", name)
        : host.IfMatch(device.Id, device.Version) is { } stale ? stale
        : WorkloadSpecs.ToDto(DaxBindings.Of(device).Reshape("size", force));

    /// <summary>A command that changes nothing where it is refused.</summary>
    private static (DaxBinding After, Refusal? Refusal) Ends(DaxBinding before, Outcome<DaxBinding> outcome) =>
        outcome.TryGet(out var after, out var refusal) ? (after, null) : (before, refusal);

    private static WriteOutcome Change(
        HostAggregate host, string name, string verb, Func<DaxBinding, (DaxBinding After, Refusal? Refusal)> change)
    {
        if (host.Rows.DaxDevices.Find(row => row.Name == name) is not { } device)
        {
            return WriteOutcome.NotFound("dax-device", name);
        }

        if (host.IfMatch(device.Id, device.Version) is { } stale)
        {
            return stale;
        }

        var before = DaxBindings.Of(device);
        var (after, refusal) = change(before);
        if (refusal is not null && after == before)
        {
            return WorkloadSpecs.ToDto(refusal);
        }

        if (after != before)
        {
            DaxBindings.Write(device, after);
            host.Save();
            host.Event($"dax-device.{verb}", name, DaxProjection.Of(host, device).Value);
        }

        var (had, has) = (before.Driver == DaxDriver.DeviceDax, after.Driver == DaxDriver.DeviceDax);
        if (had == has)
        {
            var now = DaxProjection.Of(host, device);
            return new WriteOutcome.Ok(now.Value, now.Etag);
        }

        return host.Enqueue(
            has ? OperationKinds.EnableDaxDevice : OperationKinds.DisableDaxDevice,
            name,
            refusal is null
                ? [StepOf(host, device, has)]
                : [StepOf(host, device, has), new RefuseStep { Refusal = WorkloadSpecs.ToDto(refusal) }],
            $"/v1/hosts/{host.Name}/dax-devices/{name}");
    }

    private static TaskStep StepOf(HostAggregate host, DaxDeviceRow device, bool enable)
    {
        var region = host.Rows.DaxRegions.First(row => row.Id == device.DaxRegionId);
        var space = host.Rows.Namespaces.First(row => row.Id == region.NamespaceId);
        var name = $"namespace{device.RegionNumber}.{space.Number}";
        return !enable ? new UnbindStep { Namespace = name } : new BindStep
        {
            Namespace = name,
            NamespaceId = space.Id,
            Start = space.Start!.Value,
            Size = space.Size,
            ParentUuid = space.Uuid,
            ClaimClass = space.ClaimClass,
        };
    }
}
