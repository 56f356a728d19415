using PmemFleet.Api.Health;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.MediaErrors;

/// <summary>Whether what a worker says of a DIMM can be: no range leaves the DIMM, no count is below zero or above what can be counted.</summary>
public static class CredibleObservation
{
    /// <summary>
    /// More changes than a DIMM's journal could take between two observations: each of them is flushed to the disk. A version that jumps further
    /// would keep all true ones of its epoch out. (The next epoch starts over: it wins with any version.)
    /// </summary>
    public const long MostChangesBetween = 1L << 32;

    /// <param name="seen">What it says.</param>
    /// <param name="capacity">Bytes of the DIMM's DPA space.</param>
    /// <param name="former">The version that is known of the DIMM, of whichever epoch; 0 where there is none.</param>
    public static bool Is(DimmObservation seen, long capacity, long former) =>
        seen is { Version: >= 0, DirtyShutdownCount: >= 0 and <= uint.MaxValue, ScrubCount: >= 0, Poison: not null, BadRanges: not null }
        && seen.Version - former <= MostChangesBetween
        && IsWithin(seen.PoisonRanges, capacity) && IsWithin(seen.KnownRanges, capacity)
        && IsWithin(seen.PoisonBytes, capacity) && IsWithin(seen.KnownBytes, capacity)
        && AreRanges(seen.Poison, capacity) && AreRanges(seen.BadRanges, capacity)
        && (seen.Health is null || CredibleHealth.Is(seen.Health));

    private static bool IsWithin(long bytes, long capacity) => bytes >= 0 && bytes <= capacity;

    /// <summary>In the DIMM, one by one and together: their sum fits where every one of them does and there are few.</summary>
    private static bool AreRanges(IReadOnlyList<DpaRange> ranges, long capacity) =>
        ranges.Count <= Sync.SyncRules.MostRanges
        && ranges.All(range => range is { Dpa: >= 0, Length: > 0 } && range.Dpa < capacity && range.Length <= capacity - range.Dpa);
}
