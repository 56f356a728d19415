using System.Buffers.Binary;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>One arena in use: its lanes' free blocks, and the map and log behind them (spec 30 sections 5 to 10).</summary>
internal sealed class BttArena
{
    /// <summary>Map entry bits: both set is normal, neither is the initial identity, E alone an error, Z alone zeroes.</summary>
    public const uint ZeroFlag = 1u << 31;
    public const uint ErrorFlag = 1u << 30;
    public const uint NormalFlags = ZeroFlag | ErrorFlag;

    private readonly IMedia _media;
    private readonly long _start;
    private readonly BttLogPadding _padding;
    private readonly Lane[] _lanes = new Lane[BttGeometry.Lanes];

    private BttArena(IMedia media, long start, BttInfoBlock info, BttLogPadding padding)
    {
        (_media, _start, Info, _padding) = (media, start, info, padding);
        Geometry = info.Geometry;
    }

    public BttInfoBlock Info { get; }

    public BttGeometry Geometry { get; }

    /// <summary>Opens an arena and completes writes that a power cut left between log and map.</summary>
    public static Outcome<BttArena> Open(IMedia media, long start, BttInfoBlock info, bool readOnly)
    {
        if (info.Geometry.FreeCount < BttGeometry.Lanes)
        {
            return new Refusal(Errno.ENODEV, "too-few-free-blocks", $"nfree {info.Geometry.FreeCount} smaller than lane count {BttGeometry.Lanes}").With("nfree", info.Geometry.FreeCount);
        }

        var log = new byte[BttGeometry.Lanes * BttGeometry.LogGroupBytes];
        if (MetadataAccess.Read(media, start + info.Geometry.LogOffset, log) is { } errno)
        {
            return new Refusal(errno, "log-unreadable", "the BTT log cannot be read");
        }

        if (!BttLogPadding.Deduce(log).TryGet(out var padding, out var refusal))
        {
            return refusal;
        }

        var arena = new BttArena(media, start, info, padding);
        return arena.Recover(log, readOnly) is { } failed ? failed : arena;
    }

    /// <summary>The map entry of a sector, as stored.</summary>
    public Errno? ReadMap(uint lba, out uint entry)
    {
        Span<byte> bytes = stackalloc byte[BttGeometry.MapEntryBytes];
        var failed = MetadataAccess.Read(_media, MapOffset(lba), bytes);
        entry = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        return failed;
    }

    /// <summary>The block of a map entry: the sector's own number in an entry that was never written.</summary>
    public static uint BlockOf(uint entry, uint lba) => (entry & NormalFlags) == 0 ? lba : entry & ~NormalFlags;

    public Errno? Read(uint lba, Span<byte> destination)
    {
        if (ReadMap(lba, out var entry) is { } failed)
        {
            return failed;
        }

        switch (entry & NormalFlags)
        {
            case ZeroFlag:
                destination.Clear();
                return null;
            case ErrorFlag:
                return Errno.EIO;
        }

        var block = BlockOf(entry, lba);
        if (block >= Geometry.InternalLbaCount)
        {
            return Errno.EIO;
        }

        if (MetadataAccess.Read(_media, BlockOffset(block), destination) is null)
        {
            return null;
        }

        _ = WriteMap(lba, block | ErrorFlag);
        return Errno.EIO;
    }

