using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.DataPlane;

/// <summary>A DIMM's whole lists, part by part; observations carry only their beginning.</summary>
internal static class DimmErrors
{
    private const int Most = 1000;

    /// <param name="host">The host.</param>
    /// <param name="dimmId">The DIMM.</param>
    /// <param name="from">The first DPA that is looked at.</param>
    /// <param name="limit">Ranges of each list, 1 to 1000.</param>
    public static Answer<DimmErrorsDto> Page(LiveHost host, Guid dimmId, long from, int limit)
    {
        if (host.Memory.FindDimm(dimmId) is not { } dimm)
        {
            return Refusals.NotFound($"DIMM {dimmId}");
        }

        limit = Math.Clamp(limit, 1, Most);
        from = Math.Clamp(from, 0, dimm.Layout.Capacity);
        var (poison, known) = (dimm.Poison.Within(from, dimm.Layout.Capacity - from, limit), dimm.Known.Within(from, dimm.Layout.Capacity - from, limit));

        // a list that was cut ends the part: what the other has behind that point belongs to the next one
        var end = Math.Min(EndOf(poison, limit), EndOf(known, limit));
        return new DimmErrorsDto
        {
            PoisonRanges = dimm.Poison.Count,
            PoisonBytes = dimm.Poison.TotalBytes,
            KnownRanges = dimm.Known.Count,
            KnownBytes = dimm.Known.TotalBytes,
            Poison = Before(poison, end),
            Known = Before(known, end),
            NextDpa = end == long.MaxValue ? null : end,
        };
    }

    private static long EndOf(IReadOnlyList<ByteRange> ranges, int limit) => ranges.Count == limit ? ranges[^1].End : long.MaxValue;

    private static IReadOnlyList<DpaRangeDto> Before(IReadOnlyList<ByteRange> ranges, long end) =>
        [.. ranges.Where(range => range.Start < end).Select(range => new DpaRangeDto(range.Start, Math.Min(range.End, end) - range.Start))];
}
