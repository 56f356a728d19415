using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using PmemFleet.Chaos.Tests.Kills;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Wires;

[Collection(ChaosSuite.Name)]
public sealed class WorkerWireTests(ChaosServer server)
{
    private static readonly WireFault[] OfWorkers =
    [
        WireFault.CutBefore, WireFault.CutAfter, WireFault.CutWithin, WireFault.DelayBefore, WireFault.DelayAfter,
        WireFault.Duplicate, WireFault.DuplicateAtOnce, WireFault.Reorder, WireFault.ForeignAnswer,
    ];

    /// <summary>A client that repeats what was cut may not be doubled behind its back where it does not carry a key: a PUT of bytes.</summary>
    private static readonly WireFault[] OfClients = [WireFault.CutBefore, WireFault.CutAfter, WireFault.CutWithin, WireFault.DelayAfter];

    private static readonly WireFault[] OfClientsWithKeys = [.. OfClients, WireFault.Duplicate, WireFault.DuplicateAtOnce, WireFault.Reorder];

    /// <summary>The way between workers and Apis delays, cuts, doubles, reorders, and answers itself; so does the clients' way.</summary>
    [Fact]
    public async Task Sync_OverABadWire_LosesNothingAndDoesNothingTwice()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape { LeaseSeconds = 5 });
        var random = ChaosRun.Choices("wires");
        var loads = new Dictionary<string, RegionLoad[]>();
        foreach (var host in new[] { "wire-a", "wire-b" })
        {
            await fleet.CreateHostAsync(host, dimms: 2);
            loads[host] = [.. Enumerable.Range(0, 2).Select(region => new RegionLoad(fleet.Client, host, region, new Random(random.Next())))];
        }

        var struck = new ConcurrentDictionary<WireFault, int>();
        var dice = new Random(random.Next());
        fleet.WorkerWire.Delay = fleet.Front.Delay = () => TimeSpan.FromMilliseconds(Next(dice, 800));
        fleet.WorkerWire.Choose = _ => Strike(Next(dice, 100) < 30 ? OfWorkers[Next(dice, OfWorkers.Length)] : WireFault.None);
        fleet.Front.Choose = request => Strike(Next(dice, 100) < 15 ? Choose(request) : WireFault.None);
        using var stop = new CancellationTokenSource(ChaosRun.Duration(TimeSpan.FromSeconds(18)));
        var clock = Stopwatch.StartNew();
        try
        {
            await Task.WhenAll(loads.Values.SelectMany(regions => regions).Select(async load =>
            {
                while (!stop.IsCancellationRequested)
                {
                    await load.StepAsync();
                }
            }));
            fleet.WorkerWire.Choose = fleet.Front.Choose = _ => WireFault.None;
            await FleetVerdict.DemandAsync(fleet, loads);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            throw new InvalidOperationException($"{failure.Message}\nafter {clock.Elapsed.TotalSeconds:F0} s\n{fleet.Errors()}", failure);
        }

        server.Report($"wires: {loads.Values.Sum(regions => regions.Sum(load => load.Requests))} requests ({fleet.Client.Retries} retries) in {clock.Elapsed.TotalSeconds:F0} s; {string.Join(", ", struck.OrderBy(pair => pair.Key).Select(pair => $"{pair.Value} × {pair.Key}"))}");
        Assert.True(struck.Count > 3, "the wire was good");

        WireFault Choose(HttpRequest request) => request.Method == "POST" ? OfClientsWithKeys[Next(dice, OfClientsWithKeys.Length)] : OfClients[Next(dice, OfClients.Length)];

        WireFault Strike(WireFault fault)
        {
            if (fault != WireFault.None)
            {
                struck.AddOrUpdate(fault, 1, (_, count) => count + 1);
            }

            return fault;
        }
    }

    /// <summary>Requests come on many threads.</summary>
    private static int Next(Random random, int below)
    {
        lock (random)
        {
            return random.Next(below);
        }
    }
}
