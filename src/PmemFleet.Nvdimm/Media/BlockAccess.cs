using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Media;

/// <summary>What a block write did.</summary>
/// <param name="Failure">EIO, EINVAL or EROFS; null when it went well.</param>
/// <param name="ClearedBytes">Bytes of poison cleared on the way.</param>
public readonly record struct BlockWriteResult(Errno? Failure, long ClearedBytes);

/// <summary>
/// The block device of a raw or fsdax namespace (spec 60 section 3): a bad sector is EIO for a read; a write clears the whole
/// segment first, and stores nothing where that falls short.
/// </summary>
public sealed class BlockAccess
{
    private readonly IMedia _media;
    private readonly long _dataStart;
    private readonly bool _readOnly;

    /// <summary>A block device.</summary>
    /// <param name="media">The namespace.</param>
    /// <param name="dataStart">Where the disk begins in it: start pad and data offset, whole sectors.</param>
    /// <param name="length">Bytes of the disk.</param>
    /// <param name="readOnly">The region is read-only.</param>
    public BlockAccess(IMedia media, long dataStart, long length, bool readOnly)
    {
        ArgumentNullException.ThrowIfNull(media);
        ArgumentOutOfRangeException.ThrowIfNotEqual(dataStart % SectorSpan.SectorBytes, 0);
        (_media, _dataStart, Length, _readOnly) = (media, dataStart, length, readOnly);
    }

    /// <summary>Bytes of the disk.</summary>
    public long Length { get; }

    /// <summary>Requests so far.</summary>
    public IoStatistics Statistics { get; } = new();

    /// <summary>Reads whole sectors: EINVAL off a sector's border, EIO beyond the end or over an error, known or latent.</summary>
    public Errno? Read(long offset, Span<byte> destination)
    {
        if (Refuse(offset, destination.Length) is { } refused)
        {
            return refused;
        }

        Statistics.CountRead(destination.Length);
        var at = _dataStart + offset;
        return _media.IsKnownBad(at, destination.Length) || !_media.TryRead(at, destination) ? Errno.EIO : null;
    }

    /// <summary>Writes whole sectors, durable on return. What was cleared stays cleared even where the write fails.</summary>
    public BlockWriteResult Write(long offset, ReadOnlySpan<byte> source)
    {
        if (_readOnly)
        {
            return new BlockWriteResult(Errno.EROFS, 0);
        }

        if (Refuse(offset, source.Length) is { } refused)
        {
            return new BlockWriteResult(refused, 0);
        }

        Statistics.CountWrite(source.Length);
        var at = _dataStart + offset;
        var cleared = 0L;
        if (_media.IsKnownBad(at, source.Length))
        {
            cleared = _media.ClearPoison(at, source.Length);
            if (cleared != source.Length)
            {
                return new BlockWriteResult(Errno.EIO, Math.Max(cleared, 0));
            }
        }

        _media.Write(at, source);
        _media.Flush();
        return new BlockWriteResult(null, cleared);
    }

    private Errno? Refuse(long offset, long count) =>
        offset < 0 || offset % SectorSpan.SectorBytes != 0 || count % SectorSpan.SectorBytes != 0 ? Errno.EINVAL
        : offset > Length - count ? Errno.EIO
        : null;
}
