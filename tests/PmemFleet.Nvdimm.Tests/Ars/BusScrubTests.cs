using PmemFleet.Nvdimm.Ars;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Ars;

/// <summary>Address range scrub, firmware's side and driver's side (spec 60 section 5).</summary>
public sealed class BusScrubTests
{
    private static readonly ByteRange[] Ranges = [new(4 * Bytes.GiB, 8 * Bytes.GiB), new(16 * Bytes.GiB, 4 * Bytes.GiB)];

    [Fact]
    public void Poll_UntilDone_FindsAllAndCountsOnePass()
    {
        var poison = Poison(1000, everyBytes: 8 << 20, first: 4 * Bytes.GiB);
        var known = new BusBadRanges();
        var scrub = Scrub(maxRecords: 64);
        Assert.Equal("0", scrub.Show(TimeSpan.Zero));

        Assert.Null(scrub.Store("1\n", TimeSpan.Zero).Refusal);
        Assert.Equal("0+", scrub.Show(TimeSpan.Zero));
        var polls = Run(scrub, poison, known);

        Assert.Equal("1", scrub.Show(TimeSpan.Zero));
        Assert.Equal(poison.Ranges, known.Ranges.OrderBy(range => range.Start));
        Assert.InRange(polls, 1000 / 64, 100);
    }

    [Fact]
    public void Store_Values_AreRefusedAsSpecified()
    {
        var scrub = Scrub();

        Assert.Equal(Errno.EINVAL, scrub.Store("2", TimeSpan.Zero).Refusal?.Errno);
        Assert.Equal(Errno.EINVAL, scrub.Store("", TimeSpan.Zero).Refusal?.Errno);
        Assert.Null(scrub.Store("1", TimeSpan.Zero).Refusal);
        Assert.Equal(Errno.EBUSY, scrub.Store("1", TimeSpan.Zero).Refusal?.Errno);
        scrub.Poll(TimeSpan.Zero, new PoisonList(), new BusBadRanges());

        // the first range is being scanned: it may be asked for again
        Assert.Null(scrub.Store("1", TimeSpan.Zero).Refusal);
        Assert.Equal(Errno.ENOTTY, new BusScrub(null, Ranges).Store("1", TimeSpan.Zero).Refusal?.Errno);
    }

