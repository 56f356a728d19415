using System.Text.Json.Nodes;
using PmemFleet.Lab.Demo;
using PmemFleet.Lab.Hosting;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Lab.Tests.Demo;

/// <summary>The tour over the whole product: PostgreSQL, the Api, and a worker in a process of its own.</summary>
public sealed class TourTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    [Trait("Row", "28")]
    [Trait("Row", "88")]
    public async Task Tour_WorkerKilledInEachStep_EndsWithTheSameFigures()
    {
        await using var lab = await Hosting.Lab.StartAsync(new LabOptions { ConnectionString = null }, None);
        using var http = lab.CreateClient();

        var quiet = await RunAsync(new Tour(new FleetApi(http, TimeProvider.System), TimeProvider.System, "-quiet"), _ => Task.CompletedTask);
        var killed = await RunAsync(new Tour(new FleetApi(http, TimeProvider.System), TimeProvider.System, "-killed"), step => KillAsync(lab, step));

        Assert.True(lab.Worker.Restarts > 0, "no worker was killed");
        Assert.Equal(Figures(quiet), Figures(killed));
    }

    /// <summary>Every figure that a run may not change: names, sizes, faults, tables, signals, errors, extents; uuids and counters of boots aside.</summary>
    private static string Figures(TourReport report) => new JsonObject
    {
        ["namespaces"] = string.Join(';', report.Namespaces.Select(ns => $"{ns.Name} {ns.Mode} {ns.Size} {ns.RawSize} {ns.Align} {ns.SectorSize} {ns.DataOffset} {ns.State}")),
        ["daxDevice"] = $"{report.DaxDevice!.Name} {report.DaxDevice.Size} {report.DaxDevice.Align}",
        ["faults"] = report.FirstTouch!.Faults.ToString(),
        ["tables"] = report.PageTables!.Bytes.ToString(),
        ["private"] = $"{report.PrivateMapping!.Errno} {report.PrivateMapping.Code}",
        ["signal"] = report.PoisonedLoad!.Signal!.ToString(),
        ["found"] = string.Join(';', report.BadblocksFound!),
        ["cleared"] = report.ClearingWrite!.ToString(),
        ["after"] = report.BadblocksAfterWrite!.Count,
        ["imported"] = string.Join(';', report.Imported!.Select(ns => $"{ns.Name} {ns.AltName} {ns.RawUuid} {ns.RawSize}")),
        ["differences"] = report.Check!.Differences.Count,
    }.ToJsonString();

    private static async Task<TourReport> RunAsync(Tour tour, Func<int, Task> disturb)
    {
        foreach (var (step, number) in tour.Steps.Select((step, number) => (step, number)))
        {
            var disturbance = disturb(number);
            await step.RunAsync(None);
            await disturbance;
        }

        return tour.Report;
    }

    /// <summary>Each step is hit at another moment of its life.</summary>
    private static async Task KillAsync(Hosting.Lab lab, int step)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(30 + (60 * step)), None);
        _ = Libc.Kill(lab.Worker.Pid, Libc.SigKill);
    }
}
