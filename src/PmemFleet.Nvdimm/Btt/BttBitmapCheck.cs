using System.Collections;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>Every internal block must belong to exactly one sector or be exactly one lane's free block (spec 30 section 12).</summary>
internal static class BttBitmapCheck
{
    private const string OutOfBounds = "found a map entry that is out of bounds";

    private const string Misreferenced = "bitmap error: internal blocks are incorrectly referenced";

    /// <summary>The bounds of every map entry, which come before the log is held against the map.</summary>
    public static string? FindOutOfBounds(BttMapReader map, BttGeometry geometry)
    {
        for (uint lba = 0; lba < geometry.ExternalLbaCount; lba++)
        {
            var block = map.BlockOf(lba);
            if (map.IsUnreadable)
            {
                return null;
            }

            if (block >= geometry.InternalLbaCount)
            {
                return OutOfBounds;
            }
        }

        return null;
    }

    public static string? Find(BttMapReader map, BttGeometry geometry, BttLogEntry[] newest)
    {
        var seen = new BitArray((int)geometry.InternalLbaCount);
        for (uint lba = 0; lba < geometry.ExternalLbaCount; lba++)
        {
            var block = map.BlockOf(lba);
            if (map.IsUnreadable)
            {
                return null;
            }

            if (seen[(int)block])
            {
                return Misreferenced;
            }

            seen[(int)block] = true;
        }

        foreach (var entry in newest)
        {
            var block = (int)BttMapEntry.Strip(entry.OldMap);
            if (seen[block])
            {
                return Misreferenced;
            }

            seen[block] = true;
        }

        return seen.HasAllSet() ? null : Misreferenced;
    }
}
