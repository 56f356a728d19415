using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Badblocks;

/// <summary>inject-error and its status (spec 60 section 7; recorded case n_nfit_test).</summary>
public sealed class ErrorInjectionTests
{
    private static readonly InjectionTarget Raw = new(null, 0x100000, 16 << 20, 256);

    [Fact]
    public void Ranges_RecordedInjection_GivesTheRecordedBlocksAndStatus()
    {
        var injected = ErrorInjection.Ranges(new InjectErrorOptions { Block = 12, Count = 2 }, Raw).Value.Ranges;
        var bus = new BusBadRanges();
        var table = new BadblockTable();
        foreach (var range in injected)
        {
            bus.Add(range.Start, range.Length);
        }

        bus.Populate(table, Raw.DataStart, Raw.DataLength);

        var recorded = GoldenVectors.Events("n_nfit_test").First(e => ((string?)e!["cmd"])?.StartsWith("ndctl inject-error -t", StringComparison.Ordinal) == true)!["stdout"]!["badblocks"]!.AsArray();
        Assert.Equal(recorded.Select(b => new InjectedBlocks((long)b!["block"]!, (long)b["count"]!)), ErrorInjection.Status(injected, Raw));
        Assert.Equal("12 2\n", table.Show());
    }

    [Theory]
    [InlineData(false, 256, 2, 256)]
    [InlineData(true, 256, 1, 1024)]
    [InlineData(false, 512, 1, 1024)]
    [InlineData(false, 4096, 1, 1024)]
    [InlineData(false, 64, 2, 64)]
    public void Ranges_ByUnit_PoisonsTheStartOfEachBlockOrAllOfIt(bool saturate, int unit, int ranges, long length)
    {
        var found = ErrorInjection.Ranges(new InjectErrorOptions { Block = 20, Count = 2, Saturate = saturate }, Raw with { ClearErrorUnit = unit }).Value.Ranges;

        Assert.Equal(ranges, found.Count);
        Assert.Equal(new ByteRange(0x100000 + (20 * 512), length), found[0]);
    }

    [Theory]
    [InlineData(null, 1, Errno.EINVAL)]
    [InlineData(1, null, Errno.EINVAL)]
    [InlineData(-1, 1, Errno.EINVAL)]
    [InlineData(0, 0, Errno.EINVAL)]
    [InlineData(32768, 1, Errno.EINVAL)]
    [InlineData(32767, 1, null)]
    public void Ranges_Blocks_AreInTheNamespace(int? block, int? count, Errno? errno) =>
        Assert.Equal(errno, ErrorInjection.Ranges(new InjectErrorOptions { Block = block, Count = count }, Raw).Refusal?.Errno);

    /// <summary>ndctl sends one command for each block: the error is the first block's outside, and what is before it is done.</summary>
    [Theory]
    [InlineData(32767, 2, 1)]
    [InlineData(32760, 100, 8)]
    [InlineData(0, 32769, 32768)]
    public void Ranges_AcrossTheEnd_DoWhatIsInside(long block, long count, int done)
    {
        var found = ErrorInjection.Ranges(new InjectErrorOptions { Block = block, Count = count }, Raw).Value;

        Assert.Equal(done, found.Ranges.Count);
        Assert.Equal((Errno.EINVAL, "block-out-of-bounds", $"{done}"), (found.Refusal!.Errno, found.Refusal.Rule, found.Refusal.Numbers["done"]));
        Assert.Contains("block 8000", found.Refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ranges_SectorNamespace_IsNotSupported(bool uninject) =>
        Assert.Equal(Errno.EOPNOTSUPP, ErrorInjection.Ranges(new InjectErrorOptions { Block = 100, Count = 1, Uninject = uninject }, Raw with { Personality = PersonalityKind.Btt }).Refusal?.Errno);

    [Fact]
    public void Ranges_StatusWithBlock_IsInvalid() =>
        Assert.Equal(Errno.EINVAL, ErrorInjection.Ranges(new InjectErrorOptions { Status = true, Block = 1 }, Raw).Refusal?.Errno);

    [Fact]
    public void Status_TouchingAndClipped_IsMerged() =>
        Assert.Equal(
            [new InjectedBlocks(0, 1), new InjectedBlocks(4, 2)],
            ErrorInjection.Status([new(0x100000 + 3000, 64), new(0x100000 - 100, 200), new(0x100000 + 2048, 600), new(0x100000 + (16 << 20), 512)], Raw));
}
