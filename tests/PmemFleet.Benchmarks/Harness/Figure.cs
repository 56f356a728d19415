namespace PmemFleet.Benchmarks.Harness;

/// <summary>Which direction is good.</summary>
internal enum Better
{
    Higher,
    Lower,
}

/// <summary>One figure of the document of design section 7.</summary>
/// <param name="Name">Stable name.</param>
/// <param name="Value">The median of the runs.</param>
/// <param name="Unit">Unit; <c>x</c> for a ratio.</param>
/// <param name="Goal">What was asked for; null when it only informs.</param>
/// <param name="Better">Which direction is good.</param>
/// <param name="Met">Whether the goal is met; null without one.</param>
/// <param name="Runs">How many runs.</param>
/// <param name="Min">Smallest run.</param>
/// <param name="Max">Largest run.</param>
/// <param name="Note">What was measured against what.</param>
internal sealed record Figure(
    string Name, double Value, string Unit, double? Goal, Better Better, bool? Met, int Runs, double Min, double Max, string Note)
{
    public static Figure Of(string name, string unit, double? goal, Better better, string note, params IReadOnlyList<double> runs)
    {
        var sorted = runs.Order().ToList();
        var middle = sorted.Count / 2;
        var median = sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        bool? met = goal is null ? null : better == Better.Higher ? median >= goal : median <= goal;
        return new(name, Round(median), unit, goal, better, met, sorted.Count, Round(sorted[0]), Round(sorted[^1]), note);
    }

    private static double Round(double value) => value == 0 || !double.IsFinite(value) ? value : Math.Round(value, Math.Clamp(4 - (int)Math.Log10(Math.Abs(value)), 0, 12));
}
