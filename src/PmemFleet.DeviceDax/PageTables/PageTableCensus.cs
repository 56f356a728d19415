namespace PmemFleet.DeviceDax.PageTables;

/// <summary>How many page-table pages of each level a process has; a page is 4096 bytes (spec 50 section 11).</summary>
/// <param name="PteTables">PTE tables.</param>
/// <param name="PmdTables">PMD tables.</param>
/// <param name="PudTables">PUD tables.</param>
/// <param name="P4dTables">P4D tables; 0 with 4-level paging.</param>
/// <param name="PgdTables">Top levels: one a process.</param>
public readonly record struct PageTableCensus(long PteTables, long PmdTables, long PudTables, long P4dTables, long PgdTables)
{
    /// <summary>Bytes of one page-table page.</summary>
    public const long TableBytes = 4096;

    /// <summary>All levels, bytes.</summary>
    public long Bytes => (PteTables + PmdTables + PudTables + P4dTables + PgdTables) * TableBytes;

    /// <summary>What <c>VmPTE</c> of /proc/pid/status shows, in bytes: the kernel leaves out P4D and PGD.</summary>
    public long VmPteBytes => (PteTables + PmdTables + PudTables) * TableBytes;

    /// <summary>Sum, level by level.</summary>
    public PageTableCensus Plus(PageTableCensus other) => new(
        PteTables + other.PteTables,
        PmdTables + other.PmdTables,
        PudTables + other.PudTables,
        P4dTables + other.P4dTables,
        PgdTables + other.PgdTables);
}
