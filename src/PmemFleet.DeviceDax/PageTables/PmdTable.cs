namespace PmemFleet.DeviceDax.PageTables;

/// <summary>One PMD table: 512 entries of 2 MiB, each nothing, a 2 MiB page or a PTE table.</summary>
internal sealed class PmdTable
{
    private TableLine _present;
    private TableLine _dirty;

    /// <summary>Full of PTE tables that are full.</summary>
    public static PmdTable FullOfPtes { get; } = new() { Ptes = PteTables.AllFull, IsShared = true };

    /// <summary>Full of 2 MiB pages, none written.</summary>
    public static PmdTable FullOfCleanPages { get; } = new() { _present = TableLine.AllOnes, IsShared = true };

    /// <summary>Full of 2 MiB pages, all written.</summary>
    public static PmdTable FullOfDirtyPages { get; } =
        new() { _present = TableLine.AllOnes, _dirty = TableLine.AllOnes, IsShared = true };

    public PteTables? Ptes { get; private set; }

    public bool IsShared { get; set; }

    public int Tables => Ptes?.Tables ?? 0;

    public int Pages => LineBits.Count(_present, 0, 512);

    public PteTables MutablePtes()
    {
        if (Ptes is null)
        {
            Ptes = new PteTables();
        }
        else if (Ptes.IsShared)
        {
            Ptes = Ptes.Copy();
        }

        return Ptes;
    }

    public bool HasPage(int entry) => LineBits.Has(_present, entry);

    public bool IsDirty(int entry) => LineBits.Has(_dirty, entry);

    public bool IsNone(int entry) => !HasPage(entry) && (Ptes is null || Ptes.SlotOf(entry) == PteTables.None);

    public bool SetPage(int entry, bool isDirty)
    {
        if (isDirty)
        {
            LineBits.Set(_dirty, entry);
        }

        return LineBits.Set(_present, entry);
    }

    public int SetPages(int first, int end, bool areDirty)
    {
        if (areDirty)
        {
            LineBits.SetRange(_dirty, first, end);
        }

        return LineBits.SetRange(_present, first, end);
    }

    public bool ClearPage(int entry)
    {
        LineBits.Clear(_dirty, entry);
        return LineBits.Clear(_present, entry);
    }

    public int CountPages(int first, int end) => LineBits.Count(_present, first, end);

    public int CountDirtyPages(int first, int end) => LineBits.Count(_dirty, first, end);

    /// <summary>The shared table with the same content, when this one is uniformly full; otherwise itself.</summary>
    public PmdTable Collapsed()
    {
        if (Ptes is { IsAllFull: true })
        {
            return FullOfPtes;
        }

        if (Tables > 0 || !LineBits.IsFull(_present))
        {
            return this;
        }

        return LineBits.IsFull(_dirty) ? FullOfDirtyPages : LineBits.IsEmpty(_dirty) ? FullOfCleanPages : this;
    }

    public PmdTable Copy()
    {
        var copy = (PmdTable)MemberwiseClone();
        copy.IsShared = false;
        return copy;
    }

    public void Share()
    {
        IsShared = true;
        Ptes?.IsShared = true;
    }
}
