using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.PageTables;

internal enum TableResult
{
    Existed,
    Created,
    OutOfMemory,
}

internal enum TouchResult
{
    Hit,
    Mapped,

    /// <summary>A table is missing or shared: the whole fault has to be walked.</summary>
    Walk,
}

/// <summary>
/// The x86-64 page table of one process, with one bit for an entry. Uniformly full subtrees are one shared object, equal
/// subtrees of several processes may be one object (copied before a change), and the number of table pages at each level is
/// kept as the kernel would count them (spec 50 section 11, docs/fault-engine.md).
/// </summary>
internal sealed partial class PageTable(int levels, PopulatedRuns runs)
{
    private const int TopShift = 39;
    private PudTable?[] _tops = [];
    private ulong _firstTop;

    public int Levels => levels;

    /// <summary>Table pages this page table may have; a further one is out of memory.</summary>
    public long TableLimit { get; set; } = long.MaxValue;

    public long PteTables { get; private set; }

    public long PmdTables { get; private set; }

    public long PudTables { get; private set; }

    public long PtePages { get; private set; }

    public long PmdPages { get; private set; }

    public long PudPages { get; private set; }

    public PageTableCensus Census() => new(PteTables, PmdTables, PudTables, P4dTables(), 1);

    public bool IsPresent(ulong address, out PageGranule granule)
    {
        granule = PageGranule.Pud;
        var pud = Top(address);
        if (pud is null)
        {
            return false;
        }

        if (pud.HasPage(Index(address, 30)))
        {
            return true;
        }

        granule = PageGranule.Pmd;
        var pmd = pud.Child(Index(address, 30));
        if (pmd is null)
        {
            return false;
        }

        if (pmd.HasPage(Index(address, 21)))
        {
            return true;
        }

        granule = PageGranule.Pte;
        return pmd.Ptes?.Has(Index(address, 21), Index(address, 12)) ?? false;
    }

    public bool IsPudNone(ulong address) => Top(address)?.IsNone(Index(address, 30)) ?? true;

    public bool IsPmdNone(ulong address) => Top(address)?.Child(Index(address, 30))?.IsNone(Index(address, 21)) ?? true;

    /// <summary>An access to a 4 KiB page whose fault is known to succeed: the path of nearly every access of a workload.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, every figure at 4K
    public TouchResult TouchPte(ulong address)
    {
        var top = (address >> TopShift) - _firstTop;
        var tops = _tops;
        if (top >= (ulong)tops.Length)
        {
            return TouchResult.Walk;
        }

        var ptes = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(tops), (nint)top)?.Child(Index(address, 30))?.Ptes;
        if (ptes is null)
        {
            return TouchResult.Walk;
        }

        var slot = ptes.SlotOf(Index(address, 21));
        if (!PageTables.PteTables.IsLine(slot))
        {
            return slot == PageTables.PteTables.Full ? TouchResult.Hit : TouchResult.Walk;
        }

        ref var word = ref ptes.WordAt(slot, Index(address, 12));
        var bit = 1UL << (int)(address >> 12);
        if ((word & bit) != 0)
        {
            return TouchResult.Hit;
        }

        if (ptes.IsShared)
        {
            return TouchResult.Walk;
        }

        word |= bit;
        PtePages++;
        if (word == ulong.MaxValue)
        {
            Collapse(address);
        }

