using System.Collections.Immutable;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workloads;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Workloads;

namespace PmemFleet.Api.Workloads;

/// <summary>The devices a workload maps: copies of a host's, or those of a described machine.</summary>
public static class WorkloadMachines
{
    private const ulong FirstByte = 1UL << 40;
    private const ulong MostBytes = 1UL << 46;
    private static readonly Dictionary<long, PageGranule> Granules = new()
    {
        [1L << 12] = PageGranule.Pte,
        [1L << 21] = PageGranule.Pmd,
        [1L << 30] = PageGranule.Pud,
    };

    public static WorkloadDevice Of(WorkloadDeviceOfHost device)
    {
        var (region, number) = DeviceName.Pair(device.Name, "dax") ?? throw new InvalidOperationException($"{device.Name} is no dax device's name");
        return new(new DaxRegionSpec(region, new(new((ulong)device.Start), new((ulong)device.Size)), Granules[device.Align]), new DaxDeviceSpec(number));
    }

    /// <summary>dax0.0, dax1.0, … one behind the other from 1 TiB, each on a whole GiB.</summary>
    public static (ImmutableArray<WorkloadDevice> Devices, RefusalDto? Refusal) Read(WorkloadMachineRequest machine)
    {
        if (CreateHost.CheckPlatform(machine.Platform ?? new(), "machine/platform/") is { } platform)
        {
            return ([], platform);
        }

        var devices = ImmutableArray.CreateBuilder<WorkloadDevice>();
        var start = FirstByte;
        foreach (var (device, index) in machine.Devices!.Take(WorkloadLimits.Mappings + 1).Select((device, index) => (device, index)))
        {
            var at = $"machine/devices/{index}";
            if (!Granules.TryGetValue(device.Align?.Value ?? 1L << 21, out var granule))
            {
                return ([], Refusals.Invalid("dax-align-unsupported", $"{at}/align", "A dax device's align is 4 KiB, 2 MiB or 1 GiB.", "4096", "2097152", "1073741824")
                    .With("align", device.Align!.Value.Value));
            }

            var size = (ulong)device.Size!.Value.Value;
            if (size == 0 || size > MostBytes || !PageGranules.IsAligned(size, granule.Bytes()))
            {
                var nearest = Math.Clamp(PageGranules.AlignUp(Math.Min(size, MostBytes), granule.Bytes()), granule.Bytes(), MostBytes);
                return ([], Refusals.Invalid("dax-size-invalid", $"{at}/size", "A dax device has a multiple of its align, and up to 64 TiB.", $"{nearest}")
                    .With("size", (long)size).With("align", (long)granule.Bytes()));
            }

            devices.Add(new(new DaxRegionSpec(index, new(new(start), new(size)), granule), new DaxDeviceSpec(0)));
            start = PageGranules.AlignUp(start + size, 1UL << 30);
        }

        return devices.Count == 0
            ? ([], Refusals.Invalid("workload-invalid", "machine/devices", "A machine needs a device."))
            : (devices.ToImmutable(), null);
    }
}
