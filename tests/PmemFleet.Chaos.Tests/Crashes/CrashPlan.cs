using System.Globalization;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Crashes;

/// <summary>Every so many-th unit of the whole list, so that a pass fits in several sessions.</summary>
internal sealed record CrashPart(int Number, int Count)
{
    public bool Holds(int unit) => unit % Count == Number - 1;
}

/// <summary>How much of the matrix is asked for.</summary>
internal static class CrashPlan
{
    public const string CrashesVariable = "PMEMFLEET_CHAOS_CRASHES";
    public const string PartVariable = "PMEMFLEET_CHAOS_PART";
    public const string LanesVariable = "PMEMFLEET_CHAOS_LANES";

    private static readonly TimeSpan ShortForm = TimeSpan.FromSeconds(25);

    /// <summary>"2/4" is the second quarter.</summary>
    public static CrashPart Part { get; } = ReadPart(Environment.GetEnvironmentVariable(PartVariable));

    /// <summary>Fleets at a time.</summary>
    public static int Lanes { get; } = int.TryParse(Environment.GetEnvironmentVariable(LanesVariable), NumberStyles.None, CultureInfo.InvariantCulture, out var lanes) && lanes > 0
        ? lanes
        : IsWhole || ChaosRun.IsLong ? 2 * Environment.ProcessorCount : 2;

    /// <summary>Null: until the list is empty. Minutes that are asked for are a limit of the whole matrix, too.</summary>
    public static TimeSpan? Duration => IsWhole && !ChaosRun.IsLong ? null : ChaosRun.Duration(ShortForm);

    /// <summary>All sequences with all points, to the end of the list.</summary>
    public static bool IsWhole => Environment.GetEnvironmentVariable(CrashesVariable) == "all";

    private static CrashPart ReadPart(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return new CrashPart(1, 1);
        }

        return text.Split('/') is [var number, var count] && int.TryParse(number, out var n) && int.TryParse(count, out var all) && n >= 1 && n <= all
            ? new CrashPart(n, all)
            : throw new FormatException($"{PartVariable}={text}: a part is as 2/4");
    }
}
