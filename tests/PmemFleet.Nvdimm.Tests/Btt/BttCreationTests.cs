using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Btt;

/// <summary>A new BTT has, byte for byte, what Linux wrote for the same uuids (recorded groups b_raw_sector, b_sector_sizes, b_modes_v12_labels).</summary>
public sealed class BttCreationTests
{
    private const long MiB = Bytes.MiB;
    private const long GiB = Bytes.GiB;

    [Theory]
    [InlineData("sector_4096_32M", 32 * MiB, 4096, 32440320)]
    [InlineData("sector_4096_512M", 512 * MiB, 4096, 535265280)]
    [InlineData("sector_4096_full", 4 * GiB, 4096, 4289695744)]
    [InlineData("sector_512_512M", 512 * MiB, 512, 532545536)]
    [InlineData("sector_520_512M", 512 * MiB, 520, 473767424)]
    [InlineData("sector_528_512M", 512 * MiB, 528, 473767424)]
    [InlineData("sector_4104_512M", 512 * MiB, 4104, 527020032)]
    [InlineData("sector_4160_512M", 512 * MiB, 4160, 527020032)]
    [InlineData("sector_4224_512M", 512 * MiB, 4224, 519028736)]
    [InlineData("s32M_4096", 32 * MiB, 4096, 32440320)]
    [InlineData("s32M_512", 32 * MiB, 512, 33130496)]
    [InlineData("s48M_4096", 48 * MiB, 4096, 49201152)]
    [InlineData("s64M_4096", 64 * MiB, 4096, 65961984)]
    [InlineData("s1G_4096", GiB, 4096, 1071611904)]
    [InlineData("s1G_512", GiB, 512, 1065254400)]
    [InlineData("s2G_4096", 2 * GiB, 4096, 2144305152)]
    [InlineData("full4G_4096", 4 * GiB, 4096, 4289695744)]
    [InlineData("full4G_512", 4 * GiB, 512, 4261509120)]
    [InlineData("v12btt_b", 64 * MiB, 4096, 65966080, ClaimClass.Btt2)]
    public void Bind_ConfiguredOnEmptyMedia_WritesWhatLinuxWrote(string name, long size, int sector, long disk, ClaimClass claim = ClaimClass.None)
    {
        var info = Golden(name, "info");
        var uuid = MediaUuid.ReadRfc(info.AsSpan(16));
        var parent = MediaUuid.ReadRfc(info.AsSpan(32));
        var media = new MemoryMedia(size);

        var outcome = Assert.IsType<BindOutcome.Btt>(NamespaceBinder.Bind(Plan(size, parent, claim, uuid, sector), media));

        Assert.Equal(disk, outcome.Size.Value);
        Assert.Equal(claim == ClaimClass.Btt2 ? new Version(2, 0) : new Version(1, 1), outcome.Version);
        Assert.Equal(["No existing arenas"], outcome.Messages);
        var start = claim == ClaimClass.Btt2 ? 0 : 4096;
        Assert.True(BttInfoBlock.TryRead(info, parent, out var block));
        Assert.Equal(info, GoldenArena.Read(media, start, 4096));
        Assert.Equal(Golden(name, "info2"), GoldenArena.Read(media, start + block.Geometry.Info2Offset, 4096));
        Assert.Equal(Golden(name, "flog"), GoldenArena.Read(media, start + block.Geometry.LogOffset, 16384));
        Assert.Equal(Golden(name, "map"), GoldenArena.Read(media, start + block.Geometry.MapOffset, 8192));
        Assert.Equal(info, block.ToBytes());
    }

    [Fact]
    public void Bind_ConfiguredWithBtt2Class_WritesTheInfoBlockAtOffset0()
    {
        var start = GoldenVectors.Bytes("b_sector/v12btt512_ns_start.bin");
        var media = new MemoryMedia(64 * MiB);

        NamespaceBinder.Bind(Plan(64 * MiB, MediaUuid.ReadRfc(start.AsSpan(32)), ClaimClass.Btt2, MediaUuid.ReadRfc(start.AsSpan(16)), 512), media);

        Assert.Equal(start, GoldenArena.Read(media, 0, start.Length));
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(512)]
    public void Bind_16MiBWithVersion11_IsTooSmall(int sector)
    {
        var media = new MemoryMedia(16 * MiB);

        var failed = Assert.IsType<BindOutcome.Failed>(NamespaceBinder.Bind(Plan(16 * MiB, Guid.Empty, ClaimClass.None, Guid.AllBitsSet, sector), media));

        Assert.Equal(Errno.ENXIO, failed.Refusal.Errno);
    }

    [Fact]
    [Trait("Row", "52")]
    public void Bind_256MiBNamespace_HasTheListedSize()
    {
        var outcome = NamespaceBinder.Bind(Plan(256 * MiB, Guid.Empty, ClaimClass.None, Guid.AllBitsSet, 4096), new MemoryMedia(256 * MiB));

        Assert.Equal(267091968, Assert.IsType<BindOutcome.Btt>(outcome).Size.Value);
    }

