using System.Globalization;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.InfoBlocks;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;
using PmemFleet.Nvdimm.Tests.Media;

namespace PmemFleet.Nvdimm.Tests.InfoBlocks;

/// <summary>PFN and DAX info blocks that Linux 6.1 wrote (golden b_fsdax, b_devdax), byte for byte.</summary>
public sealed class PagesGoldenTests
{
    private static readonly Spa Start = new(0x100000000);

    public static TheoryData<string> Blocks()
    {
        var data = new TheoryData<string>();
        foreach (var name in GoldenVectors.Files("b_pages"))
        {
            data.Add(name);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    [Trait("Row", "95")]
    public void Bind_NewPersonality_WritesWhatLinuxWrote(string name)
    {
        var golden = GoldenVectors.Bytes("b_pages/" + name);
        var kind = name.StartsWith("fsdax", StringComparison.Ordinal) ? PersonalityKind.Pfn : PersonalityKind.Dax;
        Assert.True(PagesInfoBlock.TryRead(golden, kind, out var expected));
        var media = new MemoryMedia(SizeOf(name, expected));

        var outcome = NamespaceBinder.Bind(Plan(expected, media.Length, new() { Kind = kind, Uuid = expected.Uuid, Map = (MapLocation)expected.Mode, Align = new Bytes(expected.Align) }), media);

        var pages = Assert.IsType<BindOutcome.Pages>(outcome);
        Assert.Equal(golden, media.Bytes(PagesInfoBlock.NamespaceOffset, PagesInfoBlock.SizeBytes));
        Assert.Equal(expected.PageCount * 4096, pages.Size.Value);
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Bind_BlockOnTheMedia_IsDetected(string name)
    {
        var golden = GoldenVectors.Bytes("b_pages/" + name);
        var kind = name.StartsWith("fsdax", StringComparison.Ordinal) ? PersonalityKind.Pfn : PersonalityKind.Dax;
        Assert.True(PagesInfoBlock.TryRead(golden, kind, out var block));
        Assert.Equal(golden, block.ToBytes());
        var media = new MemoryMedia(SizeOf(name, block));
        media.Write(PagesInfoBlock.NamespaceOffset, golden);

        var pages = Assert.IsType<BindOutcome.Pages>(NamespaceBinder.Bind(Plan(block, media.Length, null), media));

        Assert.Equal(block.Uuid, pages.Uuid);
        Assert.Equal(block.DataOffset, pages.DataOffset.Value);
    }

    [Fact]
    public void Bind_OneBitFlipped_ComesUpRaw()
    {
        var golden = GoldenVectors.Bytes("b_pages/devdax_dev_2M_1G.info.bin");
        Assert.True(PagesInfoBlock.TryRead(golden, PersonalityKind.Dax, out var block));
        for (var bit = 0; bit < golden.Length * 8; bit += 997)
        {
            var media = new MemoryMedia(Bytes.GiB);
            var broken = (byte[])golden.Clone();
            broken[bit / 8] ^= (byte)(1 << (bit % 8));
            media.Write(PagesInfoBlock.NamespaceOffset, broken);

            Assert.IsType<BindOutcome.Raw>(NamespaceBinder.Bind(Plan(block, media.Length, null), media));
        }
    }

    [Fact]
    [Trait("Row", "24")]
    public void Bind_PoisonedInfoBlock_ComesUpRawWhenDetectedAndFailsWhenConfigured()
    {
        var golden = GoldenVectors.Bytes("b_pages/devdax_dev_2M_1G.info.bin");
        Assert.True(PagesInfoBlock.TryRead(golden, PersonalityKind.Dax, out var block));
        var media = new MemoryMedia(Bytes.GiB);
        media.Write(PagesInfoBlock.NamespaceOffset, golden);
        media.Poison(9, known: false);

        var detected = NamespaceBinder.Bind(Plan(block, media.Length, null), media);
        var configured = NamespaceBinder.Bind(Plan(block, media.Length, new() { Kind = PersonalityKind.Dax, Uuid = block.Uuid, Map = MapLocation.Pmem, Align = new Bytes(block.Align) }), media);

        Assert.IsType<BindOutcome.Raw>(detected);
        Assert.Equal(Errno.ENXIO, Assert.IsType<BindOutcome.Failed>(configured).Refusal.Errno);
    }

    private static BindPlan Plan(PagesInfoBlock block, long size, ConfiguredPersonality? configured) => new()
    {
        Namespace = "namespace0.0",
        Start = Start,
        Size = new Bytes(size),
        ParentUuid = block.ParentUuid == Guid.Empty ? null : block.ParentUuid,
        ClaimClass = ClaimClass.None,
        Configured = configured,
    };

    /// <summary>The size in the vector's name; without one, the whole region: data and data offset.</summary>
    private static long SizeOf(string name, PagesInfoBlock block)
    {
        var last = name[..name.IndexOf(".info", StringComparison.Ordinal)].Split('_')[^1];
        var unit = last[^1] switch { 'G' => Bytes.GiB, 'M' => Bytes.MiB, _ => 0 };
        return unit != 0 && long.TryParse(last.AsSpan(0, last.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? count * unit
            : block.DataOffset + (block.PageCount * 4096) + block.EndTrunc;
    }
}
