using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Hosts;

/// <summary>
/// A pmem block device, raw or fsdax: a read over a bad or poisoned sector is EIO, a write clears poison first and writes nothing where
/// it cannot (spec 60 section 3).
/// </summary>
/// <param name="media">The namespace's media.</param>
/// <param name="dataStart">First byte of the device in the namespace.</param>
/// <param name="length">Bytes of the device.</param>
/// <param name="readOnly">The region is read-only.</param>
internal sealed class BlockIo(NamespaceMedia media, long dataStart, long length, bool readOnly) : INamespaceIo
{
    private const int Sector = 512;

    public long Length => length;

    public RefusalDto? Read(long offset, Span<byte> destination)
    {
        if (Check(offset, destination.Length) is { } refusal)
        {
            return refusal;
        }

        return media.IsKnownBad(dataStart + offset, destination.Length) || !media.TryRead(dataStart + offset, destination)
            ? Refusals.Of("EIO", "media-error", "The range has a bad sector; a write over it clears it.", ("offset", offset), ("length", destination.Length))
            : null;
    }

    public RefusalDto? Write(long offset, ReadOnlySpan<byte> source, out DataWrittenDto written)
    {
        written = new DataWrittenDto { Offset = offset, Length = source.Length, ClearedSectors = 0 };
        if (Check(offset, source.Length) is { } refusal)
        {
            return refusal;
        }

        if (readOnly)
        {
            return Refusals.Of("EROFS", "region-read-only", "The region is read-only.");
        }

        var bad = BadSectors(offset, source.Length);
        if (bad > 0 && media.ClearPoison(dataStart + offset, source.Length) is var cleared && cleared != source.Length)
        {
            return Refusals.Of("EIO", "clear-failed", "Poison in the range could not be cleared; nothing was written.", ("cleared", cleared));
        }

        media.Write(dataStart + offset, source);
        media.Flush();
        written = written with { ClearedSectors = bad };
        return null;
    }

    private RefusalDto? Check(long offset, long count)
    {
        if (offset % Sector != 0 || count % Sector != 0 || count == 0)
        {
            return Refusals.Of("EINVAL", "block-misaligned", "A block device is read and written in whole sectors.", ("offset", offset), ("length", count), ("sector", Sector));
        }

        return offset < 0 || offset > length - count
            ? Refusals.Of("EINVAL", "beyond-end", "The range ends behind the device.", ("offset", offset), ("length", count), ("size", length))
            : null;
    }

    private long BadSectors(long offset, long count)
    {
        if (!media.IsKnownBad(dataStart + offset, count))
        {
            return 0;
        }

        var bad = 0L;
        for (var at = offset; at < offset + count; at += Sector)
        {
            bad += media.IsKnownBad(dataStart + at, Sector) ? 1 : 0;
        }

        return bad;
    }
}
