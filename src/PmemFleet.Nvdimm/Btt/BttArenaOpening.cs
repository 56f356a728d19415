using System.Buffers.Binary;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>Opens an arena: finds the log's scheme and each lane's free block, and completes writes that a power cut left between log and map (spec 30 sections 6 and 10).</summary>
internal static class BttArenaOpening
{
    private const long LargestLog = 64 * Bytes.MiB;

    public static Outcome<BttArena> Open(IMedia media, long start, BttInfoBlock info, bool readOnly)
    {
        var geometry = info.Geometry;
        if (geometry.FreeCount < BttGeometry.Lanes)
        {
            return new Refusal(Errno.ENODEV, "too-few-free-blocks", $"nfree {geometry.FreeCount} smaller than lane count {BttGeometry.Lanes}").With("nfree", geometry.FreeCount);
        }

        if (geometry.FreeCount * (long)BttGeometry.LogGroupBytes > Math.Min(LargestLog, media.Length))
        {
            return new Refusal(Errno.ENOMEM, "log-too-large", "the BTT log does not fit").With("nfree", geometry.FreeCount);
        }

        var log = new byte[geometry.FreeCount * BttGeometry.LogGroupBytes];
        if (MetadataAccess.Read(media, start + geometry.LogOffset, log) is { } errno)
        {
            return new Refusal(errno, "log-unreadable", "the BTT log cannot be read");
        }

        if (!BttLogPadding.Deduce(log).TryGet(out var padding, out var refusal))
        {
            return refusal;
        }

        var free = new BttFreeBlock[geometry.FreeCount];
        return Recover(media, start, geometry, log, padding, free, readOnly) is { } failed ? failed : new BttArena(media, start, info, padding, free);
    }

    private static Refusal? Recover(IMedia media, long start, BttGeometry geometry, ReadOnlySpan<byte> log, BttLogPadding padding, BttFreeBlock[] free, bool readOnly)
    {
        var changed = false;
        Span<byte> bytes = stackalloc byte[BttMapEntry.SizeBytes];
        for (var lane = 0; lane < free.Length; lane++)
        {
            if (!BttLogGroup.Read(log.Slice(lane * BttGeometry.LogGroupBytes, BttGeometry.LogGroupBytes), padding, lane).TryGet(out var group, out var refusal))
            {
                return refusal;
            }

            var newest = group.Newest;
            var (old, @new) = (BttMapEntry.Strip(newest.OldMap), BttMapEntry.Strip(newest.NewMap));
            free[lane] = new BttFreeBlock(old, group.OldSlot, BttLogGroup.Next(newest.Sequence), new BttMapEntry(newest.OldMap).IsError);
            if (free[lane].HasError && !readOnly && old < geometry.InternalLbaCount)
            {
                var cleared = MetadataAccess.Zero(media, start + geometry.DataOffset + ((long)old * geometry.InternalLbaSize), geometry.SectorDataBytes);
                free[lane] = free[lane] with { HasError = cleared is not null };
            }

            if (old == @new || newest.Lba >= geometry.ExternalLbaCount)
            {
                continue;
            }

            var at = start + geometry.MapOffset + ((long)newest.Lba * BttMapEntry.SizeBytes);
            if (MetadataAccess.Read(media, at, bytes) is { } errno)
            {
                return new Refusal(errno, "map-unreadable", "the BTT map cannot be read").With("lane", lane);
            }

            var mapped = new BttMapEntry(BinaryPrimitives.ReadUInt32LittleEndian(bytes)).BlockOf(newest.Lba);
            if (mapped != @new && mapped == old && !readOnly)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(bytes, BttMapEntry.Normal(@new).Raw);
                _ = MetadataAccess.Write(media, at, bytes, atomic: true);
                changed = true;
            }
        }

        if (changed)
        {
            media.Flush();
        }

        return null;
    }
}