    /// <summary>
    /// Writes a sector through a lane: data into the lane's free block, then the log entry (from here the write is durable), then
    /// the map. The block that the sector had becomes the lane's free block.
    /// </summary>
    public Errno? Write(int laneNumber, uint lba, ReadOnlySpan<byte> source)
    {
        if ((Info.Flags & BttInfoBlock.ErrorFlag) != 0)
        {
            return Errno.EIO;
        }

        ref var lane = ref _lanes[laneNumber];
        if (lane.HasError || _media.IsKnownBad(BlockOffset(lane.Block), Geometry.InternalLbaSize))
        {
            ClearFreeBlock(ref lane);
        }

        if (lane.Block >= Geometry.InternalLbaCount || MetadataAccess.Write(_media, BlockOffset(lane.Block), source, atomic: true) is not null)
        {
            return Errno.EIO;
        }

        if (ReadMap(lba, out var entry) is not null)
        {
            return Errno.EIO;
        }

        var old = BlockOf(entry, lba);
        if (old >= Geometry.InternalLbaCount)
        {
            return Errno.EIO;
        }

        _media.Flush();
        var hadError = (entry & NormalFlags) == ErrorFlag;
        var failed = WriteLog(laneNumber, lane.OldSlot, new BttLogEntry(lba, old | (hadError ? ErrorFlag : 0), lane.Block, lane.Sequence));
        failed ??= WriteMap(lba, lane.Block | NormalFlags);
        if (failed is not null)
        {
            return failed;
        }

        lane = new Lane(old, 1 - lane.OldSlot, BttLogGroup.Next(lane.Sequence), hadError);
        if (hadError)
        {
            ClearFreeBlock(ref lane);
        }

        return null;
    }

    private long MapOffset(uint lba) => _start + Geometry.MapOffset + ((long)lba * BttGeometry.MapEntryBytes);

    private long BlockOffset(uint block) => _start + Geometry.DataOffset + ((long)block * Geometry.InternalLbaSize);

    private Errno? WriteMap(uint lba, uint entry)
    {
        Span<byte> bytes = stackalloc byte[BttGeometry.MapEntryBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, entry);
        return MetadataAccess.Write(_media, MapOffset(lba), bytes, atomic: true);
    }

    /// <summary>Two 8-byte stores in order: a torn entry keeps its old sequence number and stays the older one.</summary>
    private Errno? WriteLog(int lane, int slot, BttLogEntry entry)
    {
        Span<byte> bytes = stackalloc byte[BttLogEntry.SizeBytes];
        entry.Write(bytes);
        var index = slot == 0 ? _padding.First : _padding.Second;
        var offset = _start + Geometry.LogOffset + (lane * BttGeometry.LogGroupBytes) + (index * BttLogEntry.SizeBytes);
        var failed = MetadataAccess.Write(_media, offset, bytes[..8], atomic: true);
        return MetadataAccess.Write(_media, offset + 8, bytes[8..], atomic: true) ?? failed;
    }

    private void ClearFreeBlock(ref Lane lane)
    {
        var offset = BlockOffset(lane.Block);
        var first = offset / MetadataAccess.SectorBytes * MetadataAccess.SectorBytes;
        var last = (offset + Geometry.InternalLbaSize + MetadataAccess.SectorBytes - 1) / MetadataAccess.SectorBytes * MetadataAccess.SectorBytes;
        _ = _media.ClearPoison(first, last - first);
        _media.Zero(offset, Geometry.InternalLbaSize);
        lane = lane with { HasError = false };
    }

    private Refusal? Recover(ReadOnlySpan<byte> log, bool readOnly)
    {
        for (var number = 0; number < BttGeometry.Lanes; number++)
        {
            var group = log.Slice(number * BttGeometry.LogGroupBytes, BttGeometry.LogGroupBytes);
            if (!BttLogGroup.Read(group, _padding, number).TryGet(out var read, out var refusal))
            {
                return refusal;
            }

            var newest = read.Newest;
            var old = newest.OldMap & ~NormalFlags;
            _lanes[number] = new Lane(old, read.OldSlot, BttLogGroup.Next(newest.Sequence), (newest.OldMap & NormalFlags) == ErrorFlag);
            if (old == (newest.NewMap & ~NormalFlags) || newest.Lba >= Geometry.ExternalLbaCount)
            {
                continue;
            }

            if (ReadMap(newest.Lba, out var entry) is { } errno)
            {
                return new Refusal(errno, "map-unreadable", "the BTT map cannot be read");
            }

            var block = BlockOf(entry, newest.Lba);
            if (block != (newest.NewMap & ~NormalFlags) && block == old && !readOnly)
            {
                _ = WriteMap(newest.Lba, (newest.NewMap & ~NormalFlags) | NormalFlags);
            }
        }

        if (!readOnly)
        {
            _media.Flush();
        }

        return null;
    }

    private readonly record struct Lane(uint Block, int OldSlot, uint Sequence, bool HasError);
}
