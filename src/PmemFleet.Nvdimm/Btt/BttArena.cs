using System.Buffers.Binary;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>One arena in use: its lanes' free blocks, and the map and log behind them (spec 30 sections 5 to 10).</summary>
internal sealed class BttArena
{
    private const uint Reading = 1u << 31;

    private readonly IMedia _media;
    private readonly long _start;
    private readonly BttLogPadding _padding;
    private readonly BttFreeBlock[] _free;
    private readonly uint[] _beingRead = new uint[BttGeometry.Lanes];
    private readonly Lock[] _mapLocks = new Lock[BttGeometry.Lanes];

    public BttArena(IMedia media, long start, BttInfoBlock info, BttLogPadding padding, BttFreeBlock[] free)
    {
        (_media, _start, Info, _padding, _free) = (media, start, info, padding, free);
        Geometry = info.Geometry;
        for (var line = 0; line < _mapLocks.Length; line++)
        {
            _mapLocks[line] = new Lock();
        }
    }

    public BttInfoBlock Info { get; }

    public BttGeometry Geometry { get; }

    /// <summary>The arena as it is now, over other media: what the one does from here on, the other does not see.</summary>
    public BttArena Over(IMedia media) => new(media, _start, Info, _padding, [.. _free]);

    /// <summary>Reads a sector; its holder has the lane.</summary>
    public Errno? Read(int lane, uint lba, Span<byte> data, Span<byte> metadata)
    {
        if (ReadMap(lba, out var entry) is { } failed)
        {
            return failed;
        }

        for (; ; )
        {
            if (entry.IsZeroed)
            {
                data.Clear();
                metadata.Clear();
                return null;
            }

            var block = entry.BlockOf(lba);
            if (entry.IsError || block >= Geometry.InternalLbaCount)
            {
                return Errno.EIO;
            }

            // a writer that frees the block from here on waits before it stores into it
            Interlocked.Exchange(ref _beingRead[lane], Reading | block);
            try
            {
                if (ReadMap(lba, out var again) is { } lost)
                {
                    return lost;
                }

                if (again == entry)
                {
                    return ReadBlock(lba, entry, data, metadata);
                }

                entry = again;
            }
            finally
            {
                Volatile.Write(ref _beingRead[lane], 0);
            }
        }
    }

    /// <summary>
    /// Writes a sector through a lane: data into the lane's free block, then the log entry (from here the write is durable), then
    /// the map. The block that the sector had becomes the lane's free block.
    /// </summary>
    public Errno? Write(int lane, uint lba, ReadOnlySpan<byte> data, ReadOnlySpan<byte> metadata)
    {
        if ((Info.Flags & BttInfoBlock.ErrorFlag) != 0)
        {
            return Errno.EIO;
        }

        ref var free = ref _free[lane];
        if (free.Block >= Geometry.InternalLbaCount)
        {
            return Errno.EIO;
        }

        var offset = BlockOffset(free.Block);
        if ((free.HasError || _media.IsKnownBad(offset, Geometry.InternalLbaSize)) && ClearFreeBlock(ref free) is { } bad)
        {
            return bad;
        }

        AwaitReaders(free.Block);
        if (MetadataAccess.Write(_media, offset, data, atomic: true) is not null
            || MetadataAccess.Write(_media, offset + data.Length, metadata, atomic: true) is not null)
        {
            return Errno.EIO;
        }

        _media.Order();
        return Publish(lane, ref free, lba);
    }

    private Errno? Publish(int lane, ref BttFreeBlock free, uint lba)
    {
        var written = free.Block;
        lock (_mapLocks[MapLine(lba)])
        {
            if (ReadMap(lba, out var entry) is not null)
            {
                return Errno.EIO;
            }

            var old = entry.BlockOf(lba);
            if (old >= Geometry.InternalLbaCount)
            {
                return Errno.EIO;
            }

            if (WriteLog(lane, free.Slot, new BttLogEntry(lba, old | (entry.IsError ? BttMapEntry.ErrorFlag : 0), written, free.Sequence)) is not null)
            {
                return Errno.EIO;
            }

            free = new BttFreeBlock(old, 1 - free.Slot, BttLogGroup.Next(free.Sequence), entry.IsError);
            _media.Order();
            if (WriteMap(lba, BttMapEntry.Normal(written)) is not null)
            {
                return Errno.EIO;
            }
        }

        // the sector is written; a free block that stays bad is met again by the lane's next write
        _ = free.HasError ? ClearFreeBlock(ref free) : null;
        return null;
    }

