using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// What a sync may look like at all. One that does not is refused before it is near another worker's: idle syncs share their statements, and a
/// member that fails there would fail for everyone. Whether what it says is true is judged where it is applied.
/// </summary>
public static class SyncRules
{
    /// <summary>Hosts, DIMMs, results: more than a worker could hold or would send at once (it sends some 4 MiB, and then the rest).</summary>
    public const int MostItems = 100_000;

    /// <summary>The ranges of an observation, of each of its two lists.</summary>
    public const int MostRanges = 1024;

    /// <summary>Why it is refused; null where it may pass. Nulls in lists and texts that are none were refused when the body was read.</summary>
    public static RefusalDto? Check(SyncRequest request) =>
        Count("hosts", request.Hosts!.Count, MostItems)
        ?? Count("results", request.Results!.Count, MostItems)
        ?? Count("progress", request.Progress?.Count ?? 0, MostItems)
        ?? Count("observations", request.Observations!.Count, MostItems)
        ?? Count("results.steps", request.Results.Sum(result => result.Steps.Count), MostItems)
        ?? Count("observations.poison", request.Observations.Select(seen => seen.Poison.Count).DefaultIfEmpty().Max(), MostRanges)
        ?? Count("observations.badRanges", request.Observations.Select(seen => seen.BadRanges.Count).DefaultIfEmpty().Max(), MostRanges)
        ?? (request.HostsDigest is { Length: > HostsDigest.MostCharacters } ? Refused("hostsDigest", "it is too long") : null)
        ?? (request.Results.Any(result => result.Steps.Any(step => step.GetType() == typeof(StepResult))) ? Refused("results.steps.result", "it has to tell what kind of result it is") : null)
        ?? (request.Results.Any(result => result.Steps.Any(step => step is StepRefused { Refusal: not { Errno: not null, Code: not null, Message: not null } }))
            ? Refused("results.steps.refusal", "it has to tell its errno, code and message")
            : null);

    private static RefusalDto? Count(string subject, int items, int most) => items <= most ? null : Refused(subject, "it has too many items") with
    {
        Numbers = new Dictionary<string, string> { ["items"] = $"{items}", ["most"] = $"{most}" },
        Allowed = [$"{most}"],
    };

    private static RefusalDto Refused(string subject, string why) => new()
    {
        Errno = "EINVAL",
        Code = "sync-malformed",
        Message = $"The sync's '{subject}' cannot be read: {why}.",
        Subject = subject,
    };
}
