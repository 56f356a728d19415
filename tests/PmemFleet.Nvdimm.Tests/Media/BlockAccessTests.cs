using CsCheck;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Media;

/// <summary>Reads and writes over bad sectors, by the block path and by the metadata path (spec 60 sections 3, 4 and 9).</summary>
public sealed class BlockAccessTests
{
    [Fact]
    [Trait("Row", "41")]
    public void Write_OverBadSectors_ClearsThemFirst()
    {
        var (media, disk) = Disk();
        media.Inject(20 * 512, 1024, notify: true);

        Assert.Equal(Errno.EIO, disk.Read(20 * 512, new byte[512]));
        Assert.Null(disk.Read(19 * 512, new byte[512]));
        Assert.Equal(new BlockWriteResult(null, 512), disk.Write(20 * 512, Filled(512, 7)));
        Assert.Equal([new ByteRange(21 * 512, 512)], media.Known.Ranges);
        var read = new byte[512];
        Assert.Null(disk.Read(20 * 512, read));
        Assert.Equal(Filled(512, 7), read);

        Assert.Null(disk.Write(16 * 512, Filled(4096, 8)).Failure);
        Assert.Equal(0, media.Poison.Count);
    }

    [Fact]
    [Trait("Row", "41")]
    public void Write_OverUnsaturatedInjection_ClearsIt()
    {
        var (media, disk) = Disk();
        media.Inject(20 * 512, 256, notify: true);

        Assert.Null(disk.Write(20 * 512, Filled(512, 7)).Failure);

        Assert.Equal((0, 0), (media.Poison.Count, media.Known.Count));
    }

    [Fact]
    [Trait("Row", "26")]
    public void Read_LatentPoison_IsAnErrorAndBecomesKnown()
    {
        var (media, disk) = Disk();
        media.Inject((20 * 512) + 100, 8, notify: false);

        Assert.False(media.IsKnownBad(0, media.Length));
        Assert.Equal(Errno.EIO, disk.Read(20 * 512, new byte[512]));
        Assert.True(media.IsKnownBad(20 * 512, 512));
    }

    [Theory]
    [InlineData(-(long)Errno.ENXIO, 0)]
    [InlineData(256, 256)]
    [InlineData(4096, 4096)]
    [Trait("Row", "31")]
    public void Write_ClearThatFallsShort_IsEIOAndStoresNothing(long limit, long cleared)
    {
        var (media, disk) = Disk();
        media.Inject(0, 8192, notify: true);
        media.ClearLimit = limit;

        Assert.Equal(new BlockWriteResult(Errno.EIO, cleared), disk.Write(0, Filled(8192, 7)));

        var sectors = new BadblockTable();
        foreach (var range in media.Known.Ranges)
        {
            sectors.Set(range.Start / 512, range.Length / 512);
        }

        Assert.Equal(limit == 4096 ? "8 8\n" : "0 16\n", sectors.Show());
        if (limit == 4096)
        {
            var read = new byte[4096];
            Assert.Null(disk.Read(0, read));
            Assert.All(read, b => Assert.Equal(0, b));
        }
    }

    [Fact]
    public void Access_BehindDataStart_LandsInTheData()
    {
        var media = new MemoryMedia(1 << 20);
        var disk = new BlockAccess(media, 8192, media.Length - 8192, readOnly: false);

        disk.Write(512, Filled(512, 7));

        var read = new byte[512];
        media.TryRead(8192 + 512, read);
        Assert.Equal(Filled(512, 7), read);
        Assert.Equal(Errno.EIO, disk.Read(disk.Length, new byte[512]));
        Assert.Equal(Errno.EINVAL, disk.Read(100, new byte[512]));
        Assert.Equal(Errno.EROFS, new BlockAccess(media, 0, 512, readOnly: true).Write(0, new byte[512]).Failure);
    }

    [Fact]
    [Trait("Row", "44")]
    public void Statistics_OneReadOfEightSectors_CountsOneAndEight()
    {
        var (_, disk) = Disk();

        disk.Read(0, new byte[4096]);
        disk.Write(0, new byte[512]);

        Assert.Equal(new IoCounts(1, 8, TimeSpan.Zero, 1, 1, TimeSpan.Zero), disk.Statistics.Counts);
    }

