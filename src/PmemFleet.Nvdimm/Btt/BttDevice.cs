using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>
/// The block device of a sector-mode namespace: each sector is written whole or not at all, over power cuts too. Calls are serial:
/// the worker does one thing at a time on a host, so one lane is used for each sector in turn.
/// </summary>
public sealed class BttDevice
{
    private readonly IMedia _media;
    private readonly List<BttArena> _arenas;
    private readonly bool _readOnly;
    private int _lane;

    private BttDevice(IMedia media, List<BttArena> arenas, bool readOnly, IReadOnlyList<string> messages)
    {
        (_media, _arenas, _readOnly, Messages) = (media, arenas, readOnly, messages);
        SectorBytes = arenas[0].Geometry.SectorDataBytes;
        Length = arenas.Sum(arena => (long)arena.Geometry.ExternalLbaCount) * SectorBytes;
    }

    /// <summary>Bytes of data in a sector: 512 or 4096.</summary>
    public int SectorBytes { get; }

    /// <summary>Bytes of the device.</summary>
    public long Length { get; }

    /// <summary>What the open had to say.</summary>
    public IReadOnlyList<string> Messages { get; }

    /// <summary>Discovers the arenas and completes what a power cut interrupted.</summary>
    /// <param name="media">The namespace.</param>
    /// <param name="baseOffset">4096 for version 1.1, 0 for 2.0.</param>
    /// <param name="parentUuid">The namespace's uuid; zero when label-less.</param>
    /// <param name="readOnly">Nothing may be written.</param>
    public static Outcome<BttDevice> Open(IMedia media, long baseOffset, Guid parentUuid, bool readOnly)
    {
        ArgumentNullException.ThrowIfNull(media);
        var arenas = new List<BttArena>();
        var messages = new List<string>();
        var bytes = new byte[BttInfoBlock.SizeBytes];
        for (var start = baseOffset; ;)
        {
            if (MetadataAccess.Read(media, start, bytes) is { } errno)
            {
                return new Refusal(errno, "info-block-unreadable", "a BTT info block cannot be read").With("offset", start);
            }

            if (!BttInfoBlock.TryRead(bytes, parentUuid, out var info))
            {
                return new Refusal(Errno.ENODEV, "corrupted-metadata", "Found corrupted metadata!").With("offset", start);
            }

            if ((info.Flags & BttInfoBlock.ErrorFlag) != 0)
            {
                messages.Add("Found arena with an error flag");
            }

            if (!BttArena.Open(media, start, info, readOnly).TryGet(out var arena, out var refusal))
            {
                return refusal;
            }

            arenas.Add(arena);
            if (info.NextOffset <= 0 || start + info.NextOffset >= media.Length)
            {
                return new BttDevice(media, arenas, readOnly, messages);
            }

            start += info.NextOffset;
        }
    }

    /// <summary>Reads whole sectors: EINVAL off a sector's border, EIO beyond the end, over an error or bad media.</summary>
    public Errno? Read(long offset, Span<byte> destination)
    {
        if (Check(offset, destination.Length) is { } refused)
        {
            return refused;
        }

        for (; destination.Length > 0; destination = destination[SectorBytes..], offset += SectorBytes)
        {
            var (arena, lba) = Locate(offset / SectorBytes);
            if (arena.Read(lba, destination[..SectorBytes]) is { } failed)
            {
                return failed;
            }
        }

        return null;
    }

    /// <summary>Writes whole sectors, durable on return: as <see cref="Read"/>, and EROFS where the region is read-only.</summary>
    public Errno? Write(long offset, ReadOnlySpan<byte> source)
    {
        if (_readOnly)
        {
            return Errno.EROFS;
        }

        if (Check(offset, source.Length) is { } refused)
        {
            return refused;
        }

        for (; source.Length > 0; source = source[SectorBytes..], offset += SectorBytes)
        {
            var (arena, lba) = Locate(offset / SectorBytes);
            _lane = (_lane + 1) % BttGeometry.Lanes;
            if (arena.Write(_lane, lba, source[..SectorBytes]) is { } failed)
            {
                return failed;
            }
        }

        _media.Flush();
        return null;
    }

    private Errno? Check(long offset, int length)
    {
        if (offset < 0 || offset % SectorBytes != 0 || length % SectorBytes != 0)
        {
            return Errno.EINVAL;
        }

        return offset > Length - length ? Errno.EIO : null;
    }

    private (BttArena Arena, uint Lba) Locate(long sector)
    {
        foreach (var arena in _arenas)
        {
            if (sector < arena.Geometry.ExternalLbaCount)
            {
                return (arena, (uint)sector);
            }

            sector -= arena.Geometry.ExternalLbaCount;
        }

        throw new InvalidOperationException("the sector was checked against the device's length");
    }
}
