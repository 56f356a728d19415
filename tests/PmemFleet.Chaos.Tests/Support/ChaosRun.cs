using System.Globalization;

namespace PmemFleet.Chaos.Tests.Support;

/// <summary>
/// What one run is made of: PMEMFLEET_CHAOS_SEED repeats the choices of a run (not the moments at which processes meet), and
/// PMEMFLEET_CHAOS_MINUTES lets each test go on for as long as asked.
/// </summary>
internal static class ChaosRun
{
    public const string SeedVariable = "PMEMFLEET_CHAOS_SEED";
    public const string MinutesVariable = "PMEMFLEET_CHAOS_MINUTES";

    /// <summary>A folder with the published Api and worker; else those that were built with the tests.</summary>
    public static string Programs { get; } = Environment.GetEnvironmentVariable("PMEMFLEET_CHAOS_PROGRAMS") is { Length: > 0 } folder ? folder : AppContext.BaseDirectory;

    /// <summary>The seed of this run; each test derives its own choices from it.</summary>
    public static int Seed { get; } = Read(SeedVariable) is { } given ? (int)given : Random.Shared.Next();

    /// <summary>True where the run was asked to go on for long: what is a sample in CI is then everything.</summary>
    public static bool IsLong => Read(MinutesVariable) is > 0;

    /// <summary>How long a test goes on: as asked, or its short form.</summary>
    public static TimeSpan Duration(TimeSpan shortForm) => Read(MinutesVariable) is { } minutes and > 0 ? TimeSpan.FromMinutes(minutes) : shortForm;

    /// <summary>The choices of one test, the same for the same seed.</summary>
    public static Random Choices(string test)
    {
        var mixed = Seed;
        foreach (var letter in test)
        {
            mixed = unchecked((mixed * 31) + letter);
        }

        return new Random(mixed);
    }

    private static double? Read(string variable) =>
        double.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : null;
}
