using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
using PmemFleet.Nvdimm.Btt;

namespace PmemFleet.Api.MediaErrors;

/// <summary>A piece of a namespace that has one use.</summary>
/// <param name="Range">Bytes from the namespace's start.</param>
/// <param name="Hurts">The use.</param>
/// <param name="Mode">The namespace's mode.</param>
/// <param name="DataStart">Where its data begins.</param>
/// <param name="Consequence">What an error there leads to.</param>
public sealed record NamespacePart(ByteRange Range, string Hurts, string Mode, long DataStart, string Consequence);

/// <summary>What lies where in a namespace (specs 30 and 40).</summary>
public static class NamespaceParts
{
    private const long InfoBlocks = 8192;
    private const long BlockBytes = 4096;

    private const string MetadataLost = "A driver that reads it gets EIO: the namespace does not bind as it is; a reconfigure writes it anew and clears it.";

    /// <summary>Cuts a range where the use changes.</summary>
    public static IEnumerable<NamespacePart> Cut(HostRows rows, NamespaceRow space, ByteRange range)
    {
        var region = rows.Regions.First(row => row.Id == space.RegionId);
        var claim = rows.Personalities.Find(row => row.RegionId == space.RegionId && row.NamespaceNumber == space.Number);
        var mode = NamespaceProjection.ModeOf(region, space, claim);
        var dataStart = claim?.Bound is { } bound ? (bound.StartPad ?? 0) + (bound.DataOffset ?? 0) : 0;
        foreach (var (use, hurts, consequence) in Uses(space, claim, dataStart))
        {
            var (start, end) = (Math.Max(use.Start, range.Start), Math.Min(use.End, range.End));
            if (start < end)
            {
                yield return new NamespacePart(new ByteRange(start, end - start), hurts, mode, dataStart, consequence);
            }
        }
    }

    private static IEnumerable<(ByteRange Use, string Hurts, string Consequence)> Uses(NamespaceRow space, PersonalityRow? claim, long dataStart)
    {
        if (claim is { Kind: PersonalityRow.Btt, Bound: { } btt })
        {
            return Arenas(space.Size, (int)(btt.SectorSize ?? claim.SectorSize ?? BlockBytes), btt.Version == "2.0" ? 0 : BlockBytes);
        }

        var data = claim switch
        {
            { Kind: PersonalityRow.Dax } => "A load is SIGBUS (BUS_MCEERR_AR), and the whole granule leaves every process; a store clears nothing.",
            { Kind: PersonalityRow.Pfn } => "A block read is EIO and a write clears it; a load through a mapping of a file is SIGBUS.",
            _ => "A block read is EIO, and the process lives; a write of the whole sector clears it.",
        };
        return dataStart == 0
            ? [(new ByteRange(0, space.Size), "data", data)]
            :
            [
                (new ByteRange(0, Math.Min(InfoBlocks, dataStart)), "info-block", MetadataLost),
                (new ByteRange(InfoBlocks, Math.Max(0, dataStart - InfoBlocks)), "memmap", "The page map is written anew at each bind."),
                (new ByteRange(dataStart, claim!.Bound!.Size), "data", data),
                (new ByteRange(dataStart + claim.Bound.Size, Math.Max(0, space.Size - dataStart - claim.Bound.Size)), "unused", "Nothing lies there."),
            ];
    }

    private static IEnumerable<(ByteRange Use, string Hurts, string Consequence)> Arenas(long size, int sectorSize, long initialOffset)
    {
        if (initialOffset > 0)
        {
            yield return (new ByteRange(0, initialOffset), "unused", "Nothing lies there.");
        }

        var start = initialOffset;
        foreach (var arena in BttGeometry.ArenaSizes(size - initialOffset))
        {
            var parts = BttGeometry.Of(arena, sectorSize);
            yield return (new ByteRange(start, parts.DataOffset), "info-block", MetadataLost);
            yield return (new ByteRange(start + parts.DataOffset, parts.MapOffset - parts.DataOffset), "btt-data", "A read of the sector is EIO, and its map entry is marked; a write of the sector goes to another block.");
            yield return (new ByteRange(start + parts.MapOffset, parts.LogOffset - parts.MapOffset), "btt-map", "Reads and writes of the sectors whose entries lie there are EIO; atomic writes do not clear it.");
            yield return (new ByteRange(start + parts.LogOffset, parts.Info2Offset - parts.LogOffset), "btt-log", "The log cannot be read: the namespace does not bind.");
            yield return (new ByteRange(start + parts.Info2Offset, arena - parts.Info2Offset), "info-block-backup", "The kernel never reads it; check-namespace cannot restore the first from it.");
            start += arena;
        }

        yield return (new ByteRange(start, Math.Max(0, size - start)), "unused", "Nothing lies there.");
    }
}
