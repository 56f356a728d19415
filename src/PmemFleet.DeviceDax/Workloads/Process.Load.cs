using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Workloads;

namespace PmemFleet.DeviceDax.AddressSpaces;

public sealed partial class Process
{
    // Granules whose poison this process consumed in the slice; made when first needed.
    private SortedSet<ulong>? _consumed;

    /// <summary>
    /// Bytes from the mapping's start for which every fault is known to end in an entry: the driver's rules hold, the granule
    /// can be mapped on this machine, and the device has the bytes.
    /// </summary>
    internal ulong GoodBytes(Mapping mapping)
    {
        if (mapping.Device is not { } device || !DevDaxRules.Passes(device, mapping) || (mapping.Flags & VmFlags.NoHugePage) != 0)
        {
            return 0;
        }

        var granule = device.Granule;
        var offset = mapping.PageOffset << PageGranules.PageShift;
        var profile = Machine.Profile;
        var hasLevel = granule == PageGranule.Pte
            || (profile.Kernel == KernelProfile.Linux61 ? granule == PageGranule.Pmd || profile.HasPudPages : granule == PageGranule.Pmd && device.HasStructPages);
        if (!hasLevel || !PageGranules.IsAligned(offset, granule.Bytes()) || offset >= device.Size.Value)
        {
            return 0;
        }

        return Math.Min(mapping.EndValue - mapping.StartValue, device.Size.Value - offset);
    }

    /// <summary>
    /// One access of a load: as <see cref="Access"/>, but what consuming poison means for other processes waits until the
    /// end of the slice, so that the result doesn't depend on who runs when.
    /// </summary>
    internal LoadAccess AccessInLoad(ulong address, bool isWrite)
    {
        lock (_gate)
        {
            var outcome = AccessLocked(address, isWrite ? AccessKind.Write : AccessKind.Read, WorkloadRunner.AccessBytes, out var poisoned);
            if (poisoned.Device is { } device)
            {
                ZapPhysical(device, poisoned.Physical.Value);
                (_consumed ??= []).Add(PageGranules.AlignDown(poisoned.Physical.Value, device.Granule.Bytes()));
                return LoadAccess.MachineCheck;
            }

            return outcome.Result switch
            {
                AccessResult.Ok => LoadAccess.Ok,
                AccessResult.Oom => LoadAccess.OutOfMemory,
                _ => LoadAccess.SigBus,
            };
        }
    }

    internal IReadOnlyCollection<ulong> TakeConsumed()
    {
        var taken = _consumed;
        _consumed = null;
        return taken is null ? [] : taken;
    }

    /// <summary>Touches every page of the mapping that has bytes, at once, and counts what touching them one by one would.</summary>
    internal void PopulateInLoad(Mapping mapping, bool isWrite)
    {
        lock (_gate)
        {
            var good = GoodBytes(mapping);
            if (good == 0)
            {
                PopulateRange(mapping, mapping.StartValue, mapping.EndValue, isWrite ? AccessKind.Write : AccessKind.Read);
                return;
            }

            var table = Memory.Table;
            var granule = mapping.Device!.Granule;
            var (pteTables, pmdTables) = (table.PteTables, table.PmdTables);
            var (ptePages, pmdPages, pudPages) = (table.PtePages, table.PmdPages, table.PudPages);
            table.Populate(mapping.StartValue, mapping.StartValue + good, granule, isWrite);
            _counters.Add(PageGranule.Pte, FaultResult.NoPage, table.PtePages - ptePages);
            _counters.Add(PageGranule.Pmd, FaultResult.NoPage, table.PmdPages - pmdPages);
            _counters.Add(PageGranule.Pud, FaultResult.NoPage, table.PudPages - pudPages);
            _counters.Add(PageGranule.Pmd, FaultResult.Fallback, table.PteTables - pteTables);
            _counters.Add(PageGranule.Pud, FaultResult.Fallback, table.PmdTables - pmdTables);
        }
    }
}

internal enum LoadAccess
{
    Ok,
    SigBus,
    MachineCheck,
    OutOfMemory,
}
