using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.InfoBlocks;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.InfoBlocks;

/// <summary>A new fsdax or devdax namespace has, byte for byte, the info block that Linux wrote for the same uuids.</summary>
public sealed class PagesCreationTests
{
    private const long MiB = Bytes.MiB;
    private const long GiB = Bytes.GiB;

    [Theory]
    [InlineData("fsdax_default", 4 * GiB, 4225761280)]
    [InlineData("fsdax_dev_16M", 16 * MiB, 14680064)]
    [InlineData("fsdax_dev_96M", 96 * MiB, 98566144)]
    [InlineData("fsdax_dev_512M", 512 * MiB, 526385152)]
    [InlineData("fsdax_dev_1G", GiB, 1054867456)]
    [InlineData("fsdax_dev_2G", 2 * GiB, 2111832064)]
    [InlineData("fsdax_dev_4G", 4 * GiB, 4225761280)]
    [InlineData("fsdax_dev_a2M", GiB, 1054867456)]
    [InlineData("fsdax_dev_a4K", GiB, 1054867456)]
    [InlineData("fsdax_mem_16M", 16 * MiB, 14680064)]
    [InlineData("fsdax_mem_512M", 512 * MiB, 534773760)]
    [InlineData("fsdax_mem_1G", GiB, 1071644672)]
    [InlineData("fsdax_mem_2G", 2 * GiB, 2145386496)]
    [InlineData("fsdax_mem_4G", 4 * GiB, 4292870144)]
    [InlineData("fsdax_mem_a2M", GiB, 1071644672)]
    [InlineData("fsdax_mem_a4K", GiB, 1071644672)]
    [InlineData("fsdax_sec4096", 512 * MiB, 526385152)]
    [InlineData("devdax_default", 4 * GiB, 4225761280)]
    [InlineData("devdax_dev_16M", 16 * MiB, 14680064)]
    [InlineData("devdax_dev_96M", 96 * MiB, 98566144)]
    [InlineData("devdax_dev_3G", 3 * GiB, 3168796672)]
    [InlineData("devdax_dev_1G_2G", 2 * GiB, 1073741824)]
    [InlineData("devdax_dev_1G_4G", 4 * GiB, 3221225472)]
    [InlineData("devdax_dev_2M_512M", 512 * MiB, 526385152)]
    [InlineData("devdax_dev_2M_1G", GiB, 1054867456)]
    [InlineData("devdax_dev_2M_2G", 2 * GiB, 2111832064)]
    [InlineData("devdax_dev_2M_4G", 4 * GiB, 4225761280)]
    [InlineData("devdax_dev_4K_512M", 512 * MiB, 526385152)]
    [InlineData("devdax_dev_4K_1G", GiB, 1054867456)]
    [InlineData("devdax_dev_4K_2G", 2 * GiB, 2111832064)]
    [InlineData("devdax_dev_4K_4G", 4 * GiB, 4225761280)]
    [InlineData("devdax_mem_16M", 16 * MiB, 14680064)]
    [InlineData("devdax_mem_1G_2G", 2 * GiB, 1073741824)]
    [InlineData("devdax_mem_1G_4G", 4 * GiB, 3221225472)]
    [InlineData("devdax_mem_2M_512M", 512 * MiB, 534773760)]
    [InlineData("devdax_mem_2M_1G", GiB, 1071644672)]
    [InlineData("devdax_mem_2M_2G", 2 * GiB, 2145386496)]
    [InlineData("devdax_mem_2M_4G", 4 * GiB, 4292870144)]
    [InlineData("devdax_mem_4K_512M", 512 * MiB, 534773760)]
    [InlineData("devdax_mem_4K_1G", GiB, 1071644672)]
    [InlineData("devdax_mem_4K_2G", 2 * GiB, 2145386496)]
    [InlineData("devdax_mem_4K_4G", 4 * GiB, 4292870144)]
    [InlineData("devdax_no_autolabel", 512 * MiB, 526385152)]
    [InlineData("v12pfn", 64 * MiB, 65011712, 0x10c000000, ClaimClass.Pfn)]
    [InlineData("v12dax", 64 * MiB, 65011712, 0x110000000, ClaimClass.Dax)]
    [InlineData("v12pfnmem", 64 * MiB, 65011712, 0x114000000, ClaimClass.Pfn)]
    [Trait("Row", "95")]
    public void Bind_ConfiguredOnEmptyMedia_WritesWhatLinuxWrote(string name, long size, long usable, long start = 4 * GiB, ClaimClass claim = ClaimClass.None)
    {
        var golden = GoldenVectors.Bytes($"b_pages/{name}.info.bin");
        var kind = name.Contains("dax_", StringComparison.Ordinal) ? name[0] == 'f' ? PersonalityKind.Pfn : PersonalityKind.Dax : name == "v12dax" ? PersonalityKind.Dax : PersonalityKind.Pfn;
        Assert.True(PagesInfoBlock.TryRead(golden, kind, out var block));
        var media = new MemoryMedia(size);

        var outcome = NamespaceBinder.Bind(
            new BindPlan
            {
                Namespace = "namespace0.0",
                Start = new Spa(start),
                Size = new Bytes(size),
                ParentUuid = block.ParentUuid,
                ClaimClass = claim,
                Configured = new ConfiguredPersonality { Kind = kind, Uuid = block.Uuid, Map = (MapLocation)block.Mode, Align = new Bytes(block.Align) },
            },
            media);

        var pages = Assert.IsType<BindOutcome.Pages>(outcome);
        Assert.Equal((usable, usable / 4096), (pages.Size.Value, pages.PageCount));
        var written = new byte[4096];
        media.TryRead(4096, written);
        Assert.Equal(golden, written);
        Assert.Equal(golden, block.ToBytes());
    }

