using System.Collections.Immutable;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Tlb;

namespace PmemFleet.DeviceDax.Planner;

/// <summary>Where the struct pages are (ndctl's map): in DRAM, or on the device itself.</summary>
public enum StructPageLocation
{
    /// <summary>map=mem.</summary>
    Memory,

    /// <summary>map=dev.</summary>
    Device,
}

/// <summary>What is planned for.</summary>
/// <param name="Processes">Processes that map all of it, 1 or more.</param>
/// <param name="MemoryBytes">Mapped by each, bytes; a multiple of each granule asked for.</param>
public sealed record PageTablePlanRequest(long Processes, ulong MemoryBytes)
{
    /// <summary>The page sizes to compare.</summary>
    public ImmutableArray<PageGranule> Granules { get; init; } = [PageGranule.Pte, PageGranule.Pmd, PageGranule.Pud];

    /// <summary>Threads of one process (true) share its tables; processes never do (seed row 8).</summary>
    public bool SharesTables { get; init; }

    /// <summary>Page-table levels, 4 or 5.</summary>
    public int Levels { get; init; } = 4;

    /// <summary>Where the mapping starts; a multiple of each granule.</summary>
    public VirtualAddress Start { get; init; } = new(1UL << 46);

    /// <summary>Bytes of one struct page.</summary>
    public ulong StructPageBytes { get; init; } = 64;

    /// <summary>Whether compound struct pages of 2 MiB and 1 GiB pages are deduplicated (vmemmap optimisation).</summary>
    public bool DeduplicatesStructPages { get; init; }

    /// <summary>Where struct pages are.</summary>
    public StructPageLocation StructPages { get; init; }

    /// <summary>The caches whose reach is told.</summary>
    public TlbGeometry Tlb { get; init; } = TlbGeometry.Server;
}

/// <summary>The cost of one page size.</summary>
/// <param name="Granule">The page size.</param>
/// <param name="LeafEntries">Entries that map memory, a process: memory / granule.</param>
/// <param name="LeafBytesPerProcess">8 bytes each: the seeds' figure.</param>
/// <param name="LeafBytes">The same for all processes.</param>
/// <param name="Tables">Table pages of one process.</param>
/// <param name="TableBytesPerProcess">All levels, one process.</param>
/// <param name="TableBytes">All levels, all processes.</param>
/// <param name="StructPageBytes">Struct pages, once for the host.</param>
/// <param name="StructPageBytesInMemory">The part of them in DRAM: all with map=mem, none with map=dev.</param>
/// <param name="TlbEntries">Entries of the CPU's larger level for this page size.</param>
/// <param name="TlbReachBytes">What they cover.</param>
public sealed record GranulePlan(
    PageGranule Granule,
    Int128 LeafEntries,
    Int128 LeafBytesPerProcess,
    Int128 LeafBytes,
    PageTableCensus Tables,
    Int128 TableBytesPerProcess,
    Int128 TableBytes,
    Int128 StructPageBytes,
    Int128 StructPageBytesInMemory,
    int TlbEntries,
    ulong TlbReachBytes);
