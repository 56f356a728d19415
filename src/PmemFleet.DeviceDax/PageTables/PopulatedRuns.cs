using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.PageTables;

/// <summary>A PUD table in which one run of pages is present, shared by every process that has it so.</summary>
internal sealed record PopulatedRun(
    PudTable Table, long PmdTables, long PteTables, long PtePages, long PmdPages, long PudPages);

/// <summary>
/// The populated runs of a machine, so that ten thousand processes with the same mapping hold one copy of its edges. A
/// bounded store: past the bound processes have copies of their own.
/// </summary>
internal sealed class PopulatedRuns
{
    private const int Bound = 4096;
    private readonly Dictionary<(ulong Start, ulong End, PageGranule Granule, bool IsDirty), PopulatedRun> _runs = [];
    private readonly Lock _gate = new();

    /// <summary>The run from <paramref name="start"/> to <paramref name="end"/>, offsets in a 512 GiB table; null past the bound.</summary>
    public PopulatedRun? Get(ulong start, ulong end, PageGranule granule, bool isDirty)
    {
        lock (_gate)
        {
            if (_runs.TryGetValue((start, end, granule, isDirty), out var run))
            {
                return run;
            }

            if (_runs.Count >= Bound)
            {
                return null;
            }

            run = PageTable.BuildRun(start, end, granule, isDirty);
            _runs.Add((start, end, granule, isDirty), run);
            return run;
        }
    }
}

internal sealed partial class PageTable
{
    internal static PopulatedRun BuildRun(ulong start, ulong end, PageGranule granule, bool isDirty)
    {
        var table = new PageTable(4, null!);
        table.SetTop(0, new PudTable());
        table.PopulatePud(start, end, granule, isDirty);
        var top = table.Top(0)!;
        top.Share();
        return new(top, table.PmdTables, table.PteTables, table.PtePages, table.PmdPages, table.PudPages);
    }
}