    [Fact]
    public void Poll_WhileBusy_DoublesItsIntervalUpToHalfAnHour()
    {
        var scrub = new BusScrub(new ArsDevice(new ArsCapability { BytesPerSecond = 1 << 16 }), Ranges);
        scrub.Store("1", TimeSpan.Zero);
        scrub.Poll(TimeSpan.Zero, new PoisonList(), new BusBadRanges());
        var now = TimeSpan.Zero;
        var intervals = new List<double>();
        for (var n = 0; n < 14; n++)
        {
            intervals.Add((scrub.NextPoll!.Value - now).TotalSeconds);
            now = scrub.NextPoll.Value;
            scrub.Poll(now, new PoisonList(), new BusBadRanges());
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1800, 1800, 1800], intervals);
        Assert.Equal("0+", scrub.Show(now));
        Assert.Equal(now + TimeSpan.FromSeconds(1), scrub.NextPoll);
    }

    [Fact]
    public void Poll_ShortAndLong_ShortGoesFirst()
    {
        var scrub = Scrub();
        scrub.Request(ArsKind.ShortScan, TimeSpan.Zero);
        scrub.Poll(TimeSpan.Zero, new PoisonList(), new BusBadRanges());
        scrub.Request(ArsKind.LongScan, TimeSpan.Zero);

        // two short scans of a second each, then the long one of the first range
        for (var second = 1; second <= 2; second++)
        {
            scrub.Poll(TimeSpan.FromSeconds(second), new PoisonList(), new BusBadRanges());
        }

        Assert.True(scrub.IsActive);
        Assert.Equal(0, scrub.Count);
        Run(scrub, new PoisonList(), new BusBadRanges(), from: TimeSpan.FromSeconds(2));
        Assert.Equal(1, scrub.Count);
    }

    [Fact]
    public void Status_Device_SpeaksThePayload()
    {
        var device = new ArsDevice(new ArsCapability { MaxRecords = 2, BytesPerSecond = 1024 });
        var poison = new PoisonList([new(100, 10), new(300, 10), new(500, 10)]);
        Assert.Equal(Errno.EAGAIN, ArsStatus.Read(device.Status(TimeSpan.Zero, poison).Span).State);

        Assert.Equal(TimeSpan.FromSeconds(1), device.Start(0, 1024, ArsKind.LongScan, TimeSpan.Zero).Value);
        Assert.Equal(Errno.EBUSY, device.Start(0, 1024, ArsKind.LongScan, TimeSpan.FromSeconds(0.25)).Refusal?.Errno);
        Assert.Equal(Errno.EBUSY, ArsStatus.Read(device.Status(TimeSpan.FromSeconds(0.25), poison).Span).State);

        // the third error is read after half the time: the buffer is full, and the scan ends there
        var payload = device.Status(TimeSpan.FromSeconds(0.5), poison).ToArray();
        var overflow = ArsStatus.Read(payload);
        Assert.Equal(Errno.ENOSPC, overflow.State);
        Assert.Equal([new ByteRange(100, 10), new ByteRange(300, 10)], overflow.Records);
        Assert.Equal(new ByteRange(500, 524), overflow.Restart);
        Assert.Equal(44u + 48u, BitConverter.ToUInt32(payload, 4));

        Assert.Null(device.Start(500, 524, ArsKind.LongScan, TimeSpan.FromSeconds(1)).Refusal);
        var rest = ArsStatus.Read(device.Status(TimeSpan.FromSeconds(2), poison).Span);
        Assert.Null(rest.State);
        Assert.Equal([new ByteRange(500, 10)], rest.Records);
    }

    [Theory]
    [InlineData(96, 2, false)]
    [InlineData(95, 1, true)]
    [InlineData(72, 1, true)]
    [InlineData(71, 0, true)]
    [InlineData(10, 0, false)]
    public void Read_PayloadCutShort_GivesOnlyWholeRecords(int length, int records, bool truncated)
    {
        var device = new ArsDevice(new ArsCapability());
        device.Start(0, 1024, ArsKind.ShortScan, TimeSpan.Zero);
        var payload = device.Status(TimeSpan.FromSeconds(1), new PoisonList([new(100, 10), new(300, 10)])).Span;

        var status = ArsStatus.Read(payload[..length]);

        Assert.Equal((records, truncated), (status.Records.Count, status.IsTruncated));
    }

    [Theory]
    [InlineData(0u, null)]
    [InlineData(1u, Errno.EIO)]
    [InlineData(0x10000u, Errno.EBUSY)]
    [InlineData(0x20000u, Errno.EAGAIN)]
    [InlineData(0x30000u, null)]
    [InlineData(0x40000u, Errno.EIO)]
    public void Read_StatusWord_IsTranslated(uint word, Errno? expected)
    {
        var payload = new byte[48];
        BitConverter.TryWriteBytes(payload, word);
        BitConverter.TryWriteBytes(payload.AsSpan(4), 44u);

        Assert.Equal(expected, ArsStatus.Read(payload).State);
    }

    private static BusScrub Scrub(int maxRecords = 169) => new(new ArsDevice(new ArsCapability { MaxRecords = maxRecords }), Ranges);

    private static PoisonList Poison(int count, long everyBytes, long first) => new(Enumerable.Range(0, count).Select(n => new ByteRange(first + (n * everyBytes), 256)));

    private static int Run(BusScrub scrub, PoisonList poison, BusBadRanges known, TimeSpan from = default)
    {
        var polls = 0;
        for (var due = scrub.NextPoll; due is { } now && polls < 1000; due = scrub.NextPoll, polls++)
        {
            scrub.Poll(now < from ? from : now, poison, known);
        }

        Assert.False(scrub.IsActive);
        return polls;
    }
}
