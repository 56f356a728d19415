using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Poison;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Tests;

internal static class Fixture
{
    public const ulong DataStart = 1UL << 40;
    public const Protection ReadWrite = Protection.Read | Protection.Write;

    public static (Machine Machine, DaxDevice Device) WithDevice(
        PageGranule granule, ulong bytes, MachineProfile? profile = null, bool hasStructPages = true, IPoisonSource? poison = null)
    {
        var machine = new Machine(profile, poison);
        var region = machine.AddRegion(new(0, new(new(DataStart), new(bytes)), granule)).Value;
        return (machine, region.AddDevice(new(0) { HasStructPages = hasStructPages }).Value);
    }

    public static (Process Process, int Descriptor) Opened(Machine machine, string path = "/dev/dax0.0")
    {
        var process = machine.StartProcess("test");
        return (process, process.Open(path, OpenFlags.ReadWrite).Value);
    }

    public static Outcome<Mapping> Map(Process process, int fd, ulong length, ulong offset = 0, MapFlags flags = MapFlags.Shared, ulong address = 0) =>
        process.Mmap(new(length, ReadWrite, flags, fd, offset) { Address = address });
}

internal sealed class PoisonAt(params PhysicalRange[] ranges) : IPoisonSource
{
    public bool TryFindPoison(PhysicalRange range, out PhysicalAddress first)
    {
        foreach (var bad in ranges)
        {
            if (bad.Overlaps(range))
            {
                first = new(Math.Max(bad.Start.Value, range.Start.Value));
                return true;
            }
        }

        first = default;
        return false;
    }
}
