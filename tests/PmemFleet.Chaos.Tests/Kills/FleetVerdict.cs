using System.Globalization;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Kills;

/// <summary>What must hold once everything runs again, whatever happened before.</summary>
internal static class FleetVerdict
{
    /// <summary>Every operation ends, every acknowledged write is there, nothing happened twice, media and rows agree, labels parse, events have no gap.</summary>
    public static async Task DemandAsync(ChaosFleet fleet, IReadOnlyDictionary<string, RegionLoad[]> loads)
    {
        await fleet.ReadyAsync();
        await fleet.QuietAsync();
        foreach (var (host, regions) in loads)
        {
            await DemandHostAsync(fleet, host, regions);
        }

        await DemandEventsAsync(fleet);
    }

    /// <summary>Everything that was acknowledged of a host is so, and nothing else.</summary>
    public static async Task DemandHostAsync(ChaosFleet fleet, string host, RegionLoad[] regions)
    {
        await fleet.HostReadyAsync(host);
        await DemandNamespacesAsync(fleet, host, regions);
        foreach (var load in regions)
        {
            foreach (var space in load.Namespaces.Where(space => space.HasBlocks))
            {
                await load.VerifyAsync(space);
            }
        }

        await DemandOnceAsync(fleet, host, regions);
        await DemandAgreementAsync(fleet, host);
    }

    /// <summary>Media, labels and rows of a host say the same.</summary>
    public static async Task DemandAgreementAsync(ChaosFleet fleet, string host)
    {
        var check = await ChaosFleet.MustAsync(fleet.Client.GetAsync($"/v1/hosts/{host}/check"));
        Assert.True(check.Body!["differences"]!.AsArray().Count == 0, $"{host}: {check}");
        var dimms = await fleet.Client.ListAsync($"/v1/hosts/{host}/dimms");
        Assert.Equal(dimms.Count, (int)check.Body["labelAreas"]!);
        foreach (var dimm in dimms)
        {
            var labels = await ChaosFleet.MustAsync(fleet.Client.GetAsync($"/v1/hosts/{host}/dimms/{dimm["name"]}/labels"));
            Assert.True(labels.Body!["complaints"]!.AsArray().Count == 0, $"{host} {dimm["name"]}: {labels}");
        }
    }

    /// <summary>The numbers have no gap, and a reader from the beginning, or behind those that were read before, gets them all.</summary>
    /// <returns>The last one's number.</returns>
    public static async Task<long> DemandEventsAsync(ChaosFleet fleet, long seen = 0)
    {
        // what comes while they are read (a worker that joins again) may be read, too
        var there = await fleet.ScalarAsync<long>("SELECT count(*) FROM events");
        while (true)
        {
            var page = await ChaosFleet.MustAsync(fleet.Client.GetAsync($"/v1/events?after={seen}&limit=1000"));
            var items = page.Body!["items"]!.AsArray();
            foreach (var item in items)
            {
                Assert.Equal(seen + 1, (long)item!["seq"]!);
                seen++;
            }

            if (items.Count == 0)
            {
                break;
            }
        }

        Assert.True(seen >= there, $"{there} events are there, and a reader gets {seen}");
        return seen;
    }

    private static async Task DemandNamespacesAsync(ChaosFleet fleet, string host, RegionLoad[] regions)
    {
        var listed = (await fleet.Client.ListAsync($"/v1/hosts/{host}/namespaces")).Where(space => (long)space["rawSize"]! > 0).ToList();
        var found = listed.Select(space => $"{space["mode"]} {space["altName"]} {space["state"]}").Order(StringComparer.Ordinal);
        var expected = regions.SelectMany(load => load.Namespaces).Select(space => $"{space.Mode} {space.Uuid:N} enabled").Order(StringComparer.Ordinal);
        Assert.Equal(expected, found);
    }

    private static async Task DemandOnceAsync(ChaosFleet fleet, string host, RegionLoad[] regions)
    {
        // one look: all types as one text
        var happened = (await fleet.ScalarAsync<string>($"SELECT coalesce(string_agg(type || ' ' || times, ','), '') FROM (SELECT type, count(*) AS times FROM events WHERE host = '{host}' GROUP BY type) AS t"))
            .Split(',', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split(' ')).ToDictionary(pair => pair[0], pair => int.Parse(pair[1], CultureInfo.InvariantCulture));
        foreach (var effect in regions.SelectMany(load => load.Effects).GroupBy(pair => pair.Key))
        {
            var (told, events) = (effect.Sum(pair => pair.Value), happened.GetValueOrDefault(effect.Key));
            Assert.True(told == events, $"{host}: {told} × {effect.Key} were acknowledged, and {events} happened");
        }
    }
}