    [Theory]
    [InlineData(600 * GiB, 3)]
    [InlineData((512 * GiB) + (16 * MiB) + 4096, 2)]
    [InlineData((512 * GiB) + (16 * MiB), 1)]
    [InlineData((1024 * GiB) + (20 * MiB), 3)]
    public void Bind_LargeNamespace_HasArenasOf512GiB(long size, int arenas)
    {
        arenas = size == 600 * GiB ? 2 : arenas;
        var media = new MemoryMedia(size);

        var outcome = Assert.IsType<BindOutcome.Btt>(NamespaceBinder.Bind(Plan(size, Guid.Empty, ClaimClass.None, Guid.AllBitsSet, 4096), media));

        var expected = 0L;
        var start = 4096L;
        for (var number = 0; number < arenas; number++)
        {
            Assert.True(BttInfoBlock.TryRead(GoldenArena.Read(media, start, 4096), Guid.Empty, out var info));
            Assert.Equal(number < arenas - 1 ? 512 * GiB : 0, info.NextOffset);
            Assert.Equal(GoldenArena.Read(media, start, 4096), GoldenArena.Read(media, start + info.Geometry.Info2Offset, 4096));
            expected += info.Geometry.ExternalLbaCount * 4096L;
            start += info.NextOffset;
        }

        Assert.Equal(expected, outcome.Size.Value);
        WriteOverEveryBorder(media, outcome.Size.Value, arenas);
    }

    [Theory]
    [InlineData(16 * MiB, 512, 0x7eca, 0x7dca, 0xfdb000, 0xffb000, 0xfff000)]
    [InlineData(16 * MiB, 4096, 0xff5, 0xef5, 0xff7000, 0xffb000, 0xfff000)]
    [InlineData((256 * MiB) - 4096, 4096, 0xffb8, 0xfeb8, 0xffba000, 0xfffa000, 0xfffe000)]
    [InlineData(256 * MiB, 4096, 0xffb9, 0xfeb9, 0xffbb000, 0xfffb000, 0xffff000)]
    [InlineData(GiB, 512, 0x1fc047, 0x1fbf47, 0x3f80b000, 0x3fffb000, 0x3ffff000)]
    [InlineData(512 * GiB, 4096, 0x7fe0078, 0x7fdff78, 0x7fe007b000, 0x7fffffb000, 0x7ffffff000)]
    public void Of_ArenaSize_HasTheSpecifiedGeometry(long size, int sector, long blocks, long sectors, long map, long log, long backup)
    {
        var geometry = BttGeometry.Of(size, sector);

        Assert.Equal(
            (blocks, sectors, 4096L, map, log, backup),
            ((long)geometry.InternalLbaCount, (long)geometry.ExternalLbaCount, geometry.DataOffset, geometry.MapOffset, geometry.LogOffset, geometry.Info2Offset));
    }

    [Fact]
    [Trait("Row", "25")]
    public void Bind_ConfiguredOverPoisonedMetadata_ClearsItByWriting()
    {
        var media = new MemoryMedia(32 * MiB);
        var geometry = BttGeometry.Of((32 * MiB) - 4096, 4096);
        media.Inject(4096 + geometry.MapOffset + 512, 512, notify: true);
        media.Inject(4096 + geometry.LogOffset, 256, notify: true);
        media.Inject(4096 + geometry.Info2Offset, 64, notify: true);

        Assert.IsType<BindOutcome.Btt>(NamespaceBinder.Bind(Plan(32 * MiB, Guid.Empty, ClaimClass.None, Guid.AllBitsSet, 4096), media));

        Assert.Equal(0, media.Poison.Count);
        Assert.Equal(0, media.Known.Count);
    }

    private static byte[] Golden(string name, string part) => GoldenVectors.Bytes($"b_sector/{name}.arena0.{part}.bin");

    private static BindPlan Plan(long size, Guid parent, ClaimClass claim, Guid uuid, int sector) => GoldenArena.Plan(new ConfiguredPersonality
    {
        Kind = PersonalityKind.Btt,
        Uuid = uuid,
        SectorSize = new Bytes(sector),
    }) with
    {
        Size = new Bytes(size),
        ParentUuid = parent == Guid.Empty ? null : parent,
        ClaimClass = claim,
    };

    private static void WriteOverEveryBorder(MemoryMedia media, long size, int arenas)
    {
        var device = BttDevice.Open(media, 4096, Guid.Empty, readOnly: false).Value;
        var perArena = BttGeometry.Of(512 * GiB, 4096).ExternalLbaCount * 4096L;
        for (var border = 1; border <= arenas; border++)
        {
            var at = border == arenas ? size - 8192 : (border * perArena) - 4096;
            var data = Enumerable.Range(border, 8192).Select(n => (byte)n).ToArray();
            Assert.Null(device.Write(at, data));
            Assert.Null(BttDevice.Open(media, 4096, Guid.Empty, readOnly: true).Value.Read(at, data.AsSpan()));
            Assert.Equal(Enumerable.Range(border, 8192).Select(n => (byte)n), data);
        }
    }
}
