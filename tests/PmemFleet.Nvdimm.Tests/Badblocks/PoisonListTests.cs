using System.Diagnostics;
using CsCheck;
using PmemFleet.Nvdimm.Badblocks;

namespace PmemFleet.Nvdimm.Tests.Badblocks;

/// <summary>Byte-exact poison, held against a plain array of flags.</summary>
public sealed class PoisonListTests
{
    [Fact]
    public void AnyAddsAndRemoves_AgreeWithFlags() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 4000], Gen.Int[1, 60]).List[1, 900].Sample(
            steps =>
            {
                var list = new PoisonList();
                var flags = new bool[4200];
                foreach (var (kind, start, length) in steps)
                {
                    var part = flags.AsSpan(start, length);
                    if (kind < 3)
                    {
                        Assert.Equal(part.Contains(false), list.Add(start, length));
                    }
                    else
                    {
                        Assert.Equal(part.Contains(true), list.Remove(start, length));
                    }

                    part.Fill(kind < 3);
                }

                var end = -1L;
                var listed = new bool[flags.Length];
                foreach (var range in list.Ranges)
                {
                    Assert.True(range.Start > end, "touching ranges are one");
                    listed.AsSpan((int)range.Start, (int)range.Length).Fill(true);
                    end = range.End;
                }

                Assert.Equal(flags, listed);
                Assert.Equal(list.Ranges.Count(), list.Count);
                foreach (var (_, start, length) in steps)
                {
                    var first = flags.AsSpan(start, length).IndexOf(true);
                    Assert.Equal(first >= 0, list.Overlaps(start, length));
                    Assert.Equal(first < 0 ? -1 : start + first, list.FirstWithin(start, length));
                    Assert.Equal(flags.AsSpan(start, length).Count(true), list.Within(start, length).Sum(range => range.Length));
                }
            },
            iter: 100);

    [Fact]
    public void AnyAddsAndRemoves_OverManyPages_AgreeWithFlags() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 900], Gen.Int[1, 120]).List[1, 200].Sample(
            steps =>
            {
                // a step of 4 KiB makes some ranges too wide for the filter
                var list = new PoisonList();
                var flags = new bool[1100];
                foreach (var (kind, start, length) in steps)
                {
                    if (kind < 2)
                    {
                        list.Add(start * 4096L, length * 4096L);
                    }
                    else
                    {
                        list.Remove(start * 4096L, length * 4096L);
                    }

                    flags.AsSpan(start, length).Fill(kind < 2);
                }

                for (var page = 0; page < flags.Length - 1; page++)
                {
                    Assert.Equal(flags[page], list.Overlaps(page * 4096L, 4096));
                    Assert.Equal(flags[page] || flags[page + 1], list.Overlaps((page * 4096L) + 4095, 2));
                }
            },
            iter: 50);

    [Fact]
    public void AnyAddsAndRemoves_InGranules_AgreeWithFlags() =>
        Gen.Select(Gen.Int[0, 4], Gen.Int[0, 640 * 64 / 16], Gen.Int[1, 12], Gen.Int[0, 9]).List[1, 400].Sample(
            steps =>
            {
                // units of 16 bytes over ten pages: most ranges are whole granules of 64 bytes, some are not, some cross pages
                var list = new PoisonList();
                var flags = new bool[(640 * 4) + 64];
                foreach (var (kind, at, count, odd) in steps)
                {
                    var (start, length) = odd == 0 ? (at, count) : (at & ~3, count * 4);
                    if (kind < 3)
                    {
                        list.Add(start * 16L, length * 16L);
                    }
                    else
                    {
                        list.Remove(start * 16L, length * 16L);
                    }

                    flags.AsSpan(start, length).Fill(kind < 3);
                    foreach (var (from, bytes) in ((long, int)[])[(start * 16L, 16), ((start * 16L) + 3, 64), (Math.Max((start * 16L) - 70, 0), 256), (start * 16L, 4096), ((start * 16L) + 1, 1)])
                    {
                        var (low, high) = ((int)(from / 16), (int)Math.Min((from + bytes - 1) / 16, flags.Length - 1));
                        var first = flags.AsSpan(low, high - low + 1).IndexOf(true);
                        Assert.Equal(first < 0 ? -1 : Math.Max(from, (low + first) * 16L), list.FirstWithin(from, bytes));
                        Assert.Equal(first >= 0, list.Overlaps(from, bytes));
                    }
                }
            },
            iter: 200);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MillionErrors_AtEveryCount_StayBelow64BytesEach(bool inOrder)
    {
        var random = new Random(2);
        var list = new PoisonList();
        for (var n = 0; n < 1_000_000; n++)
        {
            list.Add(inOrder ? n * 6400L & ~63L : random.NextInt64(1L << 42) & ~255L, 64);
            Assert.True(list.Count < 10_000 || list.MemoryBytes <= 64L * list.Count, $"{list.MemoryBytes} bytes for {list.Count} errors");
        }
    }

    [Fact]
    public void MillionScatteredErrors_StaySmallAndAreFoundFast()
    {
        var list = new PoisonList();
        var random = new Random(1);
        while (list.Count < 1_000_000)
        {
            list.Add(random.NextInt64(1L << 44) & ~255L, 256);
        }

        Assert.InRange(list.MemoryBytes, 0, 64L * list.Count);
        var clock = Stopwatch.StartNew();
        var hits = 0;
        for (var n = 0; n < 1_000_000; n++)
        {
            hits += list.Overlaps((n * 2654435761L) & ((1L << 44) - 1), 64) ? 1 : 0;
        }

        // a debug build on a busy machine; the benchmark has the figure
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 10);
        Assert.InRange(hits, 0, 1000);
    }
}
