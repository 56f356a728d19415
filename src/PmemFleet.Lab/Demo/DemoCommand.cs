using System.Text.Json;
using Spectre.Console;

namespace PmemFleet.Lab.Demo;

/// <summary>Runs the tour against an Api and shows what it found.</summary>
internal static class DemoCommand
{
    /// <summary>Runs every step; 0 when all passed, 1 when one failed.</summary>
    /// <param name="http">A client whose base address is the Api and which carries an operator's key.</param>
    /// <param name="json">One JSON document instead of tables.</param>
    /// <param name="suffix">Put behind the demo hosts' names, so that the tour can run again on a fleet that has had it.</param>
    /// <param name="console">Where it goes.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancellation">Stops the tour.</param>
    public static async Task<int> RunAsync(
        HttpClient http, bool json, string suffix, IAnsiConsole console, TimeProvider time, CancellationToken cancellation)
    {
        var tour = new Tour(new FleetApi(http, time), time, suffix);
        var start = time.GetTimestamp();
        var failure = json
            ? await RunStepsAsync(tour, _ => { }, cancellation)
            : await console.Progress()
                .HideCompleted(false)
                .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
                .StartAsync(async context =>
                {
                    var progress = context.AddTask("The tour", maxValue: tour.Steps.Count);
                    return await RunStepsAsync(
                        tour,
                        title =>
                        {
                            progress.Description = Markup.Escape(title);
                            progress.Increment(title.Length > 0 ? 1 : 0);
                        },
                        cancellation);
                });
        var elapsed = time.GetElapsedTime(start);
        if (json)
        {
            await Console.Out.WriteLineAsync(TourJson.Serialize(tour.Report, failure, elapsed));
        }
        else
        {
            TourPrinter.Print(console, tour.Report, failure, elapsed);
        }

        return failure is null ? 0 : 1;
    }

    private static async Task<string?> RunStepsAsync(Tour tour, Action<string> begin, CancellationToken cancellation)
    {
        foreach (var step in tour.Steps)
        {
            begin(step.Title);
            try
            {
                await step.RunAsync(cancellation);
            }
            catch (Exception failure) when (failure is TourException or HttpRequestException or JsonException)
            {
                return $"{step.Title}: {failure.Message}";
            }
        }

        return null;
    }
}
