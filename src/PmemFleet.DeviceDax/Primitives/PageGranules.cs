namespace PmemFleet.DeviceDax.Primitives;

#pragma warning disable CA1008 // there is no page of size zero
/// <summary>The size of a mapping's pages, and the size tag of a fault record: the level of the x86-64 page table that holds the entry.</summary>
public enum PageGranule
{
    /// <summary>4 KiB, an entry of a PTE table.</summary>
    Pte = 12,

    /// <summary>2 MiB, an entry of a PMD table.</summary>
    Pmd = 21,

    /// <summary>1 GiB, an entry of a PUD table.</summary>
    Pud = 30,
}
#pragma warning restore CA1008

/// <summary>Arithmetic of page sizes.</summary>
public static class PageGranules
{
    /// <summary>log2 of the smallest page.</summary>
    public const int PageShift = 12;

    /// <summary>The smallest page, 4 KiB.</summary>
    public const ulong PageBytes = 1UL << PageShift;

    /// <summary>Entries of one page-table page; each is 8 bytes.</summary>
    public const int EntriesPerTable = 512;

    /// <summary>log2 of the page's bytes, which is also <c>si_addr_lsb</c>.</summary>
    public static int Shift(this PageGranule granule) => (int)granule;

    /// <summary>The page's bytes.</summary>
    public static ulong Bytes(this PageGranule granule) => 1UL << (int)granule;

    /// <summary>The next smaller size; the smallest has none.</summary>
    public static PageGranule? Smaller(this PageGranule granule) => granule switch
    {
        PageGranule.Pud => PageGranule.Pmd,
        PageGranule.Pmd => PageGranule.Pte,
        _ => null,
    };

    /// <summary>The granule of an align attribute: 4096, 2097152 or 1073741824 (spec 50 section 2).</summary>
    public static bool TryFromAlign(ulong alignBytes, out PageGranule granule)
    {
        granule = alignBytes switch
        {
            1UL << 21 => PageGranule.Pmd,
            1UL << 30 => PageGranule.Pud,
            _ => PageGranule.Pte,
        };
        return granule.Bytes() == alignBytes;
    }

    /// <summary>The value rounded down to a multiple of a power of two.</summary>
    public static ulong AlignDown(ulong value, ulong alignment) => value & ~(alignment - 1);

    /// <summary>The value rounded up to a multiple of a power of two; wraps to 0 at the top as the kernel's macro does.</summary>
    public static ulong AlignUp(ulong value, ulong alignment) => unchecked(value + alignment - 1) & ~(alignment - 1);

    /// <summary>True when the value is a multiple of a power of two.</summary>
    public static bool IsAligned(ulong value, ulong alignment) => (value & (alignment - 1)) == 0;
}
