using System.Diagnostics;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Kills;

[Collection(ChaosSuite.Name)]
public sealed class KillTests(ChaosServer server)
{
    /// <summary>
    /// Clients make, change, destroy, write, read, poison and power-cycle, while Apis, workers, backends and the server are killed at random,
    /// and workers are drained and resumed among it.
    /// </summary>
    [Fact]
    public async Task MixedLoad_WithEverythingKilledAtRandom_LosesNothingAndDoesNothingTwice()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape());
        var random = ChaosRun.Choices("kills");
        var loads = new Dictionary<string, RegionLoad[]>();
        foreach (var host in new[] { "kill-a", "kill-b", "kill-c" })
        {
            await fleet.CreateHostAsync(host, dimms: 2);
            loads[host] = [.. Enumerable.Range(0, 2).Select(region => new RegionLoad(fleet.Client, host, region, new Random(random.Next())))];
        }

        var disturbance = new Disturbance(fleet, new Random(random.Next()));
        using var stop = new CancellationTokenSource(ChaosRun.Duration(TimeSpan.FromSeconds(25)));
        var clock = Stopwatch.StartNew();
        try
        {
            var clients = loads.Values.SelectMany(regions => regions).Select(async load =>
            {
                while (!stop.IsCancellationRequested)
                {
                    await load.StepAsync();
                }
            }).ToList();
            while (!stop.IsCancellationRequested && !clients.Any(client => client.IsFaulted))
            {
                // a kill while nothing happens shows little: the clients get somewhere in between, however slow the machine is
                var goal = Requests(loads) + random.Next(1, 30);
                for (var wait = 0; wait < 60 && Requests(loads) < goal && !stop.IsCancellationRequested; wait++)
                {
                    await Task.Delay(100);
                }

                await disturbance.OnceAsync();
            }

            await stop.CancelAsync();
            await fleet.ReadyAsync();
            await Task.WhenAll(clients);
            await disturbance.DemandDrainsAsync();
            await FleetVerdict.DemandAsync(fleet, loads);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            throw new InvalidOperationException($"{failure.Message}\nafter {clock.Elapsed.TotalSeconds:F0} s; {string.Join(", ", disturbance.Done)}\n{fleet.Errors()}", failure);
        }

        server.Report($"kills: {Requests(loads)} requests ({fleet.Client.Retries} retries) in {clock.Elapsed.TotalSeconds:F0} s; {string.Join(", ", disturbance.Done.Select(pair => $"{pair.Value} × {pair.Key}"))}");
    }

    private static int Requests(Dictionary<string, RegionLoad[]> loads) => loads.Values.Sum(regions => regions.Sum(load => load.Requests));
}
