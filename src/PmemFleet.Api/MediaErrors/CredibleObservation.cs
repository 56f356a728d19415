using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.MediaErrors;

/// <summary>Whether what a worker says of a DIMM can be: no range leaves the DIMM, no count is below zero.</summary>
public static class CredibleObservation
{
    /// <param name="seen">What it says.</param>
    /// <param name="capacity">Bytes of the DIMM's DPA space.</param>
    public static bool Is(DimmObservation seen, long capacity) =>
        seen is { Version: >= 0, DirtyShutdownCount: >= 0, ScrubCount: >= 0, PoisonRanges: >= 0, KnownRanges: >= 0, Poison: not null, BadRanges: not null }
        && IsWithin(seen.PoisonBytes, capacity) && IsWithin(seen.KnownBytes, capacity)
        && AreRanges(seen.Poison, capacity) && AreRanges(seen.BadRanges, capacity)
        && (seen.Health is null || IsWhole(seen.Health));

    private static bool IsWithin(long bytes, long capacity) => bytes >= 0 && bytes <= capacity;

    /// <summary>In the DIMM, one by one and together: their sum fits where every one of them does and there are few.</summary>
    private static bool AreRanges(IReadOnlyList<DpaRange> ranges, long capacity) =>
        ranges.Count <= Sync.SyncRules.MostRanges
        && ranges.All(range => range is { Dpa: >= 0, Length: > 0 } && range.Dpa < capacity && range.Length <= capacity - range.Dpa);

    private static bool IsWhole(Contracts.Health.DimmHealthDto health) =>
        health is { HealthState: not null, ShutdownState: not null, Firmware: not null, Security.State: not null, Injected: not null, ShutdownCount: >= 0 };
}