        return TouchResult.Mapped;
    }

    public TableResult EnsurePud(ulong address)
    {
        if (Top(address) is not null)
        {
            return TableResult.Existed;
        }

        if (!HasRoom())
        {
            return TableResult.OutOfMemory;
        }

        SetTop(address, new PudTable());
        PudTables++;
        return TableResult.Created;
    }

    public TableResult EnsurePmd(ulong address)
    {
        if (Top(address)!.Child(Index(address, 30)) is not null)
        {
            return TableResult.Existed;
        }

        if (!HasRoom())
        {
            return TableResult.OutOfMemory;
        }

        MutableTop(address).SetChild(Index(address, 30), new PmdTable());
        PmdTables++;
        return TableResult.Created;
    }

    public TableResult EnsurePte(ulong address)
    {
        var table = Index(address, 21);
        if ((Top(address)!.Child(Index(address, 30))!.Ptes?.SlotOf(table) ?? PageTables.PteTables.None) != PageTables.PteTables.None)
        {
            return TableResult.Existed;
        }

        if (!HasRoom())
        {
            return TableResult.OutOfMemory;
        }

        MutablePmd(address).MutablePtes().AddTable(table);
        PteTables++;
        return TableResult.Created;
    }

    public bool SetPte(ulong address)
    {
        var entry = Index(address, 12);
        var added = MutablePmd(address).MutablePtes().SetRange(Index(address, 21), entry, entry + 1);
        PtePages += added;
        Collapse(address);
        return added > 0;
    }

    public bool SetPmd(ulong address, bool isDirty)
    {
        var pmd = Top(address)!.Child(Index(address, 30))!;
        var entry = Index(address, 21);
        if (pmd.HasPage(entry) && (!isDirty || pmd.IsDirty(entry)))
        {
            return false;
        }

        pmd = MutablePmd(address);
        var isNew = pmd.SetPage(entry, isDirty);
        PmdPages += isNew ? 1 : 0;
        Collapse(address);
        return isNew;
    }

    public bool SetPud(ulong address)
    {
        if (Top(address)!.HasPage(Index(address, 30)))
        {
            return false;
        }

        MutableTop(address).SetPage(Index(address, 30));
        PudPages++;
        Collapse(address);
        return true;
    }

    private static int Index(ulong address, int shift) => (int)(address >> shift) & 511;

    private PudTable? Top(ulong address)
    {
        var top = (address >> TopShift) - _firstTop;
        return top < (ulong)_tops.Length ? _tops[top] : null;
    }

    private PudTable MutableTop(ulong address)
    {
        var table = Top(address)!;
        if (table.IsShared)
        {
            SetTop(address, table = table.Copy());
        }

        return table;
    }

    private PmdTable MutablePmd(ulong address) => MutableTop(address).MutableChild(Index(address, 30));

    private void SetTop(ulong address, PudTable? table)
    {
        var top = address >> TopShift;
        if (_tops.Length == 0)
        {
            (_tops, _firstTop) = (new PudTable?[1], top);
        }
        else if (top < _firstTop || top - _firstTop >= (ulong)_tops.Length)
        {
            var first = Math.Min(_firstTop, top);
            var end = Math.Max(_firstTop + (ulong)_tops.Length, top + 1);
            var grown = new PudTable?[end - first];
            _tops.CopyTo(grown, (int)(_firstTop - first));
            (_tops, _firstTop) = (grown, first);
        }

        _tops[top - _firstTop] = table;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Collapse(ulong address)
    {
        var pud = Top(address)!;
        var entry = Index(address, 30);
        if (pud.Child(entry) is { IsShared: false } pmd)
        {
            if (pmd.Ptes is { IsShared: false } ptes)
            {
                ptes.CollapseIfFull(Index(address, 21));
            }

            var collapsed = pmd.Collapsed();
            if (ReferenceEquals(collapsed, pmd))
            {
                return;
            }

            pud.SetChild(entry, collapsed);
        }

        if (pud.Collapsed() is var full && !ReferenceEquals(full, pud))
        {
            SetTop(address, full);
        }
    }

    private bool HasRoom() => PteTables + PmdTables + PudTables < TableLimit;

    private long P4dTables()
    {
        if (levels < 5)
        {
            return 0;
        }

        long count = 0;
        var last = ulong.MaxValue;
        for (var i = 0; i < _tops.Length; i++)
        {
            var p4d = (_firstTop + (ulong)i) >> 9;
            if (_tops[i] is not null && p4d != last)
            {
                (count, last) = (count + 1, p4d);
            }
        }

        return count;
    }
}
