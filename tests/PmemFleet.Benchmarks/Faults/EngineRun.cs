using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Tlb;
using PmemFleet.DeviceDax.Workloads;

namespace PmemFleet.Benchmarks.Faults;

/// <summary>A process with one mapping, ready to be loaded.</summary>
internal sealed class EngineRun
{
    private readonly Process _process;

    public EngineRun(Machine machine, ulong bytes)
    {
        _process = machine.StartProcess("bench", ProcessImage.None);
        var fd = _process.Open("/dev/dax0.0", OpenFlags.ReadWrite).Value;
        Mapping = _process.Mmap(new(bytes, Protection.Read | Protection.Write, MapFlags.Shared, fd)).Value;
    }

    public Process Process => _process;

    public Mapping Mapping { get; }

    public static Machine MachineWith(ulong bytes, PageGranule granule = PageGranule.Pte)
    {
        var machine = new Machine();
        var region = machine.AddRegion(new(0, new(new(1UL << 40), new(bytes)), granule)).Value;
        _ = region.AddDevice(new(0)).Value;
        return machine;
    }

    public void Load(WorkloadPhase phase, TlbModel? tlb = null)
    {
        var totals = default(AccessTotals);
        ProcessPhase.Start(_process, Mapping, phase, tlb, 42).Run(_process.GoodBytes(Mapping), phase.Accesses, ref totals, static _ => { }, CancellationToken.None);
    }
}
