using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Dax;

/// <summary>A dax device's driver is bound and unbound by itself: its namespace stays enabled.</summary>
public static class DaxCommands
{
    public static WriteOutcome Enable(HostAggregate host, string name) => Change(host, name, enable: true);

    public static WriteOutcome Disable(HostAggregate host, string name) => Change(host, name, enable: false);

    private static WriteOutcome Change(HostAggregate host, string name, bool enable)
    {
        if (host.Rows.DaxDevices.Find(row => row.Name == name) is not { } device)
        {
            return WriteOutcome.NotFound("dax-device", name);
        }

        if (host.IfMatch(device.Id, device.Version) is { } stale)
        {
            return stale;
        }

        if (device.Enabled == enable)
        {
            var unchanged = DaxProjection.Of(host, device);
            return new WriteOutcome.Ok(unchanged.Value, unchanged.Etag);
        }

        device.Enabled = enable;
        host.Save();
        host.Event(enable ? "dax-device.enabled" : "dax-device.disabled", name, DaxProjection.Of(host, device).Value);
        return host.Enqueue(
            enable ? OperationKinds.EnableDaxDevice : OperationKinds.DisableDaxDevice,
            name,
            [StepOf(host, device, enable)],
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
