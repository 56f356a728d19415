using CsCheck;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Tests.PageTables;

public class PageTableTests
{
    // Three windows of 16 MiB at borders: of 512 GiB, of 1 GiB, and one in between; few pages, so that things collide.
    private static ulong[] Windows { get; } = [(1UL << 39) - (8UL << 20), (1UL << 39) + (5UL << 30) - (6UL << 20), 3UL << 39];

    private enum Step
    {
        Touch,
        Populate,
        Zap,
        Unmap,
        Move,
    }

    private static Gen<(Step Step, ulong Start, ulong Pages, int Window, bool Flag)> Steps =>
        Gen.Select(Gen.Enum<Step>(), Gen.ULong[0, 4095], Gen.OneOf(Gen.ULong[1, 8], Gen.ULong[500, 1100], Gen.Const(512UL), Gen.Const(4096UL)), Gen.Int[0, 2], Gen.Bool);

    [Theory]
    [InlineData(PageGranule.Pte)]
    [InlineData(PageGranule.Pmd)]
    public void EveryTrace_AgreesWithTheNaiveTable(PageGranule granule) =>
        Steps.Array[1, 24].Sample(trace => Agrees(trace, granule), iter: 400);

    private static bool Agrees((Step Step, ulong Start, ulong Pages, int Window, bool Flag)[] trace, PageGranule granule)
    {
        var (fast, naive) = (new PageTable(4, new PopulatedRuns()), new NaivePageTable());
        var unit = granule.Bytes();
        foreach (var (step, first, pages, window, flag) in trace)
        {
            var start = Windows[window] + PageGranules.AlignDown(first << 12, unit);
            var end = Math.Min(start + PageGranules.AlignUp(pages << 12, unit), Windows[window] + (16UL << 20));
            switch (step)
            {
                case Step.Touch:
                    TouchOne(fast, granule, start, flag);
                    naive.Touch(start, granule.Shift(), flag);
                    break;
                case Step.Populate:
                    fast.Populate(start, end, granule, flag);
                    for (var at = start; at < end; at += unit)
                    {
                        naive.Touch(at, granule.Shift(), flag);
                    }

                    break;
                case Step.Zap:
                    fast.Zap(start, end);
                    naive.Zap(start, end);
                    break;
                case Step.Unmap:
                    var (floor, ceiling) = flag ? (start, end) : naive.Neighbours(start, end);
                    fast.Unmap(start, end, floor, ceiling);
                    naive.Unmap(start, end, floor, ceiling);
                    break;
                case Step.Move when granule == PageGranule.Pte:
                    var target = Windows[2] + (64UL << 20) + (flag ? 0UL : 4096UL);
                    fast.Unmap(target, target + (16UL << 20), target, target + (16UL << 20));
                    naive.Unmap(target, target + (16UL << 20), target, target + (16UL << 20));
                    fast.Move(start, end - start, target);
                    naive.Move(start, end - start, target);
                    break;
            }

            Assert.Equal((naive.PteTables.Count, naive.PmdTables.Count, naive.PudTables.Count), ((int)fast.PteTables, (int)fast.PmdTables, (int)fast.PudTables));
            Assert.Equal((naive.Ptes.Count, naive.Pmds.Count), ((int)fast.PtePages, (int)fast.PmdPages));
        }

        foreach (var window in Windows.Append(Windows[2] + (64UL << 20)))
        {
            for (var at = window; at < window + (17UL << 20); at += 4096)
            {
                var isPresent = fast.IsPresent(at, out var level);
                Assert.Equal(naive.Ptes.Contains(at >> 12) || naive.Pmds.ContainsKey(at >> 21), isPresent);
                Assert.True(!isPresent || level == granule);
            }

            var (present, dirty) = fast.CountPmdPages(window, window + (17UL << 20));
            var near = naive.Pmds.Where(p => p.Key << 21 < window + (17UL << 20) && (p.Key + 1) << 21 > window).ToList();
            Assert.Equal((near.Count, near.Count(p => p.Value)), ((int)present, (int)dirty));
        }

        return true;
    }

    private static void TouchOne(PageTable table, PageGranule granule, ulong address, bool isWrite)
    {
        if ((granule == PageGranule.Pte ? table.TouchPte(address) : table.TouchPmd(address, isWrite)) != TouchResult.Walk)
        {
            return;
        }

        table.EnsurePud(address);
        table.EnsurePmd(address);
        if (granule == PageGranule.Pte)
        {
            table.EnsurePte(address);
            table.SetPte(address);
        }
        else
        {
            table.SetPmd(address, isWrite);
        }
    }

    [Theory]
    [InlineData(PageGranule.Pte)]
    [InlineData(PageGranule.Pmd)]
    [InlineData(PageGranule.Pud)]
    public void Populate_ThenUnmap_LeavesNothing(PageGranule granule) =>
        Gen.Select(Gen.ULong[1, 1 << 20], Gen.ULong[1, 1 << 22]).Sample(
            (start, units) =>
            {
                var unit = granule.Bytes();
                var length = units % ((1UL << 43) / unit) * unit + unit;
                start = start % ((1UL << 44) / unit) * unit;
                var table = new PageTable(4, new PopulatedRuns());
                table.Populate(start, start + length, granule, false);
                var entries = (long)(length / unit);
                Assert.Equal(entries, table.PtePages + table.PmdPages + table.PudPages);
                table.Unmap(start + (length / 2 / unit * unit), start + length, start + (length / 2 / unit * unit), ulong.MaxValue);
                Assert.Equal((long)(length / 2 / unit), table.PtePages + table.PmdPages + table.PudPages);
                table.Unmap(start, start + length, 0, ulong.MaxValue);
                return table.Census() is { PteTables: 0, PmdTables: 0, PudTables: 0 } && table.PtePages + table.PmdPages + table.PudPages == 0;
            },
            iter: 200);

    [Fact]
    public void EqualProcesses_ShareUntilOneChanges()
    {
        var runs = new PopulatedRuns();
        var (one, two) = (new PageTable(4, runs), new PageTable(4, runs));
        one.Populate(0x1000, 1UL << 40, PageGranule.Pte, false);
        two.Populate(0x1000, 1UL << 40, PageGranule.Pte, false);
        one.Zap(0x1000, 0x3000);
        Assert.False(one.IsPresent(0x2000, out _));
        Assert.True(two.IsPresent(0x2000, out _));
        Assert.Equal(two.PtePages - 2, one.PtePages);
        Assert.Equal(one.Census(), two.Census());
    }
}
