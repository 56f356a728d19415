using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Badblocks;

/// <summary>The bus's list, and how tables are filled from it and lose what was cleared (spec 60 sections 1, 4 and 13).</summary>
public sealed class BusBadRangesTests
{
    [Theory]
    [InlineData(0x1040, 0x40, "0 1\n")]
    [InlineData(0x11c0, 0x80, "0 2\n")]
    [InlineData(0x0fff, 2, "0 1\n")]
    [InlineData(0x0f00, 0x100, "")]
    [InlineData(0x11ff, 0x10000, "0 8\n")]
    public void Populate_Range_MarksWholeSectorsOfTheSpan(long start, long length, string listed)
    {
        var ranges = new BusBadRanges();
        ranges.Add(start, length);
        var table = new BadblockTable();

        Assert.True(ranges.Populate(table, 0x1000, 0x1000));

        Assert.Equal(listed, table.Show());
    }

    [Fact]
    public void Populate_AfterForget_AddsAndNeverRemoves()
    {
        var ranges = new BusBadRanges();
        var table = new BadblockTable();
        ranges.Add(0x1000, 512);
        ranges.Populate(table, 0x1000, 0x1000);
        ranges.Forget(0, 0x10000);
        ranges.Populate(table, 0x1000, 0x1000);

        Assert.Empty(ranges.Ranges);
        Assert.Equal("0 1\n", table.Show());
    }

    [Fact]
    public void Add_SameStart_ReplacesTheLengthAndOverlapsStay()
    {
        var ranges = new BusBadRanges();
        ranges.Add(100, 50);
        ranges.Add(120, 10);
        ranges.Add(100, 5);

        Assert.Equal([new ByteRange(100, 5), new ByteRange(120, 10)], ranges.Ranges);
    }

    [Theory]
    [InlineData(0, 1000, "")]
    [InlineData(0, 100, "100+50")]
    [InlineData(0, 110, "110+40")]
    [InlineData(140, 100, "100+40")]
    [InlineData(110, 10, "100+10,120+30")]
    public void Forget_Range_TrimsToTheByte(long start, long length, string left)
    {
        var ranges = new BusBadRanges();
        ranges.Add(100, 50);

        ranges.Forget(start, length);

        Assert.Equal(left, string.Join(',', ranges.Ranges.Select(range => $"{range.Start}+{range.Length}")));
    }

    [Theory]
    [InlineData(-6, "0 16\n")]
    [InlineData(256, "0 16\n")]
    [InlineData(4096, "8 8\n")]
    [Trait("Row", "31")]
    public void AccountCleared_ReturnValueOfTheDevice_DropsOnlyWhatItCleared(long cleared, string left)
    {
        var ranges = new BusBadRanges();
        ranges.Add(0x1000, 8192);
        var table = new BadblockTable();
        ranges.Populate(table, 0x1000, 0x10000);

        ranges.AccountCleared(0x1000, cleared, [(0x1000, 0x10000, table)]);

        Assert.Equal(left, table.Show());
        Assert.Equal(8192 - Math.Max(cleared, 0), ranges.Ranges.Single().Length);
    }

    [Theory]
    [InlineData(0, 512, 256, 512, 512)]
    [InlineData(0, 512, 256, 256, 256)]
    [InlineData(128, 512, 256, 512, -(long)Errno.ENXIO)]
    [InlineData(0, 100, 64, 100, -(long)Errno.ENXIO)]
    [InlineData(0, 512, 0, 512, -(long)Errno.ENXIO)]
    [InlineData(0, 512, 96, 512, -(long)Errno.ENXIO)]
    [InlineData(0, 512, 256, 0, -(long)Errno.EIO)]
    [InlineData(0, 512, 256, -(long)Errno.ENXIO, -(long)Errno.ENXIO)]
    [Trait("Row", "31")]
    public void Clear_Command_KeepsTheSign(long address, long length, int unit, long answer, long expected) =>
        Assert.Equal(expected, ErrorClearing.Clear(address, length, unit, (_, _) => answer));

    [Fact]
    public void ClearAll_EntriesAtTheEdge_AreSkipped()
    {
        var region = new BadblockTable();
        region.Set(5, 10);
        region.Set(30, 2);
        region.Set(99, 2);
        var cleared = new List<(long, long)>();

        var done = ErrorClearing.ClearAll(region, 10 * 512, 90 * 512, (at, length) =>
        {
            cleared.Add((at / 512, length / 512));
            return length;
        });

        Assert.Equal(1, done.Value);
        Assert.Equal([(30L, 2L)], cleared);
    }

    [Fact]
    public void ClearAll_ShortClear_EndsItWithENXIO()
    {
        var region = new BadblockTable();
        region.Set(5, 1);
        region.Set(30, 2);
        var calls = 0;

        Assert.Equal(Errno.ENXIO, ErrorClearing.ClearAll(region, 0, 100 * 512, (_, _) => ++calls * 256).Refusal?.Errno);

        Assert.Equal(1, calls);
    }
}
