using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Btt;

/// <summary>Writes leave the map and the log that Linux left for the same lanes (recorded case f_btt_write).</summary>
public sealed class BttWriteTests
{
    private const string Case = "f_btt_write";

    private static readonly (string Dump, int Sector, char Fill)[] Writes =
        [("01_w_lba0", 0, 'A'), ("02_w_lba0_again", 0, 'B'), ("03_w_lba0_third", 0, 'C'), ("04_w_lba0_fourth", 0, 'D'), ("05_w_lba5", 5, 'E')];

    [Fact]
    public void Write_RecordedSequence_LeavesRecordedBytes()
    {
        var media = new MemoryMedia(GoldenArena.Size);
        GoldenArena.Put(media, Case, "00_fresh");
        var device = Open(media);
        var log = GoldenArena.Dump(Case, "00_fresh", "flog");
        foreach (var (dump, sector, fill) in Writes)
        {
            var after = GoldenArena.Dump(Case, dump, "flog");
            Assert.Null(device.Write(sector * 4096L, Sector(fill), GoldenArena.LaneBetween(log, after)!.Value));
            GoldenArena.AssertEquals(media, Case, dump);
            log = after;
        }

        // which of the two CPUs made each of the next writes was not recorded: one of the ways must lead to the recorded bytes
        Assert.Contains(Enumerable.Range(0, 256), cpus => Matches(media, cpus));
    }

    [Fact]
    public void Read_RecordedArena_GivesRecordedData()
    {
        var device = Open(GoldenArena.Undamaged());
        var sectors = string.Concat(Enumerable.Range(0, 10).Select(n => (char)Read(device, n).Distinct().Single()));

        Assert.Equal("DFFFFEFFFF", sectors);
        Assert.All(Read(device, 100), b => Assert.Equal(0, b));
        Assert.All(Read(device, 7919), b => Assert.Equal((byte)'F', b));
    }

    [Fact]
    public void Access_OffSectorOrBeyondEnd_IsRefused()
    {
        var device = Open(GoldenArena.Undamaged());

        Assert.Equal(32440320, device.Length);
        Assert.Equal(Errno.EINVAL, device.Read(0, new byte[512]));
        Assert.Equal(Errno.EINVAL, device.Write(0, new byte[512]));
        Assert.Equal(Errno.EINVAL, device.Write(512, new byte[4096]));
        Assert.Equal(Errno.EIO, device.Write(7920 * 4096L, new byte[4096]));
        Assert.Equal(Errno.EIO, device.Read(7919 * 4096L, new byte[8192]));
    }

    [Fact]
    [Trait("Row", "44")]
    public void Statistics_OneReadOfEightSectors_CountsOneAndEight()
    {
        var device = Open(GoldenArena.Undamaged());

        device.Read(0, new byte[4096]);
        device.Write(0, new byte[8192]);

        Assert.Equal((1, 8, 1, 16), (device.Statistics.Counts.Reads, device.Statistics.Counts.ReadSectors, device.Statistics.Counts.Writes, device.Statistics.Counts.WriteSectors));
    }

    [Theory]
    [InlineData(512, 512, 0)]
    [InlineData(520, 512, 8)]
    [InlineData(528, 512, 16)]
    [InlineData(4096, 4096, 0)]
    [InlineData(4104, 4096, 8)]
    [InlineData(4160, 4096, 64)]
    [InlineData(4224, 4096, 128)]
    public void WriteWithMetadata_EverySectorSize_IsReadBack(int external, int data, int metadata)
    {
        var media = new MemoryMedia(GoldenArena.Size);
        var configured = new ConfiguredPersonality { Kind = PersonalityKind.Btt, Uuid = Guid.AllBitsSet, SectorSize = new Bytes(external) };
        NamespaceBinder.Bind(GoldenArena.Plan(configured), media);
        var device = Open(media);
        var (written, tags) = (Pattern(3 * data, 1), Pattern(3 * metadata, 2));

        Assert.Equal((data, metadata), (device.SectorBytes, device.MetadataBytes));
        Assert.Null(device.Write(7 * data, written, tags, cpu: 3));
        Assert.Null(device.Write(8 * data, Pattern(data, 9), Pattern(metadata, 10), cpu: 259));

        var (read, readTags) = (new byte[3 * data], new byte[3 * metadata]);
        Assert.Null(Open(media).Read(7 * data, read, readTags));
        Pattern(data, 9).CopyTo(written, data);
        Pattern(metadata, 10).CopyTo(tags, metadata);
        Assert.Equal(written, read);
        Assert.Equal(tags, readTags);
    }

    [Fact]
    public void Write_ReadOnlyRegion_IsRefused()
    {
        var media = GoldenArena.Undamaged();
        var device = BttDevice.Open(media, GoldenArena.Base, GoldenArena.Parent, readOnly: true).Value;

        Assert.Equal(Errno.EROFS, device.Write(0, new byte[4096]));
    }

    [Fact]
    public void ReadAndWrite_EveryCall_AllocatesNothing()
    {
        var media = GoldenArena.Undamaged();
        var device = Open(media);
        var data = new byte[4096];
        for (var warm = 0; warm < 200; warm++)
        {
            device.Write(warm % 10 * 4096, data);
            device.Read(warm % 10 * 4096, data);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var n = 0; n < 1000; n++)
        {
            device.Write(n % 10 * 4096, data);
            device.Read(n % 10 * 4096, data);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static bool Matches(MemoryMedia before, int cpus)
    {
        var media = before.Copy();
        var device = Open(media);
        foreach (var sector in (int[])[1, 2, 3, 4, 6, 7, 8, 9])
        {
            device.Write(sector * 4096L, Sector('F'), cpus & 1);
            cpus >>= 1;
        }

        return GoldenArena.Read(media, "flog").AsSpan().SequenceEqual(GoldenArena.Dump(Case, "06_w_lba1_9", "flog"))
            && GoldenArena.Read(media, "map").AsSpan().SequenceEqual(GoldenArena.Dump(Case, "06_w_lba1_9", "map"));
    }

    private static BttDevice Open(MemoryMedia media) => BttDevice.Open(media, GoldenArena.Base, GoldenArena.Parent, readOnly: false).Value;

    private static byte[] Sector(char fill) => [.. Enumerable.Repeat((byte)fill, 4096)];

    private static byte[] Pattern(int length, int seed) => [.. Enumerable.Range(0, length).Select(n => (byte)((n * 7) + seed))];

    private static byte[] Read(BttDevice device, int sector)
    {
        var data = new byte[4096];
        Assert.Null(device.Read(sector * 4096L, data));
        return data;
    }
}
