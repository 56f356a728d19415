using CsCheck;
using PmemFleet.Nvdimm.Badblocks;

namespace PmemFleet.Nvdimm.Tests.Badblocks;

/// <summary>Region offset to DIMM and back (spec 20 section 2).</summary>
public sealed class InterleaveGeometryTests
{
    [Theory]
    [InlineData(0, 0, 0x1000000)]
    [InlineData(4095, 0, 0x1000fff)]
    [InlineData(4096, 1, 0x2000000)]
    [InlineData(12288, 3, 0x4000000)]
    [InlineData(16384, 0, 0x1001000)]
    [InlineData(20487, 1, 0x2001007)]
    public void ToDimm_FourWays_TakesLinesInTurn(long offset, int position, long dpa) =>
        Assert.Equal(new DimmAddress(position, dpa), new InterleaveGeometry(0x1000000, 0x2000000, 0x3000000, 0x4000000).ToDimm(offset));

    [Fact]
    public void AnyOffset_ThereAndBack_IsTheSame() =>
        Gen.Select(Gen.Int[1, 16], Gen.Long[0, 1L << 42], Gen.Long[1, 40000]).Sample((ways, offset, length) =>
        {
            var geometry = new InterleaveGeometry(Enumerable.Range(1, ways).Select(n => n * 0x1000L));
            Assert.Equal(offset, geometry.ToRegion(geometry.ToDimm(offset)));
            var runs = geometry.Split(offset, length).ToList();
            Assert.Equal(length, runs.Sum(run => run.Length));
            Assert.All(runs, run => Assert.Equal(run.RegionOffset + run.Length - 1, geometry.ToRegion(new DimmAddress(run.Position, run.Dpa + run.Length - 1))));
            Assert.Equal(
                runs.Where(run => run.Position == runs[0].Position).Select(run => run.RegionOffset).Take(1),
                geometry.SplitDimm(new DimmAddress(runs[0].Position, runs[0].Dpa), runs[0].Length).Select(range => range.Start));
        });
}
