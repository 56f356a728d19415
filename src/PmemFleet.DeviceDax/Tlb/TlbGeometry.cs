using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Tlb;

/// <summary>One translation cache.</summary>
/// <param name="Entries">Entries; a multiple of <paramref name="Ways"/>, and the quotient a power of two. 0 for none.</param>
/// <param name="Ways">Associativity, 1 to 32.</param>
public readonly record struct TlbArray(int Entries, int Ways)
{
    /// <summary>No such cache.</summary>
    public static TlbArray None => default;

    /// <summary>Sets.</summary>
    public int Sets => Entries == 0 ? 0 : Entries / Ways;

    /// <summary>Whether the numbers fit together.</summary>
    public bool IsValid => Entries == 0 || (Ways is >= 1 and <= 32 && Entries % Ways == 0 && int.IsPow2(Entries / Ways) && Entries <= 1 << 20);
}

/// <summary>
/// The translation caches of one core. A model of hits and misses, not of time: up to four ways replace the least recently used
/// entry, more ways one not used recently; a process has the core for itself.
/// </summary>
public sealed record TlbGeometry
{
    /// <summary>A server core of the Skylake to Ice Lake kind.</summary>
    public static TlbGeometry Server { get; } = new();

    /// <summary>First level, 4 KiB pages.</summary>
    public TlbArray FirstPte { get; init; } = new(64, 4);

    /// <summary>First level, 2 MiB pages.</summary>
    public TlbArray FirstPmd { get; init; } = new(32, 4);

    /// <summary>First level, 1 GiB pages.</summary>
    public TlbArray FirstPud { get; init; } = new(4, 4);

    /// <summary>Second level, shared by 4 KiB and 2 MiB pages.</summary>
    public TlbArray SecondShared { get; init; } = new(1536, 12);

    /// <summary>Second level, 1 GiB pages.</summary>
    public TlbArray SecondPud { get; init; } = new(16, 4);

    /// <summary>Page-walk cache of PMD entries, which name PTE tables.</summary>
    public TlbArray WalkPmd { get; init; } = new(32, 4);

    /// <summary>Page-walk cache of PUD entries, which name PMD tables.</summary>
    public TlbArray WalkPud { get; init; } = new(4, 4);

    /// <summary>Page-walk cache of top-level entries, which name PUD tables.</summary>
    public TlbArray WalkTop { get; init; } = new(2, 2);

    /// <summary>Whether every cache's numbers fit together.</summary>
    public bool IsValid => new[] { FirstPte, FirstPmd, FirstPud, SecondShared, SecondPud, WalkPmd, WalkPud, WalkTop }.All(a => a.IsValid);

    /// <summary>Bytes the caches cover when all their entries are of one page size.</summary>
    public ByteCount Reach(PageGranule granule) => new((ulong)EntriesFor(granule) * granule.Bytes());

    /// <summary>Entries of the larger level for one page size.</summary>
    public int EntriesFor(PageGranule granule) => granule switch
    {
        PageGranule.Pte => Math.Max(FirstPte.Entries, SecondShared.Entries),
        PageGranule.Pmd => Math.Max(FirstPmd.Entries, SecondShared.Entries),
        _ => Math.Max(FirstPud.Entries, SecondPud.Entries),
    };
}

/// <summary>What a model counted.</summary>
/// <param name="FirstHits">Found in the first level.</param>
/// <param name="SecondHits">Found in the second level.</param>
/// <param name="Walks">Found in neither: the table was walked.</param>
/// <param name="WalkReferences">Table entries the walks read, after what the page-walk caches saved.</param>
public readonly record struct TlbCounts(long FirstHits, long SecondHits, long Walks, long WalkReferences)
{
    /// <summary>Sum, member by member.</summary>
    public TlbCounts Plus(TlbCounts other) =>
        new(FirstHits + other.FirstHits, SecondHits + other.SecondHits, Walks + other.Walks, WalkReferences + other.WalkReferences);
}
