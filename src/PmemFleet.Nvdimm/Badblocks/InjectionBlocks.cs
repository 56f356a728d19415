using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Badblocks;

/// <summary>
/// How far <c>ndctl inject-error</c> comes: it sends one command for each block, so the blocks before the first one outside are injected
/// when it is refused.
/// </summary>
/// <param name="Count">Blocks that are done.</param>
/// <param name="Refusal">Why the next one is not, or null where that was all.</param>
public readonly record struct InjectionBlocks(long Count, Refusal? Refusal)
{
    /// <summary>The blocks of a request that lie in the namespace.</summary>
    /// <param name="block">The first block.</param>
    /// <param name="count">Blocks that are asked for.</param>
    /// <param name="blocks">Blocks that the namespace's data has.</param>
    public static InjectionBlocks Of(long block, long count, long blocks)
    {
        if (count < 1)
        {
            return new InjectionBlocks(
                0, new Refusal(Errno.EINVAL, "count-too-small", "count is at least 1").With("count", count).About("count").Allowing("1"));
        }

        if (block < 0 || block >= blocks)
        {
            return new InjectionBlocks(0, Outside(block, count, blocks).About("block")
                .Allowing(Nearest.Multiples(block, 1, 0, blocks - Math.Clamp(count, 1, blocks))));
        }

        return count <= blocks - block
            ? new InjectionBlocks(count, null)
            : new InjectionBlocks(blocks - block, Outside(blocks, count, blocks).With("done", blocks - block).About("count")
                .Allowing(Nearest.Multiples(count, 1, 1, blocks - block)));
    }

    private static Refusal Outside(long block, long count, long blocks) =>
        new Refusal(
            Errno.EINVAL, "block-out-of-bounds",
            $"Injection failed at block {block:x}: the namespace has {blocks} blocks of 512 bytes, 0x0 to 0x{blocks - 1:x}")
            .With("block", block).With("count", count).With("blocks", blocks);
}
