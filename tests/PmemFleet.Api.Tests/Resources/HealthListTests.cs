using System.Text.Json.Nodes;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Resources;

/// <summary><c>ndctl list -DH</c> over the product's own worker.</summary>
public sealed class HealthListTests(RealWorkerFixture fixture) : IClassFixture<RealWorkerFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task List_WithHealth_HasTheRecordedMembersInTheirOrder()
    {
        await _api.CreateReadyHostAsync("""{"name":"healthy","dimms":[{"capacity":"64M"}],"regions":[{"dimms":["nmem0"]}]}""");
        await Eventually.Async(async () => await HealthAsync() is { Count: > 1 }, TimeSpan.FromSeconds(30));

        // group n's recording of nfit_test: the members that ndctl printed, in its order
        string[] recorded =
        [
            "health_state", "temperature_celsius", "controller_temperature_celsius", "spares_percentage", "alarm_temperature", "alarm_controller_temperature",
            "alarm_spares", "alarm_enabled_media_temperature", "temperature_threshold", "alarm_enabled_ctrl_temperature", "alarm_enabled_spares",
            "spares_threshold", "life_used_percentage", "shutdown_state", "shutdown_count",
        ];
        var health = (await HealthAsync())!;
        Assert.Equal(recorded.Where(health.ContainsKey), health.Select(member => member.Key));
        Assert.Equal(("ok", "clean"), ((string?)health["health_state"], (string?)health["shutdown_state"]));
        Assert.Null(JsonNode.Parse(await _api.GetStringAsync("/v1/hosts/healthy/ndctl/list?dimms=true"))![0]!["health"]);
    }

    [Fact]
    public async Task List_WithFirmwareCapabilitiesAndFilters_PrintsWhatNdctlPrints()
    {
        await _api.CreateReadyHostAsync("""{"name":"listed","dimms":[{"capacity":"64M"}],"regions":[{"dimms":["nmem0"]}]}""");
        await Eventually.Async(async () => (await ListAsync("dimms=true&firmware=true"))[0]!["firmware"] is not null, TimeSpan.FromSeconds(30));

        var bus = (await ListAsync("verbose=3"))[0]!;
        Assert.Equal("suspend", (string?)bus["firmware"]!["activate_method"]);
        Assert.Equal(
            ["security", "firmware", "health"],
            bus["dimms"]![0]!.AsObject().Select(member => member.Key).SkipWhile(key => key != "security"));
        Assert.Equal(0x102005444UL, (ulong)bus["dimms"]![0]!["firmware"]!["current_version"]!);
        Assert.Equal("sector", (string?)bus["regions"]![0]!["capabilities"]![0]!["mode"]);
        foreach (var (filter, count) in ((string, int)[])[("bus=ndbus0", 1), ("bus=nosuch", 0), ("type=pmem", 1), ("type=blk", 0), ("numaNode=0", 1), ("numaNode=5", 0)])
        {
            Assert.Equal(count, (await ListAsync($"regions=true&{filter}")).Count);
        }
    }

    private async Task<JsonArray> ListAsync(string query) =>
        JsonNode.Parse(await _api.GetStringAsync(new Uri($"/v1/hosts/listed/ndctl/list?{query}", UriKind.Relative)))!.AsArray();

    private async Task<JsonObject?> HealthAsync() =>
        JsonNode.Parse(await _api.GetStringAsync("/v1/hosts/healthy/ndctl/list?dimms=true&health=true"))![0]!["health"] as JsonObject;
}
