namespace PmemFleet.Nvdimm.Btt;

/// <summary>The check of a log by itself: sequence numbers of every lane first, then the bounds of every lane's newest entry (spec 30 section 12).</summary>
internal static class BttLogCheck
{
    private const uint LargestSequence = 3;

    /// <summary>What is wrong, or null and the newest entries by lane.</summary>
    public static string? Find(ReadOnlySpan<byte> log, BttLogPadding padding, BttGeometry geometry, out BttLogEntry[] newest)
    {
        newest = new BttLogEntry[log.Length / BttGeometry.LogGroupBytes];
        for (var lane = 0; lane < newest.Length; lane++)
        {
            var group = log.Slice(lane * BttGeometry.LogGroupBytes, BttGeometry.LogGroupBytes);
            var s0 = BttLogEntry.Read(group[(padding.First * BttLogEntry.SizeBytes)..]).Sequence;
            var s1 = BttLogEntry.Read(group[(padding.Second * BttLogEntry.SizeBytes)..]).Sequence;
            if (s0 == s1)
            {
                return "found a pair of log entries with the same sequence number";
            }

            if (Math.Max(s0, s1) > LargestSequence)
            {
                return "found a log entry with an out of bounds sequence number";
            }

            newest[lane] = BttLogGroup.Read(group, padding, lane).Value.Newest;
        }

        foreach (var entry in newest)
        {
            if (OutOfBounds(entry, geometry) is { } what)
            {
                return $"found a log entry with an out of bounds {what}";
            }
        }

        return null;
    }

    private static string? OutOfBounds(BttLogEntry entry, BttGeometry geometry) =>
        entry.Lba >= geometry.ExternalLbaCount ? "LBA"
        : BttMapEntry.Strip(entry.OldMap) >= geometry.InternalLbaCount ? "'old' mapping"
        : BttMapEntry.Strip(entry.NewMap) >= geometry.InternalLbaCount ? "'new' mapping"
        : null;
}
