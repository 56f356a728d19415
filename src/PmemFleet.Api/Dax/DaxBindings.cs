using PmemFleet.Api.Hosts;
using PmemFleet.Contracts.Problems;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.Nvdimm.Listing;

namespace PmemFleet.Api.Dax;

/// <summary>Between a dax device's row and the engine's view of its driver.</summary>
public static class DaxBindings
{
    public const string Devdax = "devdax";
    public const string SystemRam = "system-ram";

    public static DaxBinding Of(DaxDeviceRow row) => new(row.Name, new(new((ulong)row.Start), new((ulong)row.Size)))
    {
        Driver = !row.Enabled ? DaxDriver.None : row.Mode == SystemRam ? DaxDriver.Kmem : DaxDriver.DeviceDax,
        IsSystemRam = row.Mode == SystemRam,
        OnlineBlocks = row.OnlineBlocks,
    };

    public static void Write(DaxDeviceRow row, DaxBinding binding)
    {
        row.Enabled = binding.Driver != DaxDriver.None;
        row.Mode = binding.IsSystemRam ? SystemRam : Devdax;
        row.OnlineBlocks = binding.OnlineBlocks;
    }

    /// <summary>The refusal of a namespace's unbind while its memory is the kernel's and online.</summary>
    public static RefusalDto? CheckUnbind(HostAggregate host, Guid namespaceId) =>
        host.Rows.DaxRegions.Find(region => region.NamespaceId == namespaceId) is { } region
        && host.Rows.DaxDevices.Find(device => device.DaxRegionId == region.Id && device.OnlineBlocks > 0) is { } device
        && Of(device).RefuseUnbind() is { } busy
            ? Workloads.WorkloadSpecs.ToDto(busy)
            : null;

    public static DaxDeviceStates States(HostRows rows) => new(rows.DaxDevices.ToDictionary(row => row.Name, row =>
    {
        var binding = Of(row);
        return new DaxDeviceState(
            row.Enabled, binding.IsSystemRam, binding.OnlineBlocks, binding.WholeBlocks, (long)binding.WholeRange.Start.Value, (long)binding.WholeRange.Length.Value);
    }));
}
