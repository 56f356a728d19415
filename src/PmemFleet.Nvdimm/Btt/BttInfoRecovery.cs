using System.Buffers.Binary;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;
using Layout = PmemFleet.Nvdimm.Btt.BttInfoBlockLayout;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>Finds a BTT's info blocks for a check, and restores a damaged one from a backup (spec 30 section 12, steps 1 and 2).</summary>
internal sealed class BttInfoRecovery(IMedia media, Guid parent, bool repair, List<string> messages)
{
    private const int BlockBytes = BttInfoBlock.SizeBytes;
    private static readonly long[] Bases = [BlockBytes, 0];

    /// <summary>Where the first arena begins: where a valid block is, else where a backup says that one was.</summary>
    public Outcome<long> FindFirst()
    {
        foreach (var start in Bases)
        {
            if (Read(start, out _) is not null)
            {
                return start;
            }
        }

        foreach (var start in Bases)
        {
            if ((FromFirstArena(start) ?? FromLastArena(start) ?? FromOwnPointer(start)) is not { } backup)
            {
                continue;
            }

            if (Restore(start, backup))
            {
                return start;
            }

            messages.Add($"BTT info block at offset 0x{start:x} needs to be restored");
        }

        messages.AddRange(["Unable to recover any BTT info blocks", "This may not be a sector mode namespace"]);
        return new Refusal(Errno.ENXIO, "no-btt", "Unable to recover any BTT info blocks");
    }

    /// <summary>The info block of an arena; a later arena's is restored from its own backup.</summary>
    public Outcome<BttInfoBlock> ReadArena(long start, bool isFirst)
    {
        if (Read(start, out var info) is not null)
        {
            return info;
        }

        if (!isFirst && Read(BackupOffset(start), out info) is { } backup && Restore(start, backup))
        {
            return info;
        }

        messages.Add($"BTT info block at offset 0x{start:x} needs to be restored");
        if (!isFirst)
        {
            messages.Add("Restoration of the info block failed: Input/output error (-5)");
        }

        var errno = isFirst ? Errno.ENXIO : Errno.EIO;
        return new Refusal(errno, "info-block-invalid", messages[^1]);
    }

    /// <summary>The backup at the end of the first arena, where its version belongs to the base that is tried.</summary>
    private byte[]? FromFirstArena(long start) =>
        BackupOffset(start) > start && Read(BackupOffset(start), out var info) is { } bytes && info.Version == VersionAt(start) ? bytes : null;

    /// <summary>With several arenas the last one's backup has the fields they share; the rest is the damaged block's own and must verify.</summary>
    private byte[]? FromLastArena(long start)
    {
        var (last, size) = (start, 0L);
        foreach (var arena in BttGeometry.ArenaSizes(media.Length - start))
        {
            (last, size) = (last + size, arena);
        }

        var damaged = new byte[BlockBytes];
        if (last == start || Read(BackupOffset(last), out var info) is not { } shared || info.Version != VersionAt(start) || MetadataAccess.Read(media, start, damaged) is not null)
        {
            return null;
        }

        shared.AsSpan(0, Layout.ExternalLbaCount).CopyTo(damaged);
        return BttInfoBlock.TryRead(damaged, parent, out _) ? damaged : null;
    }

    /// <summary>The damaged block itself may still say where its backup is.</summary>
    private byte[]? FromOwnPointer(long start)
    {
        var damaged = new byte[BlockBytes];
        if (MetadataAccess.Read(media, start, damaged) is not null)
        {
            return null;
        }

        var pointer = BinaryPrimitives.ReadInt64LittleEndian(damaged.AsSpan(Layout.Info2Offset));
        return pointer > 0 && pointer <= media.Length - start - BlockBytes && Read(start + pointer, out var info) is { } bytes && info.Version == VersionAt(start) ? bytes : null;
    }

    private long BackupOffset(long start)
    {
        var size = Math.Min(media.Length - start, BttGeometry.LargestArena);
        return start + (size / BlockBytes * BlockBytes) - BlockBytes;
    }

    private static Version VersionAt(long start) => start == 0 ? new Version(2, 0) : new Version(1, 1);

    private byte[]? Read(long offset, out BttInfoBlock info)
    {
        var bytes = new byte[BlockBytes];
        info = null!;
        return MetadataAccess.Read(media, offset, bytes) is null && BttInfoBlock.TryRead(bytes, parent, out info) ? bytes : null;
    }

    private bool Restore(long offset, byte[] backup) => repair && MetadataAccess.Write(media, offset, backup, atomic: false) is null;
}
