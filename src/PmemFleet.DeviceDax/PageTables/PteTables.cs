using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PmemFleet.DeviceDax.PageTables;

/// <summary>
/// The up to 512 PTE tables below one PMD table. A table without entries, and one with all, costs no line; the lines of the
/// others lie in one array and are found through 2-byte slots, so a table of 4096 bytes costs 66.
/// </summary>
internal sealed class PteTables
{
    public const ushort None = 0;
    public const ushort Empty = 0xfffe;
    public const ushort Full = 0xffff;
    private const int SmallestLines = 2;

    private SlotRow _slots;
    private int _usedLines;
    private int _freeLine = -1;
    private int _fullTables;

    public static PteTables AllFull { get; } = MakeFull();

    /// <summary>Words of the lines; line n is the eight words from 8n.</summary>
    public ulong[] Lines { get; private set; } = [];

    /// <summary>PTE tables that exist.</summary>
    public int Tables { get; private set; }

    /// <summary>Present entries.</summary>
    public int Entries
    {
        get
        {
            var count = _fullTables * 512;
            for (var i = 0; i < 512; i++)
            {
                if (IsLine(_slots[i]))
                {
                    count += LineBits.Count(LineOf(_slots[i]), 0, 512);
                }
            }

            return count;
        }
    }

    /// <summary>True for a node that several page tables hold: it is copied before it is changed.</summary>
    public bool IsShared { get; set; }

    public bool IsAllFull => _fullTables == 512;

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, every figure at 4K
    public ushort SlotOf(int table) => Unsafe.Add(ref Unsafe.As<SlotRow, ushort>(ref _slots), table);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, every figure at 4K
    public static bool IsLine(ushort slot) => (uint)(slot - 1) < 512;

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, every figure at 4K
    public ref ulong WordAt(ushort slot, int entry) =>
        ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Lines), ((slot - 1) << 3) + (entry >> 6));

    public Span<ulong> LineOf(ushort slot) => Lines.AsSpan((slot - 1) << 3, TableLine.Words);

    public bool Has(int table, int entry) => _slots[table] switch
    {
        None or Empty => false,
        Full => true,
        var slot => LineBits.Has(LineOf(slot), entry),
    };

    /// <summary>Makes the table, without entries; false when it was there.</summary>
    public bool AddTable(int table)
    {
        if (_slots[table] != None)
        {
            return false;
        }

        _slots[table] = Empty;
        Tables++;
        return true;
    }

    /// <summary>Sets a range of entries of a table that exists; the number that was clear.</summary>
    public int SetRange(int table, int first, int end)
    {
        if (_slots[table] == Full)
        {
            return 0;
        }

        if (first == 0 && end == 512)
        {
            var added = 512 - CountOf(table, 0, 512);
            DropLine(table);
            _slots[table] = Full;
            _fullTables++;
            return added;
        }

        if (_slots[table] == Empty)
        {
            _slots[table] = TakeLine();
        }

        var set = LineBits.SetRange(LineOf(_slots[table]), first, end);
        CollapseIfFull(table);
        return set;
    }

    /// <summary>Gives the line back once every entry is present.</summary>
    public bool CollapseIfFull(int table)
    {
        var slot = _slots[table];
        if (!IsLine(slot) || !LineBits.IsFull(LineOf(slot)))
        {
            return false;
        }

        DropLine(table);
        _slots[table] = Full;
        _fullTables++;
        return true;
    }

    /// <summary>Clears a range of entries; the table stays. The number that was set.</summary>
    public int ClearRange(int table, int first, int end)
    {
        var slot = _slots[table];
        if (slot is None or Empty)
        {
            return 0;
        }

        if (slot == Full)
        {
            _fullTables--;
            if (first == 0 && end == 512)
            {
                _slots[table] = Empty;
                return 512;
            }

            _slots[table] = slot = TakeLine();
            LineOf(slot).Fill(ulong.MaxValue);
        }

        var removed = LineBits.ClearRange(LineOf(slot), first, end);
        if (LineBits.IsEmpty(LineOf(slot)))
        {
            DropLine(table);
            _slots[table] = Empty;
        }

        return removed;
    }

    /// <summary>Frees the table with its entries; the number that was set.</summary>
    public int RemoveTable(int table)
    {
        var removed = CountOf(table, 0, 512);
        if (_slots[table] == Full)
        {
            _fullTables--;
        }

        DropLine(table);
        _slots[table] = None;
        Tables--;
        return removed;
    }

    public int CountOf(int table, int first, int end) => _slots[table] switch
    {
        None or Empty => 0,
        Full => end - first,
        var slot => LineBits.Count(LineOf(slot), first, end),
    };

    public PteTables Copy()
    {
        var copy = (PteTables)MemberwiseClone();
        copy.Lines = [.. Lines];
        copy.IsShared = false;
        return copy;
    }

    private static PteTables MakeFull()
    {
        var all = new PteTables { Tables = 512, _fullTables = 512, IsShared = true };
        ((Span<ushort>)all._slots).Fill(Full);
        return all;
    }

    private ushort TakeLine()
    {
        int line;
        if (_freeLine >= 0)
        {
            line = _freeLine;
            _freeLine = (int)Lines[line << 3];
            Lines.AsSpan(line << 3, TableLine.Words).Clear();
        }
        else
        {
            line = _usedLines++;
            if (line << 3 >= Lines.Length)
            {
                var grown = new ulong[Math.Clamp(Lines.Length * 2, SmallestLines * TableLine.Words, 512 * TableLine.Words)];
                Lines.CopyTo(grown, 0);
                Lines = grown;
            }
        }

        return (ushort)(line + 1);
    }

    private void DropLine(int table)
    {
        var slot = _slots[table];
        if (!IsLine(slot))
        {
            return;
        }

        Lines[(slot - 1) << 3] = unchecked((ulong)_freeLine);
        _freeLine = slot - 1;
    }

    [InlineArray(512)]
    private struct SlotRow
    {
        private ushort _slot;
    }
}
