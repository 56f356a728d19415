using System.ComponentModel.DataAnnotations;
using PmemFleet.Contracts.Workloads;

namespace PmemFleet.Contracts.Planner;

/// <summary>What page tables are planned for.</summary>
public sealed record PlanPageTablesRequest
{
    /// <summary>Processes that each map all of the memory, 1 to 4,194,304 (Linux's largest pid).</summary>
    /// <example>10000</example>
    [Required]
    [Range(1L, 4_194_304L)]
    public long? Processes { get; init; }

    /// <summary>Memory mapped by each, a multiple of every granule.</summary>
    /// <example>6T</example>
    [Required]
    public ByteSize? Memory { get; init; }

    /// <summary>Page sizes to compare: 4K, 2M, 1G; default all three.</summary>
    /// <example>["4K","2M","1G"]</example>
    public IReadOnlyList<ByteSize>? Granules { get; init; }

    /// <summary><c>private</c> (default; every process has its own) or <c>shared</c> (threads of one process).</summary>
    /// <example>private</example>
    public string? Tables { get; init; }

    /// <summary>Page-table levels, 4 (default) or 5.</summary>
    public int? Levels { get; init; }

    /// <summary>Where the mapping begins, a multiple of every granule; default 64 TiB, where 512 GiB tables begin too.</summary>
    public ByteSize? Start { get; init; }

    /// <summary>Bytes of one struct page, 1 to 4096; default 64.</summary>
    [Range(1, 4096)]
    public int? StructPageSize { get; init; }

    /// <summary>Struct pages of 2 MiB and 1 GiB pages share their tail pages (vmemmap deduplication).</summary>
    public bool DeduplicateVmemmap { get; init; }

    /// <summary>Where struct pages are: <c>mem</c> (default) or <c>dev</c>, as ndctl's <c>--map</c>.</summary>
    public string? Map { get; init; }

    /// <summary>The caches whose reach is told; default a server core's.</summary>
    public TlbGeometryDto? Tlb { get; init; }

    /// <summary>
    /// Also let the fault engine map it: a device of that size, real processes, every page touched, the tables counted. At most 20,000
    /// processes and 200,000 tables of 512 GiB.
    /// </summary>
    public bool Simulate { get; init; }
}

/// <summary>A plan.</summary>
public sealed record PageTablePlanDto
{
    /// <summary>By formula, for each page size.</summary>
    public required IReadOnlyList<GranulePlanDto> Plans { get; init; }

    /// <summary>The same counted in the engine, if asked for.</summary>
    public IReadOnlyList<GranulePlanDto>? Simulated { get; init; }

    /// <summary>Both agree to the byte; null where nothing was simulated.</summary>
    public bool? Agrees { get; init; }
}

/// <summary>The cost of one page size.</summary>
public sealed record GranulePlanDto
{
    /// <summary>The page size, bytes.</summary>
    public required long Granule { get; init; }

    /// <summary>Entries of a process that map memory: memory / granule.</summary>
    public required long LeafEntriesPerProcess { get; init; }

    /// <summary>8 bytes each.</summary>
    public required long LeafBytesPerProcess { get; init; }

    /// <summary>The same for all processes: the figure of the rule of thumb "8 bytes a page".</summary>
    public required long LeafBytes { get; init; }

    /// <summary>That figure for people, such as <c>120000 GiB</c>.</summary>
    public required string LeafText { get; init; }

    /// <summary>Table pages of one process by level.</summary>
    public required TablePagesDto TablePages { get; init; }

    /// <summary>All levels, one process, bytes.</summary>
    public required long TableBytesPerProcess { get; init; }

    /// <summary>All levels, all processes, bytes.</summary>
    public required long TableBytes { get; init; }

    /// <summary>That figure for people.</summary>
    public required string TableText { get; init; }

    /// <summary>Struct pages of the memory, once for the host, bytes.</summary>
    public required long StructPageBytes { get; init; }

    /// <summary>The part of them in DRAM: all with map mem, none with map dev.</summary>
    public required long StructPageBytesInMemory { get; init; }

    /// <summary>TLB entries for this page size.</summary>
    public required int TlbEntries { get; init; }

    /// <summary>What they cover, bytes.</summary>
    public required long TlbReachBytes { get; init; }
}

/// <summary>Page-table pages of 4 KiB by level.</summary>
public sealed record TablePagesDto
{
    /// <summary>Tables of 4 KiB entries.</summary>
    public required long Pte { get; init; }

    /// <summary>Tables of 2 MiB entries.</summary>
    public required long Pmd { get; init; }

    /// <summary>Tables of 1 GiB entries.</summary>
    public required long Pud { get; init; }

    /// <summary>Fifth level; 0 with 4 levels.</summary>
    public required long P4d { get; init; }

    /// <summary>The top.</summary>
    public required long Pgd { get; init; }
}
