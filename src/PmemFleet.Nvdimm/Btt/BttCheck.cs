using System.Collections;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>What <c>ndctl check-namespace</c> is asked for.</summary>
public sealed record BttCheckOptions
{
    /// <summary>Repair what can be repaired.</summary>
    public bool Repair { get; init; }

    /// <summary>Rewrite the log; needs <see cref="Repair"/>.</summary>
    public bool RewriteLog { get; init; }
}

/// <summary>What a check found.</summary>
/// <param name="Consistent">Nothing is left to repair.</param>
/// <param name="Messages">What was found and repaired, in order.</param>
public sealed record BttCheckReport(bool Consistent, IReadOnlyList<string> Messages);

/// <summary>Checks the metadata of a sector namespace that is not bound, and repairs it (spec 30 section 12).</summary>
public static class BttCheck
{
    /// <summary>Checks; a refusal carries the errno of <c>ndctl check-namespace</c>.</summary>
    public static Outcome<BttCheckReport> Run(IMedia media, Guid? parentUuid, BttCheckOptions options)
    {
        ArgumentNullException.ThrowIfNull(media);
        ArgumentNullException.ThrowIfNull(options);
        if (options is { RewriteLog: true, Repair: false })
        {
            return new Refusal(Errno.EINVAL, "rewrite-log-needs-repair", "--rewrite-log requires --repair").About("rewriteLog");
        }

        var messages = new List<string>();
        var parent = parentUuid ?? Guid.Empty;
        if (!BttInfoRecovery.Find(media, parent, options.Repair, messages).TryGet(out var start, out var refusal))
        {
            return refusal;
        }

        for (var number = 0; ; number++)
        {
            if (!BttInfoRecovery.ReadArena(media, start, parent, options.Repair, messages).TryGet(out var info, out refusal))
            {
                return refusal with { Message = $"Problem parsing arena[{number}] metadata" };
            }

            if (CheckArena(media, start, info, number, options, messages) is { } failed)
            {
                return failed;
            }

            if (info.NextOffset <= 0)
            {
                return new BttCheckReport(true, messages);
            }

            start += info.NextOffset;
        }
    }

    private static Refusal? CheckArena(IMedia media, long start, BttInfoBlock info, int number, BttCheckOptions options, List<string> messages)
    {
        var geometry = info.Geometry;
        if ((info.Flags & BttInfoBlock.ErrorFlag) != 0)
        {
            return Fail(number, "Info block error flag is set, aborting");
        }

        if (geometry.InternalLbaCount - geometry.ExternalLbaCount != geometry.FreeCount || geometry.InternalLbaSize != geometry.ExternalLbaSize || geometry.FreeCount != BttGeometry.Lanes)
        {
            return Fail(number, "the geometry is not one that can be checked");
        }

        var log = new byte[BttGeometry.Lanes * BttGeometry.LogGroupBytes];
        var map = new byte[(long)geometry.ExternalLbaCount * BttGeometry.MapEntryBytes];
        if (MetadataAccess.Read(media, start + geometry.LogOffset, log) is not null || MetadataAccess.Read(media, start + geometry.MapOffset, map) is not null)
        {
            return new Refusal(Errno.EFAULT, "metadata-poisoned", "Metadata corruption found, recovery is not possible");
        }

        if (!BttLogPadding.Deduce(log).TryGet(out var padding, out var refusal))
        {
            return refusal;
        }

        return CheckLog(media, start, info, number, options, messages, log, map, padding);
    }

    private static Refusal? CheckLog(
        IMedia media, long start, BttInfoBlock info, int number, BttCheckOptions options, List<string> messages, byte[] log, byte[] map, BttLogPadding padding)
    {
        var geometry = info.Geometry;
        var newest = new BttLogEntry[BttGeometry.Lanes];
        for (var lane = 0; lane < newest.Length; lane++)
        {
            if (!BttLogGroup.Read(log.AsSpan(lane * BttGeometry.LogGroupBytes, BttGeometry.LogGroupBytes), padding, lane).TryGet(out var group, out _))
            {
                return Fail(number, SequenceText(log.AsSpan(lane * BttGeometry.LogGroupBytes), padding));
            }

            newest[lane] = group.Newest;
            if (OutOfBounds(newest[lane], geometry) is { } what)
            {
                return Fail(number, what);
            }
        }

        for (uint lba = 0; lba < geometry.ExternalLbaCount; lba++)
        {
            if (Block(map, lba) >= geometry.InternalLbaCount)
            {
                return Fail(number, "found a map entry that is out of bounds");
            }
        }

        return CompleteWrites(media, start, geometry, number, options, messages, map, newest)
            ?? CheckBitmap(geometry, number, map, newest)
            ?? RewriteLog(media, start, geometry, options, messages, newest, padding);
    }

