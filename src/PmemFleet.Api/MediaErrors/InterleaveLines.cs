using PmemFleet.Api.Regions;

namespace PmemFleet.Api.MediaErrors;

/// <summary>A range of bytes.</summary>
public readonly record struct ByteRange(long Start, long Length)
{
    public long End => Start + Length;
}

/// <summary>Between a region's bytes and the DPA of its DIMMs: lines of 4 KiB go round the set by position.</summary>
public static class InterleaveLines
{
    public const long LineBytes = 4096;

    /// <summary>Where a range of the region is on the DIMMs. Neighbouring lines of a DIMM are one range.</summary>
    public static List<(Guid DimmId, ByteRange Dpa)> ToDimms(IReadOnlyList<RegionMappingRow> byPosition, ByteRange inRegion)
    {
        var found = byPosition.Select(_ => new List<ByteRange>()).ToArray();
        var ways = byPosition.Count;
        for (var at = inRegion.Start; at < inRegion.End;)
        {
            var line = at / LineBytes;
            var end = ways == 1 ? inRegion.End : Math.Min((line + 1) * LineBytes, inRegion.End);
            var position = (int)(line % ways);
            Append(found[position], new ByteRange(byPosition[position].DpaStart + (line / ways * LineBytes) + (at % LineBytes), end - at));
            at = end;
        }

        return [.. found.SelectMany((ranges, position) => ranges.Select(range => (byPosition[position].DimmId, range)))];
    }

    /// <summary>Where a range of one DIMM is in the region; nothing where the region does not use it.</summary>
    public static List<ByteRange> ToRegion(RegionMappingRow mapping, int ways, ByteRange dpa)
    {
        var from = Math.Max(dpa.Start, mapping.DpaStart);
        var to = Math.Min(dpa.End, mapping.DpaStart + mapping.Length);
        var found = new List<ByteRange>();
        while (from < to)
        {
            var inShare = from - mapping.DpaStart;
            var line = inShare / LineBytes;
            var end = ways == 1 ? to : Math.Min(mapping.DpaStart + ((line + 1) * LineBytes), to);
            Append(found, new ByteRange((((line * ways) + mapping.Position) * LineBytes) + (inShare % LineBytes), end - from));
            from = end;
        }

        return found;
    }

    private static void Append(List<ByteRange> ranges, ByteRange next)
    {
        if (ranges.Count > 0 && ranges[^1].End == next.Start)
        {
            ranges[^1] = ranges[^1] with { Length = ranges[^1].Length + next.Length };
        }
        else
        {
            ranges.Add(next);
        }
    }
}
