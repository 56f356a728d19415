using CsCheck;
using PmemFleet.DeviceDax.Planner;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Tlb;

namespace PmemFleet.DeviceDax.Tests.Planner;

public class PageTablePlannerTests
{
    private static PageTablePlanRequest Seed { get; } = new(10_000, 6 * ByteCount.TiB);

    [Theory]
    [Trait("Row", "3")]
    [Trait("Row", "4")]
    [Trait("Row", "5")]
    [Trait("Row", "6")]
    [Trait("Row", "96")]
    [InlineData(PageGranule.Pte, 1610612736, 120000.0, 3145728, 6144, 12, 12910120960)]
    [InlineData(PageGranule.Pmd, 3145728, 234.375, 0, 6144, 12, 25219072)]
    [InlineData(PageGranule.Pud, 6144, 0.457763671875, 0, 0, 12, 53248)]
    public void Plan_OfTheSeedsExample_IsItsTable(PageGranule granule, long entries, double leafGiB, long pte, long pmd, long pud, long bytes)
    {
        var plan = PageTablePlanner.Plan(Seed).Value.Single(p => p.Granule == granule);
        Assert.Equal(entries, plan.LeafEntries);
        Assert.Equal((Int128)(leafGiB * ByteCount.GiB), plan.LeafBytes);
        Assert.Equal((pte, pmd, pud, 1L), (plan.Tables.PteTables, plan.Tables.PmdTables, plan.Tables.PudTables, plan.Tables.PgdTables));
        Assert.Equal(bytes, plan.TableBytesPerProcess);
        Assert.Equal((Int128)bytes * 10_000, plan.TableBytes);
    }

    [Fact]
    public void Simulate_OfTheSeedsExample_IsTheClosedForm()
    {
        Assert.Equal(PageTablePlanner.Plan(Seed).Value.AsEnumerable(), PageTablePlanner.Simulate(Seed).Value);
    }

    [Fact]
    [Trait("Row", "7")]
    public void Plan_OfTwiceTheMemory_IsTwiceTheLeaves()
    {
        var (one, two) = (PageTablePlanner.Plan(Seed).Value, PageTablePlanner.Plan(Seed with { MemoryBytes = 12 * ByteCount.TiB }).Value);
        Assert.All(one.Zip(two), pair => Assert.Equal(pair.First.LeafBytes * 2, pair.Second.LeafBytes));
    }

    [Fact]
    [Trait("Row", "8")]
    public void Plan_OfThreads_CostsOneProcess()
    {
        var threads = PageTablePlanner.Plan(Seed with { SharesTables = true }).Value;
        Assert.Equal(PageTablePlanner.Plan(Seed with { Processes = 1 }).Value.Select(p => p.TableBytes), threads.Select(p => p.TableBytes));
    }

    [Fact]
    public void Plan_WithStructPages_CountsThemWhereTheyAre()
    {
        var plain = PageTablePlanner.Plan(Seed).Value;
        Assert.All(plain, p => Assert.Equal((Int128)96 * ByteCount.GiB, p.StructPageBytesInMemory));
        var deduplicated = PageTablePlanner.Plan(Seed with { DeduplicatesStructPages = true }).Value;
        Assert.Equal([(Int128)96 * ByteCount.GiB, (Int128)24 * ByteCount.GiB, (Int128)48 * ByteCount.MiB], deduplicated.Select(p => p.StructPageBytes));
        Assert.All(PageTablePlanner.Plan(Seed with { StructPages = StructPageLocation.Device }).Value, p => Assert.Equal((Int128)0, p.StructPageBytesInMemory));
    }

    [Fact]
    public void Plan_TlbReach_IsEntriesTimesPage() =>
        Assert.Equal(
            [1536 * 4 * ByteCount.KiB, 1536 * 2 * ByteCount.MiB, 16 * ByteCount.GiB],
            PageTablePlanner.Plan(Seed with { Tlb = TlbGeometry.Server }).Value.Select(p => p.TlbReachBytes));

    [Fact]
    public void Plan_OfMisalignedMemory_NamesTheNextLegal()
    {
        var refusal = PageTablePlanner.Plan(Seed with { MemoryBytes = ByteCount.GiB + 4096 }).Refusal!;
        Assert.Equal(Errno.EINVAL, refusal.Errno);
        Assert.Equal([(ByteCount.GiB + (2 * ByteCount.MiB)).ToString(System.Globalization.CultureInfo.InvariantCulture)], refusal.Allowed.AsEnumerable());
    }

    [Fact]
    public void Simulate_Anywhere_AgreesToTheByte() =>
        Gen.Select(Gen.Int[0, 2], Gen.ULong[1, 1UL << 22], Gen.ULong[16, 1UL << 22], Gen.Bool, Gen.Int[1, 3]).Sample(
            (level, units, start, isFive, processes) =>
            {
                var granule = (PageGranule)(12 + (9 * level));
                var cap = (1UL << 44) / granule.Bytes();
                var request = new PageTablePlanRequest(processes, granule.Bytes() * ((units % cap) + 1))
                {
                    Granules = [granule],
                    Start = new(granule.Bytes() * ((start % cap) + 16)),
                    Levels = isFive ? 5 : 4,
                };
                return PageTablePlanner.Plan(request).Value.SequenceEqual(PageTablePlanner.Simulate(request).Value);
            },
            iter: 300);
}
