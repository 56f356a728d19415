namespace PmemFleet.DeviceDax.PageTables;

internal sealed partial class PageTable
{
    /// <summary>
    /// Makes every entry of the range present, with the tables it needs: what touching each page would leave. Whole
    /// subtrees become one shared object, so the cost doesn't grow with the range. No limit of tables is looked at.
    /// </summary>
    public void Populate(ulong start, ulong end, Primitives.PageGranule granule, bool isDirty)
    {
        for (var top = start >> TopShift; top <= (end - 1) >> TopShift; top++)
        {
            var tableStart = top << TopShift;
            var tableEnd = tableStart + (1UL << TopShift);
            var (from, to) = (Math.Max(start, tableStart), Math.Min(end, tableEnd));
            if (Top(tableStart) is { } existing && ReferenceEquals(existing, FullPud(granule, isDirty)))
            {
                continue;
            }

            if (Top(tableStart) is null && runs.Get(from - tableStart, to - tableStart, granule, isDirty) is { } run)
            {
                SetTop(tableStart, run.Table);
                Count(run);
                continue;
            }

            _ = EnsureUnlimitedPud(tableStart);
            PopulatePud(from, to, granule, isDirty);
        }
    }

    private static PudTable FullPud(Primitives.PageGranule granule, bool isDirty) => granule switch
    {
        Primitives.PageGranule.Pud => PudTable.FullOfPages,
        Primitives.PageGranule.Pmd => PudTable.FullOf(isDirty ? PmdTable.FullOfDirtyPages : PmdTable.FullOfCleanPages),
        _ => PudTable.FullOf(PmdTable.FullOfPtes),
    };

    private bool EnsureUnlimitedPud(ulong address)
    {
        if (Top(address) is not null)
        {
            return false;
        }

        SetTop(address, new PudTable());
        PudTables++;
        return true;
    }

    private void PopulatePud(ulong start, ulong end, Primitives.PageGranule granule, bool isDirty)
    {
        if (granule == Primitives.PageGranule.Pud)
        {
            PudPages += MutableTop(start).SetPages(Index(start, 30), Index(end - 1, 30) + 1);
            Collapse(start);
            return;
        }

        for (var entry = start >> 30; entry <= (end - 1) >> 30; entry++)
        {
            var tableStart = entry << 30;
            PopulatePmd(Math.Max(start, tableStart), Math.Min(end, tableStart + (1UL << 30)), granule, isDirty);
        }
    }

    private void PopulatePmd(ulong start, ulong end, Primitives.PageGranule granule, bool isDirty)
    {
        var pud = MutableTop(start);
        var entry = Index(start, 30);
        if (pud.Child(entry) is null)
        {
            PmdTables++;
            if (end - start == 1UL << 30)
            {
                var full = granule == Primitives.PageGranule.Pte
                    ? PmdTable.FullOfPtes
                    : isDirty ? PmdTable.FullOfDirtyPages : PmdTable.FullOfCleanPages;
                pud.SetChild(entry, full);
                (PteTables, PtePages, PmdPages) = granule == Primitives.PageGranule.Pte
                    ? (PteTables + 512, PtePages + (512 * 512), PmdPages)
                    : (PteTables, PtePages, PmdPages + 512);
                Collapse(start);
                return;
            }
        }

        if (granule == Primitives.PageGranule.Pmd)
        {
            PmdPages += pud.MutableChild(entry).SetPages(Index(start, 21), Index(end - 1, 21) + 1, isDirty);
            Collapse(start);
            return;
        }

        var ptes = pud.MutableChild(entry).MutablePtes();
        for (var chunk = start >> 21; chunk <= (end - 1) >> 21; chunk++)
        {
            var tableStart = chunk << 21;
            var table = Index(tableStart, 21);
            PteTables += ptes.AddTable(table) ? 1 : 0;
            var first = (int)((Math.Max(start, tableStart) - tableStart) >> 12);
            var last = (int)((Math.Min(end, tableStart + (1UL << 21)) - tableStart) >> 12);
            PtePages += ptes.SetRange(table, first, last);
        }

        Collapse(start);
    }

    private void Count(PopulatedRun run)
    {
        PudTables++;
        PmdTables += run.PmdTables;
        PteTables += run.PteTables;
        (PtePages, PmdPages, PudPages) = (PtePages + run.PtePages, PmdPages + run.PmdPages, PudPages + run.PudPages);
    }
}
