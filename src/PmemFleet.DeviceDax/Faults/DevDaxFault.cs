using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Faults;

/// <summary>Device-dax's one fault entry: the record's tag says which size is tried (spec 50 section 5).</summary>
internal static class DevDaxFault
{
    public static FaultResult Handle(Process process, DaxDevice device, in FaultRecord record)
    {
        var mapping = record.Mapping;
        var profile = device.Machine.Profile;
        var level = record.Tag.Bytes();
        if (record.Tag == PageGranule.Pud && (!profile.HasPudPages || profile.Kernel == KernelProfile.Linux410))
        {
            return FaultResult.Fallback;
        }

        if (!DevDaxRules.Passes(device, mapping))
        {
            if (device.IsAlive)
            {
                DevDaxRules.CheckMapping(device, mapping, process, Function(record.Tag));
            }

            return FaultResult.SigBus;
        }

        if (device.Granule > record.Tag)
        {
            return FaultResult.SigBus;
        }

        if (device.Granule < record.Tag)
        {
            return FaultResult.Fallback;
        }

        if (record.Tag != PageGranule.Pte && !device.HasStructPages && profile.Kernel == KernelProfile.Linux410)
        {
            return FaultResult.SigBus;
        }

        var start = PageGranules.AlignDown(record.Address.Value, level);
        if (start < mapping.StartValue || start + level > mapping.EndValue)
        {
            return FaultResult.SigBus;
        }

        // An offset that isn't a multiple of the granule would map bytes that aren't the file's: refused and logged.
        if (!device.TryLookup(mapping.PageOffsetOf(start), level, out var physical) || !PageGranules.IsAligned(physical, level))
        {
            return FaultResult.SigBus;
        }

        return Insert(process.Memory.Table, record);
    }

    public static FaultResult Insert(PageTable table, in FaultRecord record)
    {
        switch (record.Tag)
        {
            case PageGranule.Pud:
                table.SetPud(record.Address.Value);
                return FaultResult.NoPage;
            case PageGranule.Pmd:
                table.SetPmd(record.Address.Value, record.IsWrite);
                return FaultResult.NoPage;
            default:
                if (table.EnsurePte(record.Address.Value) == TableResult.OutOfMemory)
                {
                    return FaultResult.Oom;
                }

                table.SetPte(record.Address.Value);
                return FaultResult.NoPage;
        }
    }

    private static string Function(PageGranule tag) => tag switch
    {
        PageGranule.Pud => "__dev_dax_pud_fault",
        PageGranule.Pmd => "__dev_dax_pmd_fault",
        _ => "__dev_dax_pte_fault",
    };
}