    private static Refusal? CompleteWrites(
        IMedia media, long start, BttGeometry geometry, int number, BttCheckOptions options, List<string> messages, byte[] map, BttLogEntry[] newest)
    {
        foreach (var entry in newest)
        {
            var (old, @new) = (entry.OldMap & ~BttArena.NormalFlags, entry.NewMap & ~BttArena.NormalFlags);
            if (old == @new || Block(map, entry.Lba) != old)
            {
                continue;
            }

            if (!options.Repair)
            {
                return new Refusal(Errno.ENXIO, "log-ahead-of-map", $"arena {number}: log does not match map; a repair completes the write");
            }

            var bytes = map.AsSpan((int)(entry.Lba * BttGeometry.MapEntryBytes), BttGeometry.MapEntryBytes);
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes, @new | BttArena.NormalFlags);
            media.Write(start + geometry.MapOffset + ((long)entry.Lba * BttGeometry.MapEntryBytes), bytes);
            messages.Add($"arena {number}: log does not match map: lba {entry.Lba} completed");
        }

        return null;
    }

    private static Refusal? CheckBitmap(BttGeometry geometry, int number, byte[] map, BttLogEntry[] newest)
    {
        var seen = new BitArray((int)geometry.InternalLbaCount);
        for (uint lba = 0; lba < geometry.ExternalLbaCount; lba++)
        {
            var block = (int)Block(map, lba);
            if (seen[block])
            {
                return Fail(number, "bitmap error");
            }

            seen[block] = true;
        }

        foreach (var entry in newest)
        {
            var block = (int)(entry.OldMap & ~BttArena.NormalFlags);
            if (seen[block])
            {
                return Fail(number, "bitmap error");
            }

            seen[block] = true;
        }

        return seen.HasAllSet() ? null : Fail(number, "bitmap error");
    }

    private static Refusal? RewriteLog(
        IMedia media, long start, BttGeometry geometry, BttCheckOptions options, List<string> messages, BttLogEntry[] newest, BttLogPadding padding)
    {
        if (!options.RewriteLog)
        {
            return null;
        }

        var log = new byte[BttGeometry.Lanes * BttGeometry.LogGroupBytes];
        for (var lane = 0; lane < newest.Length; lane++)
        {
            (newest[lane] with { Sequence = 1 }).Write(log.AsSpan((lane * BttGeometry.LogGroupBytes) + (padding.First * BttLogEntry.SizeBytes)));
        }

        media.Write(start + geometry.LogOffset, log);
        media.Flush();
        messages.Add("log rewritten");
        return null;
    }

    /// <summary>The check takes an entry as mapped where either flag is set.</summary>
    private static uint Block(byte[] map, uint lba)
    {
        var entry = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(map.AsSpan((int)(lba * BttGeometry.MapEntryBytes)));
        return BttArena.BlockOf(entry, lba);
    }

    private static string? OutOfBounds(BttLogEntry entry, BttGeometry geometry)
    {
        var (old, @new) = (entry.OldMap & ~BttArena.NormalFlags, entry.NewMap & ~BttArena.NormalFlags);
        return entry.Lba >= geometry.ExternalLbaCount ? "found a log entry with an out of bounds LBA"
            : old >= geometry.InternalLbaCount ? "found a log entry with an out of bounds 'old' mapping"
            : @new >= geometry.InternalLbaCount ? "found a log entry with an out of bounds 'new' mapping"
            : null;
    }

    private static string SequenceText(ReadOnlySpan<byte> group, BttLogPadding padding)
    {
        var s0 = BttLogEntry.Read(group[(padding.First * BttLogEntry.SizeBytes)..]).Sequence;
        var s1 = BttLogEntry.Read(group[(padding.Second * BttLogEntry.SizeBytes)..]).Sequence;
        return s0 == s1 ? "found a pair of log entries with the same sequence number" : "found a log entry with an out of bounds sequence number";
    }

    private static Refusal Fail(int arena, string text) => new(Errno.ENXIO, "btt-inconsistent", $"arena {arena}: {text}");
}
