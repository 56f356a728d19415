using System.Globalization;
using CsCheck;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Badblocks;

/// <summary>The badblocks table (spec 60 sections 2 and 13).</summary>
public sealed class BadblockTableTests
{
    [Theory]
    [InlineData("", 0, 1024, "0 512,512 512")]
    [InlineData("10 2,13 1", 12, 1, "10 4")]
    [InlineData("0 500", 500, 20, "0 512,512 8")]
    [InlineData("10 2", 12, 3, "10 5")]
    [InlineData("10 2", 20, 1, "10 2,20 1")]
    [InlineData("10 1,11 1", 12, 1, "10 3")]
    [InlineData("0 512,512 8", 520, 10, "0 512,512 18")]
    [InlineData("10 2,300 300", 12, 288, "10 290,300 300")]
    [InlineData("10 2,300 200", 12, 288, "10 490")]
    [InlineData("0 256,300 212", 256, 44, "0 300,300 212")]
    [InlineData("10 5,20 5,30 5", 0, 100, "0 100")]
    [InlineData("1500 10", 0, 2000, "0 512,512 512,1024 512,1536 464")]
    [InlineData("0 512,600 10", 500, 150, "0 512,512 138")]
    public void Set_OverList_MergesAndSplits(string before, long start, long count, string after)
    {
        var table = Table(before);

        Assert.True(table.Set(start, count));

        Assert.Equal(after, Text(table));
    }

    [Theory]
    [InlineData("10 10", 13, 2, "10 3,15 5")]
    [InlineData("10 10", 5, 7, "12 8")]
    [InlineData("10 10", 15, 100, "10 5")]
    [InlineData("10 10", 0, 100, "")]
    [InlineData("10 10,30 10,50 10", 15, 40, "10 5,55 5")]
    [InlineData("10 10", 20, 5, "10 10")]
    [InlineData("10 10", 5, 5, "10 10")]
    public void Clear_OverList_TrimsAndSplits(string before, long start, long count, string after)
    {
        var table = Table(before);

        Assert.Null(table.Clear(start, count).Refusal);

        Assert.Equal(after, Text(table));
    }

    [Fact]
    public void Set_FullTable_DropsTheRest()
    {
        var table = Full(length: 1);
        var before = Text(table);

        Assert.False(table.Set(100_000, 1));

        Assert.Equal(before, Text(table));

        // one that touches needs no entry of its own
        Assert.True(table.Set(1, 1));
        Assert.Equal(BadblockTable.Capacity, table.Entries.Count);
    }

    [Fact]
    public void Clear_FullTableAndASplit_IsENOSPCAndUnchanged()
    {
        var table = Full(length: 3);
        var before = Text(table);

        Assert.Equal(Errno.ENOSPC, table.Clear(9, 1).Refusal?.Errno);

        Assert.Equal(before, Text(table));
        Assert.Null(table.Clear(8, 1).Refusal);
    }

    [Theory]
    [InlineData(0, 10, BadblockMatch.None, 0, 0)]
    [InlineData(12, 8, BadblockMatch.None, 0, 0)]
    [InlineData(0, 11, BadblockMatch.Acknowledged, 10, 2)]
    [InlineData(11, 100, BadblockMatch.Acknowledged, 10, 2)]
    [InlineData(15, 6, BadblockMatch.Acknowledged, 20, 5)]
    [InlineData(11, 200, BadblockMatch.Unacknowledged, 10, 2)]
    public void Check_Range_NamesTheLowestEntry(long start, long count, BadblockMatch match, long first, int length)
    {
        var table = Table("10 2,20 5");
        table.Set(150, 1, acknowledged: false);

        Assert.Equal(match, table.Check(start, count, out var entry));
        Assert.Equal((first, length), (entry.Start, entry.Length));
    }

    [Theory]
    [InlineData("7 3", null)]
    [InlineData("7 3\n", null)]
    [InlineData("7 0", Errno.EINVAL)]
    [InlineData("7 -1", Errno.EINVAL)]
    [InlineData("7", Errno.EINVAL)]
    [InlineData("x 1", Errno.EINVAL)]
    public void Store_Text_IsParsedOrInvalid(string text, Errno? errno)
    {
        var table = new BadblockTable();

        Assert.Equal(errno, table.Store(text).Refusal?.Errno);

        Assert.Equal(errno is null ? "7 3\n" : "", table.Show());
    }

    [Fact]
    public void Show_MoreThanAPage_EndsWithAWholeLine()
    {
        var table = Full(length: 3, first: 1_000_000_000);

        Assert.InRange(table.Show().Length, 4000, 4096);
        Assert.EndsWith(" 3\n", table.Show(), StringComparison.Ordinal);
    }

    [Fact]
    public void AnySetsAndClears_AgreeWithABitmap() =>
        Gen.Select(Gen.Bool, Gen.Int[0, 3000], Gen.Int[1, 1200]).List[1, 60].Sample(
            steps =>
            {
                var table = new BadblockTable();
                var bitmap = new bool[4300];
                foreach (var (set, start, count) in steps)
                {
                    if (set)
                    {
                        Assert.True(table.Set(start, count));
                    }
                    else
                    {
                        Assert.Null(table.Clear(start, count).Refusal);
                    }

                    bitmap.AsSpan(start, count).Fill(set);
                }

                var listed = new bool[bitmap.Length];
                var end = -1L;
                foreach (var entry in table.Entries)
                {
                    Assert.True(entry.Start >= end && entry.Length is > 0 and <= 512);
                    listed.AsSpan((int)entry.Start, entry.Length).Fill(true);
                    end = entry.End;
                }

                Assert.Equal(bitmap, listed);
                Assert.Equal(bitmap.Count(bad => bad), table.SectorCount);
            },
            iter: 500);

    private static BadblockTable Full(int length, long first = 0)
    {
        var table = new BadblockTable();
        for (var n = 0; n < BadblockTable.Capacity; n++)
        {
            Assert.True(table.Set(first + (n * (length + 1L) * 2), length));
        }

        Assert.Equal(BadblockTable.Capacity, table.Entries.Count);
        return table;
    }

    private static BadblockTable Table(string text)
    {
        var table = new BadblockTable();
        foreach (var entry in text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(entry => entry.Split(' ')))
        {
            Assert.True(table.Set(long.Parse(entry[0], CultureInfo.InvariantCulture), long.Parse(entry[1], CultureInfo.InvariantCulture)));
        }

        return table;
    }

    private static string Text(BadblockTable table) => string.Join(',', table.Entries.Select(entry => $"{entry.Start} {entry.Length}"));
}
