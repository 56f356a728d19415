namespace PmemFleet.DeviceDax.Tests.PageTables;

/// <summary>The same page table, slow and obvious: sets of entries and of tables.</summary>
internal sealed class NaivePageTable
{
    public HashSet<ulong> Ptes { get; } = [];

    public Dictionary<ulong, bool> Pmds { get; } = [];

    public HashSet<ulong> Puds { get; } = [];

    public HashSet<ulong> PteTables { get; } = [];

    public HashSet<ulong> PmdTables { get; } = [];

    public HashSet<ulong> PudTables { get; } = [];

    public void Touch(ulong address, int shift, bool isDirty)
    {
        PudTables.Add(address >> 39);
        if (shift == 30)
        {
            Puds.Add(address >> 30);
            return;
        }

        PmdTables.Add(address >> 30);
        if (shift == 21)
        {
            Pmds[address >> 21] = isDirty || Pmds.GetValueOrDefault(address >> 21);
            return;
        }

        PteTables.Add(address >> 21);
        Ptes.Add(address >> 12);
    }

    /// <summary>The nearest entries and tables on both sides: the mappings they belong to are there.</summary>
    public (ulong Floor, ulong Ceiling) Neighbours(ulong start, ulong end)
    {
        var all = Ptes.Select(p => (Start: p << 12, End: (p + 1) << 12)).Concat(Pmds.Keys.Select(p => (Start: p << 21, End: (p + 1) << 21)))
            .Concat(PteTables.Select(t => (Start: t << 21, End: (t + 1) << 21))).Concat(PmdTables.Select(t => (Start: t << 30, End: (t + 1) << 30))).ToList();
        return (all.Where(e => e.End <= start).Select(e => e.End).DefaultIfEmpty(0UL).Max(), all.Where(e => e.Start >= end).Select(e => e.Start).DefaultIfEmpty(ulong.MaxValue).Min());
    }

    public void Zap(ulong start, ulong end)
    {
        Ptes.RemoveWhere(p => p << 12 < end && (p + 1) << 12 > start);
        foreach (var page in Pmds.Keys.Where(p => p << 21 < end && (p + 1) << 21 > start).ToList())
        {
            Pmds.Remove(page);
        }

        Puds.RemoveWhere(p => p << 30 < end && (p + 1) << 30 > start);
    }

    public void Unmap(ulong start, ulong end, ulong floor, ulong ceiling)
    {
        Zap(start, end);
        void Free(HashSet<ulong> tables, int shift) => tables.RemoveWhere(t =>
            t << shift < end && (t + 1) << shift > start && t << shift >= floor && (t + 1) << shift <= ceiling);
        Free(PteTables, 21);
        Free(PmdTables, 30);
        Free(PudTables, 39);
    }

    public void Move(ulong from, ulong length, ulong to)
    {
        for (ulong done = 0; done < length; done += 4096)
        {
            var (source, target) = (from + done, to + done);
            if (PteTables.Contains(source >> 21))
            {
                PudTables.Add(target >> 39);
                PmdTables.Add(target >> 30);
                PteTables.Add(target >> 21);
                if (Ptes.Remove(source >> 12))
                {
                    Ptes.Add(target >> 12);
                }
            }
        }
    }
}
