using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Npgsql;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Operation;

[Collection(ChaosSuite.Name)]
public sealed partial class SecretTests(ChaosServer server)
{
    private const string Host = "discreet";
    private const string MetricsKey = "pmm_chaos_0123456789abcdef0123456789abcdef";
    private const string Jwt = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhLXBlcnNvbiIsImlzcyI6Imh0dHA6Ly8xMjcuMC4wLjE6MSJ9.c2lnbmF0dXJlLW9mLW5vYm9keQ";

    private readonly List<(string Where, string Text)> _seen = [];

    /// <summary>
    /// Each credential is used where it is good and where it is not, with every log at its most verbose: none is in a log, an answer that does not hand it
    /// out, an event, or an export.
    /// </summary>
    [Fact]
    public async Task Secret_OfEveryKind_IsInNoLogProblemEventOrExport()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape
        {
            Replicas = 1,
            Workers = 1,
            LeaseSeconds = 30,
            LinesKept = 2_000_000,
            Variables = new Dictionary<string, string>
            {
                ["PMEMFLEET__AUTH__METRICSKEY"] = MetricsKey,
                ["PMEMFLEET__AUTH__OIDC__AUTHORITY"] = "http://127.0.0.1:1",
                ["PMEMFLEET__AUTH__OIDC__AUDIENCE"] = "pmemfleet",
                ["Logging__LogLevel__Default"] = "Trace",
                ["Logging__LogLevel__Microsoft"] = "Trace",
                ["Logging__LogLevel__Microsoft.AspNetCore"] = "Trace",
                ["Logging__LogLevel__Npgsql"] = "Trace",
            },
        });
        await fleet.CreateHostAsync(Host, dimms: 1);
        var made = await (await fleet.Http.PostAsJsonAsync("/v1/api-keys", new { name = "a viewer", role = "viewer" })).Content.ReadFromJsonAsync<JsonNode>();
        using var joiner = fleet.NewClient(ChaosFleet.JoinToken);
        var instance = Guid.NewGuid();
        var joined = await (await joiner.PostAsJsonAsync("/v1/workers/join", new { name = "w", mediaPool = "elsewhere", advertisedUrl = "http://127.0.0.1:1", instanceId = instance, version = "1.0.0" })).Content.ReadFromJsonAsync<JsonNode>();
        var secrets = new Dictionary<string, string>
        {
            ["the bootstrap key"] = ChaosFleet.AdminKey,
            ["the join token"] = ChaosFleet.JoinToken,
            ["the metrics key"] = MetricsKey,
            ["the database's password"] = new NpgsqlConnectionStringBuilder(fleet.ConnectionString).Password!,
            ["an API key"] = (string)made!["key"]!,
            ["a worker's credential"] = (string)joined!["credential"]!,
            ["a data plane credential"] = (string)joined["dataPlaneCredential"]!,
            ["a JWT"] = Jwt,
        };
        Assert.All(secrets.Values, secret => Assert.True(secret.Length >= 8));

        foreach (var (what, secret) in secrets)
        {
            using var client = fleet.NewClient(secret);
            await AskAsync(client, what, HttpMethod.Get, "/v1/hosts");
            await AskAsync(client, what, HttpMethod.Get, "/metrics");
            await AskAsync(client, what, HttpMethod.Get, $"/v1/hosts/{Host}/nothing");
            await AskAsync(client, what, HttpMethod.Post, "/v1/hosts", "{\"name\":");
            await AskAsync(client, what, HttpMethod.Post, $"/v1/hosts/{Host}/namespaces", """{"mode":"fsdax","size":"3"}""");
            await AskAsync(client, what, HttpMethod.Post, $"/v1/workers/{joined["workerId"]}/sync", $$"""{"instanceId":"{{instance}}","hosts":[],"results":[],"observations":[],"progress":[],"waitSeconds":0}""");
            await AskAsync(client, what, HttpMethod.Delete, "/v1/api-keys/0190a1b2-0000-7000-8000-000000000000");
        }

        await AskAsync(fleet.Http, "admin", HttpMethod.Get, "/v1/events?limit=1000");
        await AskAsync(fleet.Http, "admin", HttpMethod.Get, "/v1/fleet");
        await AskAsync(fleet.Http, "admin", HttpMethod.Get, "/v1/api-keys");
        await AskAsync(fleet.Http, "admin", HttpMethod.Get, "/v1/workers");
        await AskAsync(fleet.Http, "admin", HttpMethod.Get, "/v1/operations?limit=1000");
        await AskAsync(fleet.Http, "admin", HttpMethod.Get, "/openapi/v1.json");
        foreach (var process in fleet.Replicas.Concat(fleet.Workers))
        {
            _seen.Add(($"the log of {process.Name}", string.Join('\n', process.Log)));
        }

        Assert.Contains(_seen, one => one.Where == "the log of api-0" && one.Text.Contains("PMEMFLEET__AUTH__BOOTSTRAPADMINKEY = ***", StringComparison.Ordinal));
        Assert.Contains(_seen, one => one.Where == "the log of api-0" && one.Text.Contains("dbug: Microsoft.AspNetCore", StringComparison.Ordinal));
        Assert.All(_seen, one =>
        {
            Assert.Empty(secrets.Where(secret => one.Text.Contains(secret.Value, StringComparison.Ordinal)).Select(secret => $"{secret.Key} is in {one.Where}: {Around(one.Text, secret.Value)}"));

            // and those that the test does not know: the real worker's
            Assert.False(Credential().IsMatch(one.Text), $"a credential is in {one.Where}");
        });
    }

    [Fact]
    public async Task WriteOnAWorker_Each_LeavesAnEventThatSaysWho()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape { Replicas = 1, Workers = 1, LeaseSeconds = 30 });
        await fleet.CreateHostAsync(Host, dimms: 1);
        await ChaosFleet.MustAsync(fleet.Client.PostAsync($"/v1/hosts/{Host}/namespaces", new JsonObject { ["mode"] = "devdax", ["size"] = "64M" }, "dax"));
        var raw = await ChaosFleet.MustAsync(fleet.Client.PostAsync($"/v1/hosts/{Host}/namespaces", new JsonObject { ["mode"] = "raw", ["size"] = "32M" }, "raw"));
        var key = await (await fleet.Http.PostAsJsonAsync("/v1/api-keys", new { name = "somebody", role = "operator" })).Content.ReadFromJsonAsync<JsonNode>();
        using var somebody = fleet.NewClient((string)key!["key"]!);
        var devices = await fleet.Client.ListAsync($"/v1/hosts/{Host}/dax-devices");

        var process = await MustAsync(somebody, HttpMethod.Post, "processes", new { comm = "app" });
        var pid = $"processes/{process["pid"]}";
        var mapping = await MustAsync(somebody, HttpMethod.Post, $"{pid}/mappings", new { device = (string)devices[0]["name"]!, length = "4M" });
        await MustAsync(somebody, HttpMethod.Post, $"{pid}/accesses", new { mapping = (int)mapping["id"]!, kind = "read", length = "4M", stride = "4K" });
        var child = await MustAsync(somebody, HttpMethod.Post, $"{pid}/fork", null);
        await MustAsync(somebody, HttpMethod.Delete, $"{pid}/mappings/{mapping["id"]}", null);
        await MustAsync(somebody, HttpMethod.Delete, $"processes/{child["pid"]}", null);
        await ChaosFleet.MustAsync(new PatientClient(somebody).PutAsync($"/v1/hosts/{Host}/namespaces/{raw.Body!["name"]}/data?offset=0", new byte[4096], "*"));

        var events = (await ChaosFleet.MustAsync(fleet.Client.GetAsync("/v1/events?limit=1000"))).Body!["items"]!.AsArray()
            .Where(one => (string?)one!["actor"] == "somebody").Select(one => (string)one!["subject"]!).ToList();
        foreach (var subject in (string[])["POST processes", $"POST {pid}/mappings", $"POST {pid}/accesses", $"POST {pid}/fork", $"DELETE processes/{child["pid"]}", $"PUT namespaces/{raw.Body["name"]}/data"])
        {
            Assert.Contains(subject.Replace(" ", $" /v1/hosts/{Host}/", StringComparison.Ordinal), events);
        }

        Assert.Contains(events, subject => subject.StartsWith($"DELETE /v1/hosts/{Host}/{pid}/mappings/", StringComparison.Ordinal));
    }

    /// <summary>Who is limited is who asks: by a proxy that is known, its client; by anybody else, whoever connects.</summary>
    [Theory]
    [InlineData("127.0.0.0/8", HttpStatusCode.Unauthorized)]
    [InlineData("10.0.0.0/8", HttpStatusCode.TooManyRequests)]
    public async Task ForwardedFor_IsBelievedFromKnownProxiesOnly(string known, HttpStatusCode ofAnotherAddress)
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape
        {
            Replicas = 1,
            Workers = 0,
            Variables = new Dictionary<string, string> { ["PMEMFLEET__API__KNOWNPROXIES"] = known, ["PMEMFLEET__API__FAILEDLOGINSPERMINUTE"] = "5" },
        });
        using var guesser = fleet.NewClient("pmf_0123456789abcdef0123456789abcdef0123", fleet.ReplicaUrls[0]);
        var status = HttpStatusCode.Unauthorized;
        for (var attempt = 0; attempt < 200 && status == HttpStatusCode.Unauthorized; attempt++)
        {
            status = await StatusAsync(guesser, "192.0.2.1");
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, status);
        Assert.Equal(ofAnotherAddress, await StatusAsync(guesser, "192.0.2.2"));
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string forwardedFor)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/hosts");
        request.Headers.Add("X-Forwarded-For", forwardedFor);
        using var answer = await client.SendAsync(request);
        return answer.StatusCode;
    }

    private static async Task<JsonNode> MustAsync(HttpClient client, HttpMethod method, string path, object? body)
    {
        using var request = new HttpRequestMessage(method, $"/v1/hosts/{Host}/{path}") { Content = body is null ? null : JsonContent.Create(body) };
        if (method == HttpMethod.Delete)
        {
            request.Headers.IfMatch.Add(EntityTagHeaderValue.Any);
        }

        using var answer = await client.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {(int)answer.StatusCode} {text}");
        return text.Length == 0 ? new JsonObject() : JsonNode.Parse(text)!;
    }

    private static string Around(string text, string secret)
    {
        var at = text.IndexOf(secret, StringComparison.Ordinal);
        return text[Math.Max(0, at - 200)..at];
    }

    private async Task AskAsync(HttpClient client, string what, HttpMethod method, string path, string? json = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = json is null ? null : new StringContent(json, System.Text.Encoding.UTF8, "application/json");
        if (method == HttpMethod.Delete)
        {
            request.Headers.IfMatch.Add(EntityTagHeaderValue.Any);
        }

        request.Headers.Add("Prefer", "respond-async");
        using var answer = await client.SendAsync(request);
        _seen.Add(($"the answer to {method} {path} with {what}", $"{answer.Headers}\n{await answer.Content.ReadAsStringAsync()}"));
    }

    [GeneratedRegex(@"pmw_[0-9a-f]{32}|pmd_[A-Za-z0-9_-]{20,}|pmf_[0-9a-f]{8}_[0-9a-f]{32,}")]
    private static partial Regex Credential();
}
