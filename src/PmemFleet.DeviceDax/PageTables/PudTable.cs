using System.Runtime.CompilerServices;

namespace PmemFleet.DeviceDax.PageTables;

/// <summary>One PUD table: 512 entries of 1 GiB, each nothing, a 1 GiB page or a PMD table.</summary>
internal sealed class PudTable
{
    private Children _children;
    private TableLine _present;

    /// <summary>Full of 1 GiB pages.</summary>
    public static PudTable FullOfPages { get; } = new() { _present = TableLine.AllOnes, IsShared = true };

    private static PudTable[] FullOfTables { get; } =
    [
        FilledWith(PmdTable.FullOfPtes), FilledWith(PmdTable.FullOfCleanPages), FilledWith(PmdTable.FullOfDirtyPages),
    ];

    public bool IsShared { get; set; }

    public int Tables { get; private set; }

    /// <summary>The shared table whose every entry is <paramref name="child"/>, one of the full PMD tables.</summary>
    public static PudTable FullOf(PmdTable child) => FullOfTables.First(t => ReferenceEquals(t._children[0], child));

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, every figure
    public PmdTable? Child(int entry) => Unsafe.Add(ref Unsafe.As<Children, PmdTable?>(ref _children), entry);

    public void SetChild(int entry, PmdTable? child)
    {
        Tables += (child is null ? 0 : 1) - (_children[entry] is null ? 0 : 1);
        _children[entry] = child;
    }

    public PmdTable MutableChild(int entry)
    {
        var child = _children[entry];
        if (child is null)
        {
            SetChild(entry, child = new PmdTable());
        }
        else if (child.IsShared)
        {
            _children[entry] = child = child.Copy();
        }

        return child;
    }

    public bool HasPage(int entry) => LineBits.Has(_present, entry);

    public bool IsNone(int entry) => _children[entry] is null && !HasPage(entry);

    public bool SetPage(int entry) => LineBits.Set(_present, entry);

    public int SetPages(int first, int end) => LineBits.SetRange(_present, first, end);

    public bool ClearPage(int entry) => LineBits.Clear(_present, entry);

    public int CountPages(int first, int end) => LineBits.Count(_present, first, end);

    /// <summary>The shared table with the same content, when this one is uniformly full; otherwise itself.</summary>
    public PudTable Collapsed()
    {
        if (LineBits.IsFull(_present))
        {
            return FullOfPages;
        }

        var first = _children[0];
        if (Tables < 512 || !first!.IsShared || Array.FindIndex(FullOfTables, t => ReferenceEquals(t._children[0], first)) < 0)
        {
            return this;
        }

        foreach (var child in (ReadOnlySpan<PmdTable?>)_children)
        {
            if (!ReferenceEquals(child, first))
            {
                return this;
            }
        }

        return FullOf(first);
    }

    public PudTable Copy()
    {
        var copy = (PudTable)MemberwiseClone();
        copy.IsShared = false;
        return copy;
    }

    public void Share()
    {
        if (IsShared)
        {
            return;
        }

        IsShared = true;
        foreach (var child in (ReadOnlySpan<PmdTable?>)_children)
        {
            child?.Share();
        }
    }

    private static PudTable FilledWith(PmdTable child)
    {
        var table = new PudTable { IsShared = true, Tables = 512 };
        ((Span<PmdTable?>)table._children).Fill(child);
        return table;
    }

    [InlineArray(512)]
    private struct Children
    {
        private PmdTable? _child;
    }
}
