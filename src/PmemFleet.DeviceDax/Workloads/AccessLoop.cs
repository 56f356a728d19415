using System.Runtime.CompilerServices;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Tlb;

namespace PmemFleet.DeviceDax.Workloads;

internal interface ITranslation
{
    void Access(ulong address);
}

internal readonly struct NoTlb : ITranslation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // disappears
    public void Access(ulong address)
    {
    }
}

internal readonly struct TlbForPte(TlbModel model) : ITranslation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, accesses-with-tlb
    public void Access(ulong address) => model.Access(address, PageGranule.Pte);
}

internal readonly struct TlbFor(TlbModel model, PageGranule granule) : ITranslation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // the same for huge pages
    public void Access(ulong address) => model.Access(address, granule);
}

internal interface IWriteMix
{
    bool IsWrite();
}

internal readonly struct AllReads : IWriteMix
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // disappears
    public bool IsWrite() => false;
}

internal readonly struct AllWrites : IWriteMix
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // disappears
    public bool IsWrite() => true;
}

internal struct SomeWrites(int percent, ulong seed) : IWriteMix
{
    private readonly ulong _threshold = (ulong)percent * (ulong.MaxValue / 100);
    private SplitMix _random = new(seed);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // keeps the state in a register
    public bool IsWrite() => _random.Next() < _threshold;
}

/// <summary>
/// The accesses of one process, compiled for each pattern, mix and cache model. Allocates nothing. Pages whose fault is known
/// to succeed take the short way; all others the engine's own.
/// </summary>
internal static class AccessLoop
{
    // Below this much mapped memory the page table fits into the CPU's caches, and looking ahead only costs.
    private const ulong AheadFrom = 16UL << 30;
    private const int Ahead = 64;

    public static void Run<TPattern, TMix, TTlb>(Process process, Mapping mapping, PageGranule granule, ulong goodBytes, long accesses,
        ref TPattern pattern, ref TMix mix, in TTlb tlb, ref AccessTotals totals)
        where TPattern : struct, IAccessPattern
        where TMix : struct, IWriteMix
        where TTlb : struct, ITranslation
    {
        switch (granule)
        {
            case PageGranule.Pte when TPattern.IsScattered && goodBytes > AheadFrom:
                RunPteAhead(process, mapping, goodBytes, accesses, ref pattern, ref mix, tlb, ref totals);
                break;
            case PageGranule.Pte:
                RunPte(process, mapping, goodBytes, accesses, ref pattern, ref mix, tlb, ref totals);
                break;
            default:
                RunHuge(process, mapping, granule, goodBytes, accesses, ref pattern, ref mix, tlb, ref totals);
                break;
        }
    }

    private static void RunPte<TPattern, TMix, TTlb>(Process process, Mapping mapping, ulong goodBytes, long accesses,
        ref TPattern pattern, ref TMix mix, in TTlb tlb, ref AccessTotals totals)
        where TPattern : struct, IAccessPattern
        where TMix : struct, IWriteMix
        where TTlb : struct, ITranslation
    {
        // Copies, so that the compiler keeps them in registers.
        var (walk, writes, start) = (pattern, mix, mapping.StartValue);
        var table = process.Memory.Table;
        long mapped = 0;
        long stores = 0;
        for (long i = 0; i < accesses; i++)
        {
            var offset = walk.Next();
            var isWrite = writes.IsWrite();
            stores += isWrite ? 1 : 0;
            var address = start + offset;
            tlb.Access(address);
            if (offset < goodBytes)
            {
                var touch = table.TouchPte(address);
                if (touch == TouchResult.Hit)
                {
                    continue;
                }

                if (touch == TouchResult.Mapped)
                {
                    mapped++;
                    continue;
                }
            }

            totals.Walk(process, address, isWrite);
        }

        process.Counters.Add(PageGranule.Pte, FaultResult.NoPage, mapped);
        totals.Writes += stores;
        totals.Reads += accesses - stores;
        (pattern, mix) = (walk, writes);
    }

    private static void RunPteAhead<TPattern, TMix, TTlb>(Process process, Mapping mapping, ulong goodBytes, long accesses,
        ref TPattern pattern, ref TMix mix, in TTlb tlb, ref AccessTotals totals)
        where TPattern : struct, IAccessPattern
        where TMix : struct, IWriteMix
        where TTlb : struct, ITranslation
    {
        // Copies, so that the compiler keeps them in registers.
        var (walk, writes, start) = (pattern, mix, mapping.StartValue);
        var table = process.Memory.Table;
        long mapped = 0;
        long stores = 0;
        Span<ulong> offsets = stackalloc ulong[Ahead];
        for (long i = 0; i < accesses; i++)
        {
            if (i % Ahead == 0)
            {
                var count = (int)Math.Min(Ahead, accesses - i);
                for (var k = 0; k < count; k++)
                {
                    offsets[k] = walk.Next();
                    table.PrefetchPte(start + offsets[k]);
                }
            }

            var offset = offsets[(int)(i % Ahead)];
            var isWrite = writes.IsWrite();
            stores += isWrite ? 1 : 0;
            var address = start + offset;
            tlb.Access(address);
            if (offset < goodBytes)
            {
                var touch = table.TouchPte(address);
                if (touch == TouchResult.Hit)
                {
                    continue;
                }

                if (touch == TouchResult.Mapped)
                {
                    mapped++;
                    continue;
                }
            }

            totals.Walk(process, address, isWrite);
        }

        process.Counters.Add(PageGranule.Pte, FaultResult.NoPage, mapped);
        totals.Writes += stores;
        totals.Reads += accesses - stores;
        (pattern, mix) = (walk, writes);
    }

    private static void RunHuge<TPattern, TMix, TTlb>(Process process, Mapping mapping, PageGranule granule, ulong goodBytes, long accesses,
        ref TPattern pattern, ref TMix mix, in TTlb tlb, ref AccessTotals totals)
        where TPattern : struct, IAccessPattern
        where TMix : struct, IWriteMix
        where TTlb : struct, ITranslation
    {
        var (walk, writes, start) = (pattern, mix, mapping.StartValue);
        var table = process.Memory.Table;
        long mapped = 0;
        long stores = 0;
        for (long i = 0; i < accesses; i++)
        {
            var offset = walk.Next();
            var isWrite = writes.IsWrite();
            stores += isWrite ? 1 : 0;
            var address = start + offset;
            tlb.Access(address);
            if (offset < goodBytes)
            {
                var touch = granule == PageGranule.Pmd ? table.TouchPmd(address, isWrite) : table.TouchPud(address);
                if (touch == TouchResult.Hit)
                {
                    continue;
                }

                if (touch == TouchResult.Mapped)
                {
                    mapped++;
                    continue;
                }
            }

            totals.Walk(process, address, isWrite);
        }

        process.Counters.Add(granule, FaultResult.NoPage, mapped);
        totals.Writes += stores;
        totals.Reads += accesses - stores;
        (pattern, mix) = (walk, writes);
    }
}

/// <summary>What the accesses of one process came to.</summary>
internal struct AccessTotals
{
    public long Reads;
    public long Writes;
    public long SigBus;
    public long MachineChecks;
    public long OutOfMemory;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Walk(Process process, ulong address, bool isWrite)
    {
        var outcome = process.AccessInLoad(address, isWrite);
        SigBus += outcome == LoadAccess.SigBus ? 1 : 0;
        MachineChecks += outcome == LoadAccess.MachineCheck ? 1 : 0;
        OutOfMemory += outcome == LoadAccess.OutOfMemory ? 1 : 0;
    }
}
