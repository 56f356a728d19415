using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;
using PmemFleet.Nvdimm.Tests.Media;

namespace PmemFleet.Nvdimm.Tests.Btt;

/// <summary>BTTs that Linux 6.1 made (golden b_raw_sector, b_sector_sizes): info block, backup, log and map, byte for byte.</summary>
public sealed class BttGoldenTests
{
    private const int BaseOffset = 4096;

    public static TheoryData<string> Arenas()
    {
        var data = new TheoryData<string>();
        foreach (var name in GoldenVectors.Files("b_btt").Where(name => name.EndsWith(".info.bin", StringComparison.Ordinal)))
        {
            data.Add(name[..^".info.bin".Length]);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Arenas))]
    public void Bind_NewBtt_WritesWhatLinuxWrote(string name)
    {
        var golden = GoldenVectors.Bytes($"b_btt/{name}.info.bin");
        var parent = MediaUuid.ReadRfc(golden.AsSpan(32));
        Assert.True(BttInfoBlock.TryRead(golden, parent, out var info));
        var media = new MemoryMedia(BaseOffset + info.Geometry.Info2Offset + 4096);

        var outcome = NamespaceBinder.Bind(Plan(media.Length, parent, info), media);

        var btt = Assert.IsType<BindOutcome.Btt>(outcome);
        Assert.Equal(golden, media.Bytes(BaseOffset, golden.Length));
        AssertPart(media, name, "info2", info.Geometry.Info2Offset);
        AssertPart(media, name, "flog", info.Geometry.LogOffset);
        AssertPart(media, name, "map", info.Geometry.MapOffset);
        Assert.Equal((long)info.Geometry.ExternalLbaCount * info.Geometry.SectorDataBytes, btt.Size.Value);
    }

    [Fact]
    [Trait("Row", "52")]
    public void Geometry_256MiBOf4096ByteSectors_Shows267091968Bytes()
    {
        var geometry = BttGeometry.Of((256 * Bytes.MiB) - 4096, 4096);

        Assert.Equal(267091968, geometry.ExternalLbaCount * 4096L);
    }

    [Theory]
    [InlineData(16 * Bytes.MiB, 512, 0x7eca, 0xfdb000, 0xffb000, 0xfff000)]
    [InlineData(16 * Bytes.MiB, 4096, 0xff5, 0xff7000, 0xffb000, 0xfff000)]
    [InlineData(Bytes.GiB, 512, 0x1fc047, 0x3f80b000, 0x3fffb000, 0x3ffff000)]
    [InlineData(512 * Bytes.GiB, 4096, 0x7fe0078, 0x7fe007b000, 0x7fffffb000, 0x7ffffff000)]
    public void Geometry_WorkedExample_Agrees(long size, int sector, long blocks, long map, long log, long info2)
    {
        var geometry = BttGeometry.Of(size, sector);

        Assert.Equal((blocks, map, log, info2), (geometry.InternalLbaCount, geometry.MapOffset, geometry.LogOffset, geometry.Info2Offset));
    }

    [Fact]
    public void ArenaSizes_RemainderBelow16MiB_StaysUnused()
    {
        Assert.Equal([512 * Bytes.GiB, 16 * Bytes.MiB], BttGeometry.ArenaSizes((512 * Bytes.GiB) + (16 * Bytes.MiB)));
        Assert.Equal([512 * Bytes.GiB], BttGeometry.ArenaSizes((512 * Bytes.GiB) + (16 * Bytes.MiB) - 4096));
    }

    private static BindPlan Plan(long size, Guid parent, BttInfoBlock info) => new()
    {
        Namespace = "namespace0.0",
        Start = new Spa(0x100000000),
        Size = new Bytes(size),
        ParentUuid = parent,
        ClaimClass = ClaimClass.Btt,
        Configured = new() { Kind = PersonalityKind.Btt, Uuid = info.Uuid, SectorSize = new Bytes(info.Geometry.ExternalLbaSize) },
    };

    private static void AssertPart(MemoryMedia media, string name, string part, long offset)
    {
        var path = $"b_btt/{name}.{part}.bin";
        if (GoldenVectors.Has(path))
        {
            var golden = GoldenVectors.Bytes(path);
            Assert.True(golden.AsSpan().SequenceEqual(media.Bytes(BaseOffset + offset, golden.Length)), part);
        }
    }
}
