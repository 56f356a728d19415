using System.Net.Http.Json;
using System.Text.Json.Nodes;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Access;

/// <summary>One of each kind of caller, good and bad.</summary>
internal static class Credentials
{
    public const string WorkerName = "rogue";
    public const string MetricsKey = "pmm_roles_0123456789abcdef0123456789abcdef";

    /// <summary>The callers by name; the header's whole value, or null for none.</summary>
    public static async Task<Dictionary<string, string?>> MakeAsync(ChaosFleet fleet)
    {
        var viewer = await KeyAsync(fleet, "viewer", "viewer", null);
        var expired = await KeyAsync(fleet, "expired", "admin", TimeProvider.System.GetUtcNow().AddSeconds(2));
        var revoked = await KeyAsync(fleet, "revoked", "admin", null, revoke: true);
        var worker = await JoinAsync(fleet);
        await Task.Delay(TimeSpan.FromSeconds(2.2));
        return new Dictionary<string, string?>
        {
            ["none"] = null,
            ["empty"] = "Bearer ",
            ["expired"] = $"Bearer {expired}",
            ["revoked"] = $"Bearer {revoked}",
            ["forged key"] = $"Bearer {viewer[..^1]}{(viewer[^1] == '0' ? '1' : '0')}",
            ["forged worker"] = $"Bearer {worker[..^1]}{(worker[^1] == 'A' ? 'E' : 'A')}",
            ["renamed worker"] = $"Bearer {Renamed(worker)}",
            ["unsigned JWT"] = "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.",
            ["basic"] = "Basic " + Convert.ToBase64String("admin:admin"u8),
            ["prefix of the join token"] = $"Bearer {ChaosFleet.JoinToken[..^1]}",
            ["very long"] = "Bearer pmf_" + new string('a', 16_000),
            ["forged metrics key"] = $"Bearer {MetricsKey[..^1]}0",
            ["viewer"] = $"Bearer {viewer}",
            ["operator"] = $"Bearer {await KeyAsync(fleet, "operator", "operator", null)}",
            ["admin"] = $"Bearer {await KeyAsync(fleet, "admin", "admin", null)}",
            ["join token"] = $"Bearer {ChaosFleet.JoinToken}",
            ["worker"] = $"Bearer {worker}",
            ["metrics key"] = $"Bearer {MetricsKey}",
        };
    }

    /// <summary>The status that an endpoint gives a caller it does not let in; null where it lets it in.</summary>
    public static int? Refusal(string caller, EndpointRole endpoint, bool ownPath) => endpoint.Needs == Needs.Open ? null : caller switch
    {
        "viewer" => endpoint.Needs is Needs.Viewer or Needs.Metrics ? null : 403,
        "operator" => endpoint.Needs is Needs.Viewer or Needs.Metrics or Needs.Operator ? null : 403,
        "admin" => endpoint.Needs is Needs.Viewer or Needs.Metrics or Needs.Operator or Needs.Admin ? null : 403,
        "metrics key" => endpoint.Needs == Needs.Metrics ? null : 403,
        "join token" => endpoint.Needs == Needs.Join ? null : 403,
        "worker" => endpoint.Needs == Needs.Worker && ownPath ? null : 403,
        _ => 401,
    };

    /// <summary>A key's secret, straight from a replica so that its answer is the first.</summary>
    private static async Task<string> KeyAsync(ChaosFleet fleet, string name, string role, DateTimeOffset? expiresAt, bool revoke = false)
    {
        using var http = fleet.NewClient(ChaosFleet.AdminKey, fleet.ReplicaUrls[0]);
        using var made = await http.PostAsJsonAsync("/v1/api-keys", new { name, role, expiresAt });
        var body = JsonNode.Parse(await made.Content.ReadAsStringAsync())!;
        Assert.True(made.IsSuccessStatusCode, body.ToJsonString());
        if (revoke)
        {
            using var request = new HttpRequestMessage(HttpMethod.Delete, $"/v1/api-keys/{body["id"]}");
            request.Headers.TryAddWithoutValidation("If-Match", "*");
            using var revoked = await http.SendAsync(request);
            Assert.True(revoked.IsSuccessStatusCode);
        }

        return (string)body["key"]!;
    }

    private static async Task<string> JoinAsync(ChaosFleet fleet)
    {
        using var http = fleet.NewClient(ChaosFleet.JoinToken, fleet.ReplicaUrls[0]);
        using var joined = await http.PostAsJsonAsync("/v1/workers/join", new
        {
            name = WorkerName,
            mediaPool = "nowhere",
            advertisedUrl = "http://127.0.0.1:9",
            instanceId = Guid.CreateVersion7(),
            version = "chaos",
        });
        var body = JsonNode.Parse(await joined.Content.ReadAsStringAsync())!;
        return (string)body["credential"]!;
    }

    /// <summary>The same claim for another worker's name, with the old seal.</summary>
    private static string Renamed(string credential)
    {
        var parts = credential.Split('.');
        parts[2] = Convert.ToBase64String("worker-0"u8).TrimEnd('=');
        return string.Join('.', parts);
    }
}
