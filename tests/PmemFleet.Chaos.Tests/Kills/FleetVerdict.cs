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

        await DemandEventsAsync(fleet);
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

    /// <summary>The numbers have no gap, and a reader from the beginning gets them all.</summary>
    public static async Task DemandEventsAsync(ChaosFleet fleet)
    {
        var seen = 0L;
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

        Assert.Equal(await fleet.ScalarAsync<long>("SELECT count(*) FROM events"), seen);
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
        foreach (var effect in regions.SelectMany(load => load.Effects).GroupBy(pair => pair.Key))
        {
            var events = await fleet.ScalarAsync<long>($"SELECT count(*) FROM events WHERE host = '{host}' AND type = '{effect.Key}'");
            Assert.True(effect.Sum(pair => pair.Value) == events, $"{host}: {effect.Sum(pair => pair.Value)} × {effect.Key} were acknowledged, and {events} happened");
        }
    }
}
