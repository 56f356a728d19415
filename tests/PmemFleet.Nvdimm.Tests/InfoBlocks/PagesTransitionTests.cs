using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.InfoBlocks;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.InfoBlocks;

/// <summary>What an enable makes of what lies at 4096 (spec 40 sections 6 and 7).</summary>
public sealed class PagesTransitionTests
{
    private const long Start = 4 * Bytes.GiB;
    private const long Size = 512 * Bytes.MiB;

    [Theory]
    [InlineData(PersonalityKind.Pfn, ClaimClass.None, "Pfn")]
    [InlineData(PersonalityKind.Pfn, ClaimClass.Pfn, "Pfn")]
    [InlineData(PersonalityKind.Pfn, ClaimClass.Dax, "raw")]
    [InlineData(PersonalityKind.Pfn, ClaimClass.Btt, "raw")]
    [InlineData(PersonalityKind.Pfn, ClaimClass.Btt2, "raw")]
    [InlineData(PersonalityKind.Pfn, ClaimClass.Unknown, "raw")]
    [InlineData(PersonalityKind.Dax, ClaimClass.None, "Dax")]
    [InlineData(PersonalityKind.Dax, ClaimClass.Dax, "Dax")]
    [InlineData(PersonalityKind.Dax, ClaimClass.Pfn, "raw")]
    public void Bind_ValidBlock_ClaimsWhereTheClassAllows(PersonalityKind kind, ClaimClass claim, string expected)
    {
        var media = Made(kind);

        Assert.Equal(expected, Describe(NamespaceBinder.Bind(Detecting with { ClaimClass = claim }, media)));
    }

    [Fact]
    public void Bind_Zeroes_IsRaw() => Assert.Equal("raw", Describe(NamespaceBinder.Bind(Detecting, new MemoryMedia(Size))));

    [Fact]
    public void Bind_ForceRaw_LooksAtNoBlock() =>
        Assert.Equal("raw", Describe(NamespaceBinder.Bind(Detecting with { ForceRaw = true }, Made(PersonalityKind.Dax))));

    [Fact]
    public void Bind_BlockOfAnotherNamespace_IsIgnored() =>
        Assert.Equal("raw", Describe(NamespaceBinder.Bind(Detecting with { ParentUuid = Guid.AllBitsSet }, Made(PersonalityKind.Pfn))));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Row", "24")]
    public void Bind_PoisonedBlock_IsRawWhenFoundAndENXIOWhenConfigured(bool known)
    {
        var media = Made(PersonalityKind.Pfn);
        media.Inject(4096 + 700, 4, known);
        Assert.Equal("raw", Describe(NamespaceBinder.Bind(Detecting, media)));

        var failed = Assert.IsType<BindOutcome.Failed>(NamespaceBinder.Bind(Configured(PersonalityKind.Pfn), media));

        Assert.Equal(Errno.ENXIO, failed.Refusal.Errno);
        Assert.Equal(1, media.Poison.Count);
    }

    [Fact]
    public void Bind_ConfiguredOverAnotherUuid_WritesAFreshBlock()
    {
        var media = Made(PersonalityKind.Pfn);
        var plan = Configured(PersonalityKind.Pfn);
        plan = plan with { Configured = plan.Configured! with { Uuid = Guid.Parse("11111111-2222-4333-8444-555555555555"), Align = new Bytes(4096) } };

        Assert.Equal(plan.Configured.Uuid, Assert.IsType<BindOutcome.Pages>(NamespaceBinder.Bind(plan, media)).Uuid);

        Assert.Equal(plan.Configured.Uuid, Assert.IsType<BindOutcome.Pages>(NamespaceBinder.Bind(Detecting, media)).Uuid);
    }

    [Theory]
    [InlineData(4096, MapLocation.Pmem)]
    [InlineData(2 << 20, MapLocation.Ram)]
    public void Bind_ConfiguredWithOtherSettings_IsNotSupportedAndLeavesTheBlock(long align, MapLocation map)
    {
        var media = Made(PersonalityKind.Pfn);
        var before = Block(media);
        var plan = Configured(PersonalityKind.Pfn);

        var failed = Assert.IsType<BindOutcome.Failed>(NamespaceBinder.Bind(plan with { Configured = plan.Configured! with { Align = new Bytes(align), Map = map } }, media));

        Assert.Equal(Errno.EOPNOTSUPP, failed.Refusal.Errno);
        Assert.Equal(before, Block(media));
    }

    [Fact]
    public void Bind_ConfiguredOnReadOnlyRegion_IsENXIO() =>
        Assert.Equal(Errno.ENXIO, Assert.IsType<BindOutcome.Failed>(NamespaceBinder.Bind(Configured(PersonalityKind.Pfn) with { ReadOnly = true }, new MemoryMedia(Size))).Refusal.Errno);

