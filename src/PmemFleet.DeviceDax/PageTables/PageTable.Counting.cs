namespace PmemFleet.DeviceDax.PageTables;

internal sealed partial class PageTable
{
    /// <summary>Pages of 2 MiB in the range, and how many of them were written; the only ones smaps counts (golden group g).</summary>
    public (long Present, long Dirty) CountPmdPages(ulong start, ulong end)
    {
        var (present, dirty) = (0L, 0L);
        ForEachPmdTable(start, end, (pmd, from, to) =>
        {
            present += pmd.CountPages(from, to);
            dirty += pmd.CountDirtyPages(from, to);
        });
        return (present, dirty);
    }

    /// <summary>Pages of 4 KiB in the range.</summary>
    public long CountPtePages(ulong start, ulong end)
    {
        var count = 0L;
        for (var chunk = start >> 21; chunk <= (end - 1) >> 21; chunk++)
        {
            var tableStart = chunk << 21;
            if (Top(tableStart)?.Child(Index(tableStart, 30))?.Ptes is { } ptes)
            {
                var first = (int)((Math.Max(start, tableStart) - tableStart) >> 12);
                var last = (int)((Math.Min(end, tableStart + (1UL << 21)) - tableStart) >> 12);
                count += ptes.CountOf(Index(tableStart, 21), first, last);
            }
        }

        return count;
    }

    /// <summary>Pages of 1 GiB in the range.</summary>
    public long CountPudPages(ulong start, ulong end)
    {
        var count = 0L;
        for (var entry = start >> 30; entry <= (end - 1) >> 30; entry++)
        {
            count += Top(entry << 30)?.HasPage((int)entry & 511) ?? false ? 1 : 0;
        }

        return count;
    }

    public bool IsPmdDirty(ulong address) =>
        Top(address)?.Child(Index(address, 30))?.IsDirty(Index(address, 21)) ?? false;

    private void ForEachPmdTable(ulong start, ulong end, Action<PmdTable, int, int> visit)
    {
        for (var entry = start >> 30; entry <= (end - 1) >> 30; entry++)
        {
            var tableStart = entry << 30;
            if (Top(tableStart)?.Child((int)entry & 511) is { } pmd)
            {
                var first = Index(Math.Max(start, tableStart), 21);
                var last = Index(Math.Min(end, tableStart + (1UL << 30)) - 1, 21) + 1;
                visit(pmd, first, last);
            }
        }
    }
}
