using System.Text.Json;
using PmemFleet.Contracts;
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

    /// <summary>Why it is refused; null where it may pass.</summary>
    public static RefusalDto? Check(SyncRequest request) =>
        List("hosts", request.Hosts, MostItems)
        ?? List("results", request.Results, MostItems)
        ?? List("progress", request.Progress ?? [], MostItems)
        ?? List("observations", request.Observations, MostItems)
        ?? First(request.Results!, Result)
        ?? First(request.Observations!, seen => List("observations.poison", seen.Poison, MostRanges) ?? List("observations.badRanges", seen.BadRanges, MostRanges));

    private static RefusalDto? Result(TaskResult result) =>
        List("results.steps", result.Steps, MostItems)
        ?? First(result.Steps, step => step is StepRefused { Refusal: not { Errno: not null, Code: not null, Message: not null } }
            ? Refused("results.steps.refusal", "it has to tell its errno, code and message")
            : HasNul(step) ? Refused("results.steps", "a text has a character U+0000") : null);

    /// <summary>The database cannot keep one.</summary>
    private static bool HasNul(StepResult step) =>
        step is not (StepDone or StepCampaign) && JsonSerializer.Serialize(step, FleetJsonContext.Default.StepResult).Contains("\\u0000", StringComparison.Ordinal);

    private static RefusalDto? First<T>(IReadOnlyList<T> items, Func<T, RefusalDto?> check)
    {
        foreach (var item in items)
        {
            if (check(item) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    private static RefusalDto? List<T>(string subject, IReadOnlyList<T>? items, int most)
    {
        if (items is null || items.Any(item => item is null))
        {
            return Refused(subject, "null is not one of its values");
        }

        return items.Count <= most ? null : Refused(subject, "it has too many items") with
        {
            Numbers = new Dictionary<string, string> { ["items"] = $"{items.Count}", ["most"] = $"{most}" },
            Allowed = [$"{most}"],
        };
    }

    private static RefusalDto Refused(string subject, string why) => new()
    {
        Errno = "EINVAL",
        Code = "sync-malformed",
        Message = $"The sync's '{subject}' cannot be read: {why}.",
        Subject = subject,
    };
}