    [Fact]
    [Trait("Row", "25")]
    public void Bind_PoisonedMemmap_IsClearedOnEnable()
    {
        var media = Made(PersonalityKind.Pfn);
        media.Inject(0x300000 + 1536, 256, notify: true);
        media.Inject(0xa00000 - 512, 512, notify: true);
        media.Inject(0xa00000, 512, notify: true);

        Assert.Equal("Pfn", Describe(NamespaceBinder.Bind(Detecting, media)));

        Assert.Equal([new Nvdimm.Badblocks.ByteRange(0xa00000, 512)], media.Known.Ranges);
    }

    [Fact]
    [Trait("Row", "31")]
    public void Bind_PoisonedMemmapThatDoesNotClear_Fails()
    {
        var media = Made(PersonalityKind.Pfn);
        media.Inject(0x300000, 4096, notify: true);
        media.ClearLimit = 512;

        var failed = Assert.IsType<BindOutcome.Failed>(NamespaceBinder.Bind(Detecting, media));

        Assert.Equal((Errno.EIO, PersonalityKind.Pfn), (failed.Refusal.Errno, failed.Claimed));
    }

    [Fact]
    public void Bind_PoisonedMemmapInRam_IsLeftAlone()
    {
        var media = new MemoryMedia(Size);
        NamespaceBinder.Bind(PagesCreationTests.PagesPlan(Start, Size, PersonalityKind.Pfn, MapLocation.Ram, 2 << 20), media);
        media.Inject(0x100000, 512, notify: true);

        Assert.Equal("Pfn", Describe(NamespaceBinder.Bind(Detecting, media)));

        Assert.Equal(1, media.Known.Count);
    }

    [Fact]
    [Trait("Row", "25")]
    public void Bind_ConfiguredOverKnownBadSectorBesideTheBlock_ClearsByWriting()
    {
        var media = new MemoryMedia(Size);
        media.Inject(0x4000, 512, notify: true);

        Assert.Equal("Pfn", Describe(NamespaceBinder.Bind(Configured(PersonalityKind.Pfn), media)));

        Assert.Equal(0, media.Known.Count);
    }

    [Fact]
    [Trait("Row", "68")]
    public void Bind_DaxBlockOfUnsupportedAlign_StaysDisabled()
    {
        var media = Made(PersonalityKind.Dax);
        Assert.True(PagesInfoBlock.TryRead(Block(media), PersonalityKind.Dax, out var block));
        media.Write(4096, (block with { Align = 8192 }).ToBytes());

        Assert.Equal(Errno.EOPNOTSUPP, Assert.IsType<BindOutcome.Failed>(NamespaceBinder.Bind(Detecting, media)).Refusal.Errno);
    }

    [Theory]
    [InlineData(PersonalityKind.Pfn)]
    [InlineData(PersonalityKind.Dax)]
    public void Bind_BlockOfAlign3MiB_StaysDisabled(PersonalityKind kind)
    {
        // 4 GiB + 2 MiB is a multiple of 3 MiB: only a mask refuses it
        var media = new MemoryMedia(Size);
        NamespaceBinder.Bind(PagesCreationTests.PagesPlan(Start, Size, kind, MapLocation.Ram, 2 << 20), media);
        Assert.True(PagesInfoBlock.TryRead(Block(media), kind, out var block));
        media.Write(4096, (block with { Align = 3 << 20 }).ToBytes());

        Assert.Equal(Errno.EOPNOTSUPP, Assert.IsType<BindOutcome.Failed>(NamespaceBinder.Bind(Detecting, media)).Refusal.Errno);
    }

    [Fact]
    public void Bind_ConfiguredWithoutAlign_TakesTwoMiB()
    {
        var media = new MemoryMedia(Size);
        var plan = Configured(PersonalityKind.Pfn);
        plan = plan with { Configured = plan.Configured! with { Align = null } };

        Assert.Equal(2 << 20, Assert.IsType<BindOutcome.Pages>(NamespaceBinder.Bind(plan, media)).Align.Value);
        Assert.Equal("Pfn", Describe(NamespaceBinder.Bind(plan, media)));
        Assert.Equal(Errno.ENXIO, Assert.IsType<BindOutcome.Failed>(NamespaceBinder.Bind(plan with { Configured = plan.Configured with { Map = null } }, new MemoryMedia(Size))).Refusal.Errno);
    }

    private static BindPlan Detecting => Configured(PersonalityKind.Pfn) with { Configured = null };

    private static BindPlan Configured(PersonalityKind kind) => PagesCreationTests.PagesPlan(Start, Size, kind, MapLocation.Pmem, 2 << 20);

    private static MemoryMedia Made(PersonalityKind kind)
    {
        var media = new MemoryMedia(Size);
        Assert.IsType<BindOutcome.Pages>(NamespaceBinder.Bind(Configured(kind), media));
        return media;
    }

    private static byte[] Block(MemoryMedia media)
    {
        var bytes = new byte[4096];
        Assert.True(media.TryRead(4096, bytes));
        return bytes;
    }

    private static string Describe(BindOutcome outcome) => outcome switch
    {
        BindOutcome.Raw => "raw",
        BindOutcome.Pages pages => pages.Kind.ToString(),
        BindOutcome.Btt => "Btt",
        _ => "disabled",
    };
}