    private static int MapLine(uint lba) => (int)(lba * (long)BttMapEntry.SizeBytes / BttGeometry.LogGroupBytes % BttGeometry.Lanes);

    private void AwaitReaders(uint block)
    {
        Interlocked.MemoryBarrier();
        var spin = default(SpinWait);
        for (var lane = 0; lane < _beingRead.Length; lane++)
        {
            while (Volatile.Read(ref _beingRead[lane]) == (Reading | block))
            {
                spin.SpinOnce();
            }
        }
    }

    private Errno? ReadBlock(uint lba, BttMapEntry entry, Span<byte> data, Span<byte> metadata)
    {
        var block = entry.BlockOf(lba);
        var offset = BlockOffset(block);
        if (MetadataAccess.Read(_media, offset, data) is null)
        {
            return MetadataAccess.Read(_media, offset + data.Length, metadata) is null ? null : Errno.EIO;
        }

        lock (_mapLocks[MapLine(lba)])
        {
            // only while the sector still has this block: its writer may have been faster
            if (ReadMap(lba, out var now) is null && now == entry)
            {
                _ = WriteMap(lba, BttMapEntry.Error(block));
            }
        }

        return Errno.EIO;
    }

    private long MapOffset(uint lba) => _start + Geometry.MapOffset + ((long)lba * BttMapEntry.SizeBytes);

    private long BlockOffset(uint block) => _start + Geometry.DataOffset + ((long)block * Geometry.InternalLbaSize);

    private Errno? ReadMap(uint lba, out BttMapEntry entry)
    {
        Span<byte> bytes = stackalloc byte[BttMapEntry.SizeBytes];
        var failed = MetadataAccess.Read(_media, MapOffset(lba), bytes);
        entry = new BttMapEntry(BinaryPrimitives.ReadUInt32LittleEndian(bytes));
        return failed;
    }

    private Errno? WriteMap(uint lba, BttMapEntry entry)
    {
        Span<byte> bytes = stackalloc byte[BttMapEntry.SizeBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, entry.Raw);
        return MetadataAccess.Write(_media, MapOffset(lba), bytes, atomic: true);
    }

    /// <summary>One store, of which the media keep two 8-byte halves in order: a torn entry keeps its old sequence number and stays the older one.</summary>
    private Errno? WriteLog(int lane, int slot, BttLogEntry entry)
    {
        Span<byte> bytes = stackalloc byte[BttLogEntry.SizeBytes];
        entry.Write(bytes);
        var index = slot == 0 ? _padding.First : _padding.Second;
        return MetadataAccess.Write(_media, _start + Geometry.LogOffset + (lane * BttGeometry.LogGroupBytes) + (index * BttLogEntry.SizeBytes), bytes, atomic: true);
    }

    /// <summary>Zeroes the free block's data by a write that clears; a block that is no whole sectors cannot be cleared so.</summary>
    private Errno? ClearFreeBlock(ref BttFreeBlock free)
    {
        var failed = MetadataAccess.Zero(_media, BlockOffset(free.Block), Geometry.SectorDataBytes);
        free = free with { HasError = failed is not null };
        return failed;
    }
}

/// <summary>A lane's free block of an arena, and the log entry that its next write takes.</summary>
/// <param name="Block">The block.</param>
/// <param name="Slot">0 or 1: the older of the lane's two log entries.</param>
/// <param name="Sequence">The sequence number that the next entry gets.</param>
/// <param name="HasError">The block was given up for an error and is cleared before it is used.</param>
internal readonly record struct BttFreeBlock(uint Block, int Slot, uint Sequence, bool HasError);
