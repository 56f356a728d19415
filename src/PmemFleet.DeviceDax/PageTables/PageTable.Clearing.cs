namespace PmemFleet.DeviceDax.PageTables;

internal sealed partial class PageTable
{
    /// <summary>Drops the entries that overlap the range; a larger page goes as a whole. Tables stay, as after MADV_DONTNEED.</summary>
    public void Zap(ulong start, ulong end) => Clear(start, end, ulong.MaxValue, 0);

    /// <summary>Drops the 1 GiB pages that overlap the range, and nothing else; how many there were.</summary>
    public int DropPuds(ulong start, ulong end)
    {
        var dropped = 0;
        for (var at = start >> 30; start < end && PudPages > 0 && at <= (end - 1) >> 30; at++)
        {
            if (Top(at << 30) is { } table && table.HasPage(Index(at << 30, 30)))
            {
                MutableTop(at << 30).ClearPage(Index(at << 30, 30));
                PudPages--;
                dropped++;
            }
        }

        return dropped;
    }

    /// <summary>
    /// Drops the entries of an unmapped range and frees every table page of it that lies between the neighbouring mappings,
    /// <paramref name="floor"/> and <paramref name="ceiling"/>.
    /// </summary>
    public void Unmap(ulong start, ulong end, ulong floor, ulong ceiling) => Clear(start, end, floor, ceiling);

    private void Clear(ulong start, ulong end, ulong floor, ulong ceiling)
    {
        for (var top = start >> TopShift; top <= (end - 1) >> TopShift; top++)
        {
            var tableStart = top << TopShift;
            var tableEnd = tableStart + (1UL << TopShift);
            var pud = Top(tableStart);
            if (pud is null)
            {
                continue;
            }

            if (tableStart >= floor && tableEnd <= ceiling)
            {
                Uncount(pud);
                SetTop(tableStart, null);
                PudTables--;
                continue;
            }

            var (from, to) = (Math.Max(start, tableStart), Math.Min(end, tableEnd));
            for (var entry = from >> 30; entry <= (to - 1) >> 30; entry++)
            {
                ClearPudEntry(entry << 30, start, end, floor, ceiling);
            }
        }
    }

    private void ClearPudEntry(ulong address, ulong start, ulong end, ulong floor, ulong ceiling)
    {
        var pud = Top(address)!;
        var entry = Index(address, 30);
        if (pud.HasPage(entry))
        {
            MutableTop(address).ClearPage(entry);
            PudPages--;
        }

        var pmd = pud.Child(entry);
        if (pmd is null)
        {
            return;
        }

        var tableEnd = address + (1UL << 30);
        if (address >= floor && tableEnd <= ceiling)
        {
            Uncount(pmd);
            MutableTop(address).SetChild(entry, null);
            PmdTables--;
            return;
        }

        var (from, to) = (Math.Max(start, address), Math.Min(end, tableEnd));
        for (var chunk = from >> 21; chunk <= (to - 1) >> 21; chunk++)
        {
            ClearPmdEntry(chunk << 21, from, to, floor, ceiling);
        }
    }

    private void ClearPmdEntry(ulong address, ulong start, ulong end, ulong floor, ulong ceiling)
    {
        var pmd = Top(address)!.Child(Index(address, 30))!;
        var entry = Index(address, 21);
        if (pmd.HasPage(entry))
        {
            MutablePmd(address).ClearPage(entry);
            PmdPages--;
        }

        if ((pmd.Ptes?.SlotOf(entry) ?? PageTables.PteTables.None) == PageTables.PteTables.None)
        {
            return;
        }

        var ptes = MutablePmd(address).MutablePtes();
        var tableEnd = address + (1UL << 21);
        if (address >= floor && tableEnd <= ceiling)
        {
            PtePages -= ptes.RemoveTable(entry);
            PteTables--;
            return;
        }

        var first = (int)((Math.Max(start, address) - address) >> 12);
        var last = (int)((Math.Min(end, tableEnd) - address + 4095) >> 12);
        PtePages -= ptes.ClearRange(entry, first, last);
    }

    private void Uncount(PudTable pud)
    {
        PudPages -= pud.CountPages(0, 512);
        PmdTables -= pud.Tables;
        for (var i = 0; i < 512 && pud.Tables > 0; i++)
        {
            if (pud.Child(i) is { } pmd)
            {
                Uncount(pmd);
            }
        }
    }

    private void Uncount(PmdTable pmd)
    {
        PmdPages -= pmd.Pages;
        PteTables -= pmd.Tables;
        PtePages -= pmd.Ptes?.Entries ?? 0;
    }
}
