using System.Buffers.Binary;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>One arena in use: its lanes' free blocks, and the map and log behind them (spec 30 sections 5 to 10).</summary>
internal sealed class BttArena
{
    private const uint Reading = 1u << 31;
    private const int Settled = -1;

    private readonly IMedia _media;
    private readonly long _start;
    private readonly BttLogPadding _padding;
    private readonly BttFreeBlock[] _free;
    private readonly uint[] _beingRead = new uint[BttGeometry.Lanes];
    private readonly Lock[] _mapLocks = new Lock[BttGeometry.Lanes];

    /// <summary>By lane: a write whose log entry may be on the media while its map entry may not. Read and changed under the lock of its line.</summary>
    private readonly UnsettledWrite[] _unsettled = new UnsettledWrite[BttGeometry.Lanes];

    /// <summary>By lane: the line of the map that its unsettled write changes, or <see cref="Settled"/>.</summary>
    private readonly int[] _unsettledLine = new int[BttGeometry.Lanes];

    private int _unsettledCount;

    public BttArena(IMedia media, long start, BttInfoBlock info, BttLogPadding padding, BttFreeBlock[] free)
    {
        (_media, _start, Info, _padding, _free) = (media, start, info, padding, free);
        Geometry = info.Geometry;
        _unsettledLine.AsSpan().Fill(Settled);
        for (var line = 0; line < _mapLocks.Length; line++)
        {
            _mapLocks[line] = new Lock();
        }
    }

    public BttInfoBlock Info { get; }

    public BttGeometry Geometry { get; }

    /// <summary>The arena as it is now, over other media: what the one does from here on, the other does not see.</summary>
    public BttArena Over(IMedia media)
    {
        var copy = new BttArena(media, _start, Info, _padding, [.. _free]) { _unsettledCount = _unsettledCount };
        _unsettled.CopyTo(copy._unsettled, 0);
        _unsettledLine.CopyTo(copy._unsettledLine, 0);
        return copy;
    }

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
    /// <exception cref="IOException">A store failed: the sector has its old content or the new one, and no other sector changed.</exception>
    public Errno? Write(int lane, uint lba, ReadOnlySpan<byte> data, ReadOnlySpan<byte> metadata)
    {
        if ((Info.Flags & BttInfoBlock.ErrorFlag) != 0)
        {
            return Errno.EIO;
        }

        if (Volatile.Read(ref _unsettledLine[lane]) is var line && line != Settled)
        {
            lock (_mapLocks[line])
            {
                _ = Settle(lane);
            }
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
            SettleLine(MapLine(lba));
            if (ReadMap(lba, out var entry) is not null)
            {
                return Errno.EIO;
            }

            var old = entry.BlockOf(lba);
            if (old >= Geometry.InternalLbaCount)
            {
                return Errno.EIO;
            }

            // noted before the first of the two stores: where one of them throws, the lane keeps both blocks until Settle is through
            _unsettled[lane] = new UnsettledWrite(new BttLogEntry(lba, old | (entry.IsError ? BttMapEntry.ErrorFlag : 0), written, free.Sequence), free.Slot);
            Volatile.Write(ref _unsettledLine[lane], MapLine(lba));
            Interlocked.Increment(ref _unsettledCount);
            if (Settle(lane) is { } failed)
            {
                return failed;
            }
        }

        // the sector is written; a free block that stays bad is met again by the lane's next write
        _ = free.HasError ? ClearFreeBlock(ref free) : null;
        return null;
    }

    /// <summary>
    /// Stores the log entry and the map entry of a lane's write, under the map's lock. A block is handed on only when the map no longer names it:
    /// the lane gets the sector's former block after the last store. Where a store throws, both are made again before the lane or a writer of the
    /// same sectors stores anything else; a log entry that is on the media twice says the same.
    /// </summary>
    private Errno? Settle(int lane)
    {
        if (Volatile.Read(ref _unsettledLine[lane]) == Settled)
        {
            return null;
        }

        var (entry, slot) = _unsettled[lane];
        if (WriteLog(lane, slot, entry) is not null)
        {
            // a bad sector of the log: the entry is stored, but the driver takes the write as not done and stays with its free block
            SetSettled(lane);
            return Errno.EIO;
        }

        _media.Order();
        var failed = WriteMap(entry.Lba, BttMapEntry.Normal(entry.NewMap));
        _free[lane] = new BttFreeBlock(BttMapEntry.Strip(entry.OldMap), 1 - slot, BttLogGroup.Next(entry.Sequence), new BttMapEntry(entry.OldMap).IsError);
        SetSettled(lane);
        return failed is null ? null : Errno.EIO;
    }

    /// <summary>Settles what other lanes left of a line of the map, under its lock: a sector's former block is not taken while one of them holds it too.</summary>
    private void SettleLine(int line)
    {
        for (var lane = 0; Volatile.Read(ref _unsettledCount) > 0 && lane < _unsettled.Length; lane++)
        {
            if (Volatile.Read(ref _unsettledLine[lane]) == line)
            {
                _ = Settle(lane);
            }
        }
    }

    private void SetSettled(int lane)
    {
        Volatile.Write(ref _unsettledLine[lane], Settled);
        Interlocked.Decrement(ref _unsettledCount);
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
                MarkError(lba, block);
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

    /// <summary>The read is EIO with or without the mark; one that cannot be stored (a full disk) is made by the next read.</summary>
    private void MarkError(uint lba, uint block)
    {
        try
        {
            _ = WriteMap(lba, BttMapEntry.Error(block));
        }
        catch (IOException)
        {
            // the map keeps its entry
        }
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

/// <summary>A write between its log entry and its map entry.</summary>
/// <param name="Entry">The log entry.</param>
/// <param name="Slot">The slot that it takes.</param>
internal readonly record struct UnsettledWrite(BttLogEntry Entry, int Slot);

/// <summary>A lane's free block of an arena, and the log entry that its next write takes.</summary>
/// <param name="Block">The block.</param>
/// <param name="Slot">0 or 1: the older of the lane's two log entries.</param>
/// <param name="Sequence">The sequence number that the next entry gets.</param>
/// <param name="HasError">The block was given up for an error and is cleared before it is used.</param>
internal readonly record struct BttFreeBlock(uint Block, int Slot, uint Sequence, bool HasError);
