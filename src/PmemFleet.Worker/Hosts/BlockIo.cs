using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Worker.Hosts;

/// <summary>The block device of a raw or fsdax namespace. The Api refuses writes while the region is read-only: that changes without a bind.</summary>
/// <param name="media">The namespace's media.</param>
/// <param name="dataStart">First byte of the device in the namespace.</param>
/// <param name="length">Bytes of the device.</param>
/// <param name="logicalBlock">Bytes of a logical block, 512 or 4096.</param>
internal sealed class BlockIo(IMedia media, long dataStart, long length, int logicalBlock) : INamespaceIo
{
    private const int Sector = 512;

    private readonly BlockAccess _disk = new(media, dataStart, length, readOnly: false);

    public long Length => _disk.Length;

    public INamespaceIo Over(IMedia other) => new BlockIo(other, dataStart, length, logicalBlock);

    public RefusalDto? Read(long offset, Span<byte> destination) =>
        Explain(IsOfWholeBlocks(offset, destination.Length) ? _disk.Read(offset, destination) : Errno.EINVAL, offset, destination.Length);

    public RefusalDto? Write(long offset, ReadOnlySpan<byte> source, out DataWrittenDto written)
    {
        written = new DataWrittenDto { Offset = offset, Length = source.Length, ClearedSectors = 0 };
        if (!IsOfWholeBlocks(offset, source.Length))
        {
            return Explain(Errno.EINVAL, offset, source.Length);
        }

        var bad = offset >= 0 && offset <= Length - source.Length ? BadSectors(offset, source.Length) : 0;
        var result = _disk.Write(offset, source);
        written = new DataWrittenDto { Offset = offset, Length = source.Length, ClearedSectors = result.ClearedBytes > 0 ? bad : 0 };
        return Explain(result.Failure, offset, source.Length);
    }

    private RefusalDto? Explain(Errno? errno, long offset, int count) => errno switch
    {
        null => null,
        Errno.EINVAL => Refusals.Of("EINVAL", "block-misaligned", "A block device is read and written in whole sectors.", ("offset", offset), ("length", count), ("sector", logicalBlock)),
        Errno.EIO when offset > Length - count => Refusals.Of("EIO", "beyond-end", "The range ends behind the device.", ("offset", offset), ("length", count), ("size", Length)),
        { } other => Refusals.Of(other.ToString(), "media-error", "The range has a bad sector; a write over it clears it.", ("offset", offset), ("length", count)),
    };

    private bool IsOfWholeBlocks(long offset, int count) => offset % logicalBlock == 0 && count % logicalBlock == 0;

    private long BadSectors(long offset, long count)
    {
        if (!media.IsKnownBad(dataStart + offset, count))
        {
            return 0;
        }

        return Enumerable.Range(0, (int)(count / Sector)).LongCount(number => media.IsKnownBad(dataStart + offset + (number * (long)Sector), Sector));
    }
}