    [Theory]
    [InlineData(21 * 512, 512, false, null, 0)]
    [InlineData(21 * 512, 512, true, Errno.EIO, 1)]
    [InlineData((21 * 512) + 1, 100, false, Errno.EIO, 1)]
    [InlineData((20 * 512) + 100, 512, false, Errno.EIO, 1)]
    [InlineData((20 * 512) + 100, 412, false, null, 1)]
    [InlineData(0, 0, false, null, 1)]
    [InlineData((1 << 20) - 10, 512, false, Errno.EFAULT, 1)]
    [Trait("Row", "25")]
    public void MetadataWrite_OverBadSector_ClearsOnlyWhenAlignedAndNotAtomic(long offset, int length, bool atomic, Errno? expected, int left)
    {
        var media = new MemoryMedia(1 << 20);
        media.Inject(21 * 512, 512, notify: true);

        Assert.Equal(expected, MetadataAccess.Write(media, offset, Filled(length, 7), atomic));

        Assert.Equal(left, media.Known.Count);
        if (expected != Errno.EFAULT && length > 0)
        {
            media.ClearPoison(21 * 512, 512);
            var stored = new byte[length];
            media.TryRead(offset, stored);
            Assert.Equal(Filled(length, 7), stored);
        }
    }

    [Theory]
    [InlineData(513, 510, 1, 1)]
    [InlineData(513, 511, 1, 1)]
    [InlineData(513, 512, 1, 2)]
    [InlineData(512, 512, 1, 1)]
    [InlineData(0, 1, 0, 1)]
    [InlineData(511, 2, 0, 2)]
    [Trait("Row", "36")]
    public void SectorSpan_OfARange_IsItsWholeSectors(long offset, long length, long first, long count) =>
        Assert.Equal(new SectorSpan(first, count), SectorSpan.Of(offset, length));

    [Fact]
    [Trait("Row", "37")]
    public void MetadataRead_OverBadSector_NeitherFlushesNorClears()
    {
        var media = new MemoryMedia(1 << 20) { Recording = new StoreRecord() };
        media.Inject(512, 512, notify: true);

        Assert.Equal(Errno.EIO, MetadataAccess.Read(media, 1000, new byte[100]));
        Assert.Null(MetadataAccess.Read(media, 0, []));
        Assert.Equal(Errno.EFAULT, MetadataAccess.Read(media, (1 << 20) - 1, new byte[2]));

        Assert.Equal((1, 1, 0), (media.Poison.Count, media.Known.Count, media.Recording.Count));
    }

    [Fact]
    public void MemoryMedia_AnyWritesAndZeroes_AgreeWithAnArray() =>
        Gen.Select(Gen.Bool, Gen.Int[0, 30000], Gen.Int[0, 20000], Gen.Byte).List[1, 30].Sample(
            steps =>
            {
                var media = new MemoryMedia(50000);
                var record = media.Recording = new StoreRecord();
                var model = new byte[50000];
                foreach (var (zero, offset, length, fill) in steps)
                {
                    if (zero)
                    {
                        media.Zero(offset, length);
                    }
                    else
                    {
                        media.Write(offset, Filled(length, fill));
                    }

                    model.AsSpan(offset, length).Fill(zero ? (byte)0 : fill);
                }

                var replayed = new MemoryMedia(50000);
                record.Replay(replayed, 0, record.Count);
                foreach (var one in (MemoryMedia[])[media, replayed, media.Copy()])
                {
                    var read = new byte[50000];
                    one.TryRead(0, read);
                    Assert.True(model.AsSpan().SequenceEqual(read));
                }
            },
            iter: 50);

    private static (MemoryMedia Media, BlockAccess Disk) Disk()
    {
        var media = new MemoryMedia(1 << 20);
        return (media, new BlockAccess(media, 0, media.Length, readOnly: false));
    }

    private static byte[] Filled(int length, byte fill) => [.. Enumerable.Repeat(fill, length)];
}
