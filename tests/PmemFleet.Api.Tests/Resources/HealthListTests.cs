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

    private async Task<JsonObject?> HealthAsync() =>
        JsonNode.Parse(await _api.GetStringAsync("/v1/hosts/healthy/ndctl/list?dimms=true&health=true"))![0]!["health"] as JsonObject;
}