    [Theory]
    [InlineData(PersonalityKind.Pfn, MapLocation.Ram)]
    [InlineData(PersonalityKind.Pfn, MapLocation.Pmem)]
    [InlineData(PersonalityKind.Dax, MapLocation.Ram)]
    [InlineData(PersonalityKind.Dax, MapLocation.Pmem)]
    public void Bind_OneGiBAlignOfOneGiB_CannotBeSatisfied(PersonalityKind kind, MapLocation map)
    {
        var failed = Assert.IsType<BindOutcome.Failed>(NamespaceBinder.Bind(PagesPlan(4 * GiB, GiB, kind, map, GiB), new MemoryMedia(GiB)));

        Assert.Equal((Errno.ENXIO, "unable to satisfy requested alignment"), (failed.Refusal.Errno, failed.Refusal.Message));
    }

    [Theory]
    [InlineData(0x100000000, 512 * MiB, 2 * MiB, MapLocation.Pmem, 0xa00000, 128512)]
    [InlineData(0x100000000, GiB, 4096, MapLocation.Pmem, 0x1200000, 257536)]
    [InlineData(0x100000000, GiB, 2 * MiB, MapLocation.Ram, 0x200000, 261632)]
    [InlineData(0x100000000, 4 * GiB, GiB, MapLocation.Pmem, 0x40000000, 786432)]
    [InlineData(0x240000000, 16 * GiB, 2 * MiB, MapLocation.Pmem, 0x10200000, 4128256)]
    [InlineData(0x240000000, 128 * GiB, 2 * MiB, MapLocation.Pmem, 0x80200000, 33029632)]
    [InlineData(0x240000000, 6144 * GiB, 2 * MiB, MapLocation.Pmem, 0x1800200000, 1585446400)]
    [InlineData(0x240000000, 6144 * GiB, GiB, MapLocation.Pmem, 0x1840000000, 1585184768)]
    [Trait("Row", "66")]
    public void Of_Placement_HasTheSpecifiedDataOffset(long start, long size, long align, MapLocation map, long dataOffset, long pages)
    {
        var geometry = PagesGeometry.Of(new Spa(start), new Bytes(size), new Bytes(align), map).Value;

        Assert.Equal((dataOffset, pages), (geometry.DataOffset, geometry.PageCount));
        Assert.True(geometry.DataOffset >= PagesGeometry.ReserveBytes);
    }

    [Fact]
    public void Of_StartOffSubSection_IsInvalid() =>
        Assert.Equal(Errno.EINVAL, PagesGeometry.Of(new Spa(MiB), new Bytes(GiB), new Bytes(4096), MapLocation.Ram).Refusal?.Errno);

    internal static BindPlan PagesPlan(long start, long size, PersonalityKind kind, MapLocation map, long align) => new()
    {
        Namespace = "namespace0.0",
        Start = new Spa(start),
        Size = new Bytes(size),
        ParentUuid = Guid.Parse("00000001-0000-4000-8000-000000000001"),
        ClaimClass = ClaimClass.None,
        Configured = new ConfiguredPersonality { Kind = kind, Uuid = Guid.AllBitsSet, Map = map, Align = new Bytes(align) },
    };
}
