using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>One check in progress: discovers the arenas, then examines one after the other and stops at the first that cannot be repaired.</summary>
internal sealed class BttCheckRun(IMedia media, BttCheckOptions options, Guid parent)
{
    public List<string> Messages { get; } = [];

    /// <summary>Something was found that only a repair would put right.</summary>
    public bool LeftUnrepaired { get; private set; }

    public Refusal? Execute()
    {
        if (!Discover().TryGet(out var arenas, out var refusal))
        {
            return refusal;
        }

        // the layout of every arena's log comes before the first arena's check
        var logs = new List<(byte[] Log, BttLogPadding Padding)>();
        foreach (var arena in arenas)
        {
            if (ReadLog(arena.Start, arena.Info.Geometry) is not { } log)
            {
                return Unreadable();
            }

            if (!BttLogPadding.Deduce(log).TryGet(out var padding, out refusal))
            {
                Messages.AddRange(refusal.Message.Split('\n'));
                return refusal;
            }

            logs.Add((log, padding));
        }

        for (var number = 0; number < arenas.Count; number++)
        {
            if (CheckArena(arenas[number], number, logs[number].Log, logs[number].Padding) is { } failed)
            {
                return failed;
            }
        }

        return null;
    }

    /// <summary>
    /// ndctl maps the log up to the second info block. Groups behind that are read from what its address space has there: the arena's
    /// map, which it mapped before (golden n_bttdmg, kind logoff).
    /// </summary>
    private byte[]? ReadLog(long start, BttGeometry geometry)
    {
        var log = new byte[geometry.FreeCount * (long)BttGeometry.LogGroupBytes];
        var mapped = (int)Math.Clamp(geometry.Info2Offset - geometry.LogOffset, 0, log.Length);
        return MetadataAccess.Read(media, start + geometry.LogOffset, log.AsSpan(0, mapped)) is null
            && MetadataAccess.Read(media, start + geometry.MapOffset, log.AsSpan(mapped)) is null
            ? log : null;
    }

    private Outcome<List<(long Start, BttInfoBlock Info)>> Discover()
    {
        var recovery = new BttInfoRecovery(media, parent, options.Repair, Messages);
        if (!recovery.FindFirst().TryGet(out var start, out var refusal))
        {
            return refusal;
        }

        var arenas = new List<(long, BttInfoBlock)>();
        for (; ; )
        {
            if (!recovery.ReadArena(start, isFirst: arenas.Count == 0).TryGet(out var info, out refusal))
            {
                return refusal;
            }

            if (!IsCheckable(info))
            {
                Messages.Add($"Problem parsing arena[{arenas.Count}] metadata");
                return new Refusal(Errno.ENXIO, "arena-metadata", Messages[^1]);
            }

            arenas.Add((start, info));
            if (info.NextOffset <= 0 || info.NextOffset >= media.Length - start)
            {
                return arenas;
            }

            start += info.NextOffset;
        }
    }

    private bool IsCheckable(BttInfoBlock info)
    {
        var geometry = info.Geometry;
        if ((info.Flags & BttInfoBlock.ErrorFlag) != 0)
        {
            Messages.Add("Info block error flag is set, aborting");
            return false;
        }

        return geometry.InternalLbaCount - geometry.ExternalLbaCount == geometry.FreeCount && geometry.InternalLbaSize == geometry.ExternalLbaSize && geometry.ExternalLbaCount != 0;
    }

    private Refusal? CheckArena((long Start, BttInfoBlock Info) arena, int number, byte[] log, BttLogPadding padding)
    {
        var geometry = arena.Info.Geometry;
        var map = new BttMapReader(media, arena.Start, geometry);
        var fault = BttLogCheck.Find(log, padding, geometry, out var newest) ?? BttBitmapCheck.FindOutOfBounds(map, geometry);
        fault ??= map.IsUnreadable ? null : CompleteWrites(arena.Start, map, number, newest);
        if (fault is null && !map.IsUnreadable)
        {
            if (!CanRestoreBackup(arena, number))
            {
                return Unreadable();
            }

            fault = BttBitmapCheck.Find(map, geometry, newest);
        }

        if (map.IsUnreadable)
        {
            return Unreadable();
        }

        if (fault is not null)
        {
            return Fail(number, fault);
        }

        RewriteLog(arena, log.Length, newest);
        return null;
    }

    /// <summary>A log entry that is ahead of the map is what a power cut leaves: a repair does what the next enable would do.</summary>
    private string? CompleteWrites(long start, BttMapReader map, int number, BttLogEntry[] newest)
    {
        Span<byte> bytes = stackalloc byte[BttMapEntry.SizeBytes];
        foreach (var entry in newest)
        {
            var mapped = map.BlockOf(entry.Lba);
            if (map.IsUnreadable)
            {
                return null;
            }

            var (old, @new) = (BttMapEntry.Strip(entry.OldMap), BttMapEntry.Strip(entry.NewMap));
            if (mapped == @new || mapped != old)
            {
                continue;
            }

            if (!options.Repair)
            {
                return "log does not match map";
            }

            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes, BttMapEntry.Normal(@new).Raw);
            _ = MetadataAccess.Write(media, start + map.Geometry.MapOffset + ((long)entry.Lba * BttMapEntry.SizeBytes), bytes, atomic: true);
            map.Forget();
            Messages.Add($"arena {number}: log does not match map: repaired sector {entry.Lba}");
        }

        return null;
    }

    /// <summary>False where one of the two blocks cannot be read: outside the namespace, or in error.</summary>
    private bool CanRestoreBackup((long Start, BttInfoBlock Info) arena, int number)
    {
        var primary = new byte[BttInfoBlock.SizeBytes];
        var backup = new byte[BttInfoBlock.SizeBytes];
        var at = arena.Start + arena.Info.Geometry.Info2Offset;
        if (MetadataAccess.Read(media, arena.Start, primary) is not null || MetadataAccess.Read(media, at, backup) is not null)
        {
            return false;
        }

        if (backup.AsSpan().SequenceEqual(primary))
        {
            return true;
        }

        if (options.Repair)
        {
            Messages.Add($"Arena {number}: Restoring BTT info2");
            _ = MetadataAccess.Write(media, at, primary, atomic: false);
            return true;
        }

        LeftUnrepaired = true;
        Messages.Add($"Arena {number}: BTT info2 needs to be restored");
        return true;
    }

    private void RewriteLog((long Start, BttInfoBlock Info) arena, int bytes, BttLogEntry[] newest)
    {
        if (options.RewriteLog)
        {
            var log = new byte[bytes];
            for (var lane = 0; lane < newest.Length; lane++)
            {
                (newest[lane] with { Sequence = 1 }).Write(log.AsSpan(lane * BttGeometry.LogGroupBytes));
            }

            _ = MetadataAccess.Write(media, arena.Start + arena.Info.Geometry.LogOffset, log, atomic: false);
        }
    }

    private Refusal Unreadable()
    {
        Messages.AddRange(["Received a SIGBUS", "Metadata corruption found, recovery is not possible"]);
        return new Refusal(Errno.EFAULT, "metadata-poisoned", Messages[^1]);
    }

    private Refusal Fail(int number, string text)
    {
        Messages.Add($"arena {number}: {text}");
        return new Refusal(Errno.ENXIO, "btt-inconsistent", Messages[^1]);
    }
}
