namespace PmemFleet.DeviceDax.PageTables;

internal sealed partial class PageTable
{
    /// <summary>What puts the page table back to what it is now: every node is shared from here on, so a change copies the nodes on its way.</summary>
    public Action Remember()
    {
        foreach (var top in _tops)
        {
            top?.Share();
        }

        var (tops, firstTop, limit) = (_tops.ToArray(), _firstTop, TableLimit);
        var tables = (PteTables, PmdTables, PudTables);
        var pages = (PtePages, PmdPages, PudPages);
        return () =>
        {
            (_tops, _firstTop, TableLimit) = (tops, firstTop, limit);
            (PteTables, PmdTables, PudTables) = tables;
            (PtePages, PmdPages, PudPages) = pages;
        };
    }
}
