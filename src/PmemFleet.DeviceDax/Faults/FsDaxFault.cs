using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Faults;

/// <summary>
/// Filesystem-DAX's fault: a PMD when offset, mapping and extent all happen to fit, otherwise 4 KiB; never a PUD (seed rows
/// 2 and 85).
/// </summary>
internal static class FsDaxFault
{
    public static FaultResult Handle(Process process, FsDaxFile file, in FaultRecord record)
    {
        if (record.PageOffset << PageGranules.PageShift >= file.Length.Value)
        {
            return record.Tag == PageGranule.Pte ? FaultResult.SigBus : FaultResult.Fallback;
        }

        return record.Tag switch
        {
            PageGranule.Pud => FaultResult.Fallback,
            PageGranule.Pmd => TryPmd(process, file, record),
            _ => file.Lookup(record.PageOffset, PageGranules.PageBytes) is { } physical && file.IsBad(physical, PageGranules.PageBytes)
                ? FaultResult.SigBus
                : DevDaxFault.Insert(process.Memory.Table, record),
        };
    }

    private static FaultResult TryPmd(Process process, FsDaxFile file, in FaultRecord record)
    {
        var bytes = PageGranule.Pmd.Bytes();
        var mapping = record.Mapping;
        var start = PageGranules.AlignDown(record.Address.Value, bytes);
        if (start < mapping.StartValue || start + bytes > mapping.EndValue)
        {
            return FaultResult.Fallback;
        }

        var offset = mapping.PageOffsetOf(start) << PageGranules.PageShift;
        var fits = PageGranules.IsAligned(offset, bytes) && offset + bytes <= file.Length.Value;
        return fits && file.Lookup(offset >> PageGranules.PageShift, bytes) is { } physical
            && PageGranules.IsAligned(physical, bytes) && !file.IsBad(physical, bytes)
            ? DevDaxFault.Insert(process.Memory.Table, record)
            : FaultResult.Fallback;
    }
}
