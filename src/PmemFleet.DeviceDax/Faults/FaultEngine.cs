using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Faults;

/// <summary>
/// The core's part of a fault: tables are made from the top, and each empty level is offered to the mapping's handler,
/// largest first, until one answers with anything but FALLBACK (spec 50 section 5).
/// </summary>
internal static class FaultEngine
{
    public static AccessResult Handle(Process process, Mapping mapping, ulong address, bool isWrite, out FaultTrace trace)
    {
        trace = default;
        var page = PageGranules.AlignDown(address, PageGranules.PageBytes);
        var record = new FaultRecord
        {
            Id = process.NextFaultId(),
            Mapping = mapping,
            Address = new(page),
            PageOffset = mapping.PageOffsetOf(page),
            IsWrite = isWrite,
        };

        var table = process.Memory.Table;
        var canBeHuge = mapping.Node is { IsDax: true } && (mapping.Flags & VmFlags.NoHugePage) == 0;
        if (table.EnsurePud(page) == TableResult.OutOfMemory)
        {
            return OutOfMemory(process, record with { Tag = PageGranule.Pud }, ref trace);
        }

        if (canBeHuge && table.IsPudNone(page)
            && Try(process, record with { Tag = PageGranule.Pud }, ref trace) is var pud && pud != FaultResult.Fallback)
        {
            return Answer(pud);
        }

        if (table.EnsurePmd(page) == TableResult.OutOfMemory)
        {
            return OutOfMemory(process, record with { Tag = PageGranule.Pmd }, ref trace);
        }

        if (canBeHuge && table.IsPmdNone(page)
            && Try(process, record with { Tag = PageGranule.Pmd }, ref trace) is var pmd && pmd != FaultResult.Fallback)
        {
            return Answer(pmd);
        }

        return Answer(Try(process, record with { Tag = PageGranule.Pte }, ref trace));
    }

    private static FaultResult Try(Process process, in FaultRecord record, ref FaultTrace trace)
    {
        var result = record.Mapping.Node switch
        {
            DaxDevice device => DevDaxFault.Handle(process, device, record),
            FsDaxFile file => FsDaxFault.Handle(process, file, record),
            _ => OrdinaryFault(process, record),
        };
        process.Counters.Count(record.Tag, result);
        trace = trace.Then(record, result);
        return result;
    }

    private static FaultResult OrdinaryFault(Process process, in FaultRecord record)
    {
        if (record.Mapping.Node is PlainFile file && record.PageOffset << PageGranules.PageShift >= file.Length.Value)
        {
            return FaultResult.SigBus;
        }

        return DevDaxFault.Insert(process.Memory.Table, record);
    }

    private static AccessResult OutOfMemory(Process process, in FaultRecord record, ref FaultTrace trace)
    {
        process.Counters.Count(record.Tag, FaultResult.Oom);
        trace = trace.Then(record, FaultResult.Oom);
        return AccessResult.Oom;
    }

    private static AccessResult Answer(FaultResult result) => result switch
    {
        FaultResult.NoPage => AccessResult.Ok,
        FaultResult.Oom => AccessResult.Oom,
        _ => AccessResult.SigBus,
    };
}
