using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>Finds a BTT's info blocks for a check, and restores a damaged one from its backup (spec 30 section 12, steps 1 and 2).</summary>
internal static class BttInfoRecovery
{
    private const long BlockBytes = BttInfoBlock.SizeBytes;

    /// <summary>Where the first arena begins.</summary>
    public static Outcome<long> Find(IMedia media, Guid parent, bool repair, List<string> messages)
    {
        foreach (var start in (long[])[BlockBytes, 0])
        {
            if (TryRead(media, start, parent, out _))
            {
                return start;
            }
        }

        foreach (var start in (long[])[BlockBytes, 0])
        {
            if (BackupOfFirst(media, start, parent) is not { } backup)
            {
                continue;
            }

            if (!repair)
            {
                return new Refusal(Errno.EIO, "info-block-needs-restore", $"BTT info block at offset 0x{start:x} needs to be restored").With("offset", start);
            }

            Restore(media, start, backup, messages);
            return start;
        }

        return new Refusal(Errno.ENXIO, "no-btt", "Unable to recover any BTT info blocks");
    }

    /// <summary>The info block of an arena; a damaged one, or a damaged backup, is restored with a repair.</summary>
    public static Outcome<BttInfoBlock> ReadArena(IMedia media, long start, Guid parent, bool repair, List<string> messages)
    {
        if (!TryRead(media, start, parent, out var info))
        {
            var size = Math.Min(media.Length - start, BttGeometry.LargestArena);
            var backupOffset = start + (size / BlockBytes * BlockBytes) - BlockBytes;
            if (!TryRead(media, backupOffset, parent, out info) || !repair)
            {
                return new Refusal(Errno.ENXIO, "info-block-invalid", "an arena's info block is invalid");
            }

            Restore(media, start, info, messages);
        }

        var bytes = info.ToBytes();
        var backup = new byte[BlockBytes];
        var backupAt = start + info.Geometry.Info2Offset;
        if (MetadataAccess.Read(media, backupAt, backup) is null && backup.AsSpan().SequenceEqual(bytes))
        {
            return info;
        }

        if (!repair)
        {
            return new Refusal(Errno.ENXIO, "info2-needs-restore", "info2 needs to be restored");
        }

        Restore(media, backupAt, info, messages);
        return info;
    }

    private static BttInfoBlock? BackupOfFirst(IMedia media, long start, Guid parent)
    {
        var expected = start == 0 ? new Version(2, 0) : new Version(1, 1);
        var rawSize = media.Length - start;
        var size = Math.Min(rawSize, BttGeometry.LargestArena);
        var offset = start + (size / BlockBytes * BlockBytes) - BlockBytes;
        return offset >= 0 && TryRead(media, offset, parent, out var info) && info.Version == expected ? info : null;
    }

    private static bool TryRead(IMedia media, long offset, Guid parent, out BttInfoBlock info)
    {
        var bytes = new byte[BlockBytes];
        info = null!;
        return MetadataAccess.Read(media, offset, bytes) is null && BttInfoBlock.TryRead(bytes, parent, out info);
    }

    private static void Restore(IMedia media, long offset, BttInfoBlock info, List<string> messages)
    {
        _ = MetadataAccess.Write(media, offset, info.ToBytes(), atomic: false);
        media.Flush();
        messages.Add($"info block at offset 0x{offset:x} restored");
    }
}
