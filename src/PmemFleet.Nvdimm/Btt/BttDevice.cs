using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>
/// The block device of a sector-mode namespace: each sector is written whole or not at all, over power cuts too. Threads may use it
/// together; a request holds the lane of the CPU it says it runs on, so requests of different CPUs run side by side and the
/// bytes on the media depend on nothing but the requests and their CPUs.
/// </summary>
public sealed class BttDevice
{
    private readonly IMedia _media;
    private readonly List<BttArena> _arenas;
    private readonly BttLanes _lanes = new();
    private readonly bool _readOnly;

    private BttDevice(IMedia media, List<BttArena> arenas, bool readOnly, IReadOnlyList<string> messages)
    {
        (_media, _arenas, _readOnly, Messages) = (media, arenas, readOnly, messages);
        SectorBytes = arenas[0].Geometry.SectorDataBytes;
        MetadataBytes = (int)arenas[0].Geometry.ExternalLbaSize - SectorBytes;
        Length = arenas.Sum(arena => (long)arena.Geometry.ExternalLbaCount) * SectorBytes;
    }

    /// <summary>Bytes of data in a sector: 512 or 4096.</summary>
    public int SectorBytes { get; }

    /// <summary>Bytes of integrity metadata that go with each sector: 0, 8, 16, 64 or 128.</summary>
    public int MetadataBytes { get; }

    /// <summary>Requests so far (seed row 44).</summary>
    public IoStatistics Statistics { get; } = new();

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

            if (!BttGeometry.SectorSizes.Contains((int)info.Geometry.ExternalLbaSize))
            {
                // Linux 6.1 dereferences a null pointer here; InfoBlockHazards keeps such a block from being exported
                return new Refusal(Errno.EINVAL, "btt-sector-size", $"external_lbasize {info.Geometry.ExternalLbaSize} is not supported").With("externalLbaSize", info.Geometry.ExternalLbaSize)
                .Allowing(Nearest.Of(BttGeometry.SectorSizes.Select(size => (long)size), info.Geometry.ExternalLbaSize));
            }

            if (!BttArenaOpening.Open(media, start, info, readOnly).TryGet(out var arena, out var refusal))
            {
                return refusal;
            }

            arenas.Add(arena);
            if (info.NextOffset <= 0 || info.NextOffset >= media.Length - start)
            {
                return new BttDevice(media, arenas, readOnly, messages);
            }

            start += info.NextOffset;
        }
    }

    /// <summary>The device as it is now, over other media with the same bytes: a rehearsal of what this one would do. No request may run on this one meanwhile.</summary>
    public BttDevice Over(IMedia media)
    {
        ArgumentNullException.ThrowIfNull(media);
        return new BttDevice(media, [.. _arenas.Select(arena => arena.Over(media))], _readOnly, Messages);
    }

    /// <summary>Reads whole sectors: EINVAL off a sector's border, EIO beyond the end, over an error or bad media.</summary>
    /// <param name="offset">Bytes from the device's start.</param>
    /// <param name="destination">Whole sectors.</param>
    /// <param name="cpu">The CPU that asks: its lane is held for each sector.</param>
    public Errno? Read(long offset, Span<byte> destination, int cpu = 0) => Read(offset, destination, [], cpu);

    /// <summary>As the other, with the sectors' integrity metadata: <see cref="MetadataBytes"/> for each, or none at all.</summary>
    public Errno? Read(long offset, Span<byte> destination, Span<byte> metadata, int cpu = 0)
    {
        if (Check(offset, destination.Length, metadata.Length) is { } refused)
        {
            return refused;
        }

        Statistics.CountRead(destination.Length);
        var perSector = metadata.IsEmpty ? 0 : MetadataBytes;
        var lane = BttLanes.Of(cpu);
        for (; destination.Length > 0; destination = destination[SectorBytes..], metadata = metadata[perSector..], offset += SectorBytes)
        {
            var (arena, lba) = Locate(offset / SectorBytes);
            using var held = _lanes.Hold(lane);
            if (arena.Read(lane, lba, destination[..SectorBytes], metadata[..perSector]) is { } failed)
            {
                return failed;
            }
        }

        return null;
    }

    /// <summary>Writes whole sectors, durable on return: as <see cref="Read(long, Span{byte}, int)"/>, and EROFS where the region is read-only.</summary>
    /// <param name="offset">Bytes from the device's start.</param>
    /// <param name="source">Whole sectors; those before a failing one are written.</param>
    /// <param name="cpu">The CPU that asks: its lane is held for each sector.</param>
    public Errno? Write(long offset, ReadOnlySpan<byte> source, int cpu = 0) => Write(offset, source, [], cpu);

    /// <summary>As the other, with the sectors' integrity metadata: <see cref="MetadataBytes"/> for each, or none at all.</summary>
    public Errno? Write(long offset, ReadOnlySpan<byte> source, ReadOnlySpan<byte> metadata, int cpu = 0)
    {
        if (_readOnly)
        {
            return Errno.EROFS;
        }

        if (Check(offset, source.Length, metadata.Length) is { } refused)
        {
            return refused;
        }

        Statistics.CountWrite(source.Length);
        var perSector = metadata.IsEmpty ? 0 : MetadataBytes;
        var lane = BttLanes.Of(cpu);
        Errno? failed = null;
        for (; source.Length > 0 && failed is null; source = source[SectorBytes..], metadata = metadata[perSector..], offset += SectorBytes)
        {
            var (arena, lba) = Locate(offset / SectorBytes);
            using var held = _lanes.Hold(lane);
            failed = arena.Write(lane, lba, source[..SectorBytes], metadata[..perSector]);
        }

        _media.Flush();
        return failed;
    }

    private Errno? Check(long offset, int length, int metadata)
    {
        if (offset < 0 || offset % SectorBytes != 0 || length % SectorBytes != 0 || (metadata != 0 && metadata != length / SectorBytes * MetadataBytes))
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
