using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Access;

namespace PmemFleet.Api.Tests.Access;

/// <summary>Every credential is changed while the fleet runs, as docs/operations.md says it: API keys, the bootstrap key, the join token.</summary>
public sealed class RotationTests : IAsyncLifetime
{
    private const string OtherBootstrap = "pmf_other_0123456789abcdef0123456789abcdef";
    private const string OtherToken = "another-join-token-for-tests";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private readonly AgelessFixture _api = new();

    public Task InitializeAsync() => _api.InitializeAsync();

    public async Task DisposeAsync() => await ((IAsyncLifetime)_api).DisposeAsync();

    [Fact]
    public async Task ApiKey_ReplacedAndRevoked_IsRefusedByBothReplicasThoughBothRememberedIt()
    {
        var second = await _api.StartReplicaAsync();
        var (oldId, old) = await KeyAsync("deploy");
        var (_, replacement) = await KeyAsync("deploy-2");
        HttpClient[] olds = [_api.Client(old), _api.Client(old, second)];
        HttpClient[] replacements = [_api.Client(replacement), _api.Client(replacement, second)];
        foreach (var client in (HttpClient[])[.. olds, .. replacements])
        {
            Assert.Equal(HttpStatusCode.OK, await AskAsync(client));
        }

        using var revoked = await _api.Admin.SendJsonAsync(HttpMethod.Delete, $"/v1/api-keys/{oldId}", null, "*");
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);

        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(olds[0]));
        await Eventually.Async(async () => await AskAsync(olds[1]) == HttpStatusCode.Unauthorized, TimeSpan.FromSeconds(20));
        Assert.All(await Task.WhenAll(replacements.Select(AskAsync)), status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.Equal(
            ["api-key.created bootstrap system", "api-key.created deploy bootstrap", "api-key.created deploy-2 bootstrap", "api-key.revoked deploy bootstrap"],
            await EventsAsync());
    }

    [Fact]
    public async Task BootstrapKey_ChangedInTheConfiguration_ReplacesTheFormerOneEverywhereAndForGood()
    {
        var former = _api.Admin;
        Assert.Equal(HttpStatusCode.OK, await AskAsync(former));
        await using var changed = await StartAsync(new() { ["PMEMFLEET:AUTH:BOOTSTRAPADMINKEY"] = OtherBootstrap });

        Assert.Equal(HttpStatusCode.OK, await AskAsync(_api.Client(OtherBootstrap, changed)));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(_api.Client(ApiFixture.AdminKey, changed)));
        await Eventually.Async(async () => await AskAsync(former) == HttpStatusCode.Unauthorized, TimeSpan.FromSeconds(20));
        using var admin = _api.Client(OtherBootstrap);
        Assert.Equal(["api-key.created bootstrap system", "api-key.revoked bootstrap system", "api-key.created bootstrap system"], await EventsAsync(admin));

        // a replica that nobody has told yet
        var behind = await _api.StartReplicaAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(_api.Client(ApiFixture.AdminKey, behind)));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(_api.Client(OtherBootstrap, behind)));
    }

    [Fact]
    public async Task BootstrapKey_OfTwoFormerOnes_IsOneEventThatItWasMade()
    {
        await ExecuteAsync("""
            INSERT INTO api_keys (id, name, role, prefix, hash, created_at, bootstrap, version)
            SELECT gen_random_uuid(), 'bootstrap', role, prefix, sha256('another'), created_at, bootstrap, version FROM api_keys WHERE bootstrap
            """);
        await using var changed = await StartAsync(new() { ["PMEMFLEET:AUTH:BOOTSTRAPADMINKEY"] = OtherBootstrap });

        using var admin = _api.Client(OtherBootstrap, changed);
        Assert.Equal(
            ["api-key.created bootstrap system", "api-key.revoked bootstrap system", "api-key.revoked bootstrap system", "api-key.created bootstrap system"], await EventsAsync(admin));
    }

    [Fact]
    public async Task BootstrapKey_MadeAndPrinted_IsAnEvent()
    {
        await ExecuteAsync("UPDATE api_keys SET revoked_at = now()");
        await using var printing = await StartAsync(new() { ["PMEMFLEET:AUTH:BOOTSTRAPADMINKEY"] = null });
        await using var again = await StartAsync(new() { ["PMEMFLEET:AUTH:BOOTSTRAPADMINKEY"] = null });

        await using var connection = await _api.ConnectAsync();
        await using var count = new NpgsqlCommand(
            "SELECT (SELECT count(*) FROM api_keys WHERE revoked_at IS NULL) || ' key, ' || count(*) || ' events' FROM events WHERE type = 'api-key.created'", connection);
        Assert.Equal("1 key, 2 events", await count.ExecuteScalarAsync());
    }

    [Fact]
    public async Task ApiKey_Revoked_EndsItsStreamsOnBothReplicasAndNobodyElses()
    {
        var second = await _api.StartReplicaAsync();
        var (id, key) = await KeyAsync("reader");
        var (_, other) = await KeyAsync("reader-2");
        using var here = await _api.Client(key).StreamEventsAsync();
        using var elsewhere = await _api.Client(key, second).StreamEventsAsync();
        using var others = await _api.Client(other).StreamEventsAsync();
        foreach (var stream in (StreamReader[])[here, elsewhere, others])
        {
            await stream.UntilAsync("\"reader-2\"", Soon);
        }

        using var revoked = await _api.Admin.SendJsonAsync(HttpMethod.Delete, $"/v1/api-keys/{id}", null, "*");
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        await KeyAsync("made-afterwards");

        Assert.DoesNotContain("made-afterwards", await here.ToEndAsync(Soon), StringComparison.Ordinal);
        await elsewhere.ToEndAsync(Soon);
        await others.UntilAsync("made-afterwards", Soon);
    }

    [Fact]
    public async Task ApiKey_Expired_EndsItsStream()
    {
        var made = await (await _api.Admin.PostAsJsonAsync("/v1/api-keys", new { name = "short", role = "viewer", expiresAt = TimeProvider.System.GetUtcNow().AddSeconds(4) })).ReadAsync<ApiKeyDto>();
        using var stream = await _api.Client(made.Key!).StreamEventsAsync();
        await stream.ToEndAsync(Soon);
        Assert.True(TimeProvider.System.GetUtcNow() >= made.ExpiresAt);
    }

    [Fact]
    public async Task JoinToken_Changed_EndsTheOldTokenAndWhatWasJoinedWithIt()
    {
        var credential = await JoinAsync(_api.Client(ApiFixture.JoinToken));
        Assert.NotEqual(HttpStatusCode.Unauthorized, await SyncAsync(_api.Client(credential)));
        await using var changed = await StartAsync(new() { ["PMEMFLEET:WORKERS:JOINTOKEN"] = OtherToken });

        Assert.Equal(HttpStatusCode.Unauthorized, await SyncAsync(_api.Client(credential, changed)));
        using var refused = await _api.Client(ApiFixture.JoinToken, changed).PostAsJsonAsync("/v1/workers/join", new { });
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        var renewed = await JoinAsync(_api.Client(OtherToken, changed));
        Assert.NotEqual(HttpStatusCode.Unauthorized, await SyncAsync(_api.Client(renewed, changed)));
        Assert.Equal(HttpStatusCode.Unauthorized, await SyncAsync(_api.Client(renewed)));
        Assert.Single(JsonNode.Parse(await _api.Admin.GetStringAsync(new Uri("/v1/workers", UriKind.Relative)))!["items"]!.AsArray());
    }

    private async Task<WebApplication> StartAsync(Dictionary<string, string?> settings)
    {
        var app = ApiFixture.Build(_api.ConnectionString, settings, AgelessFixture.StopClock);
        await app.StartAsync();
        await app.Services.GetRequiredService<Startup>().Done;
        return app;
    }

    private async Task ExecuteAsync(string sql) => Assert.Equal(1, await _api.ExecuteAsync(sql));

    private async Task<(Guid Id, string Key)> KeyAsync(string name)
    {
        var made = await (await _api.Admin.PostAsJsonAsync("/v1/api-keys", new { name, role = "operator" })).ReadAsync<ApiKeyDto>();
        return (made.Id, made.Key!);
    }

    private static async Task<HttpStatusCode> AskAsync(HttpClient client)
    {
        using var answer = await client.GetAsync(new Uri("/v1/hosts", UriKind.Relative));
        return answer.StatusCode;
    }

    private async Task<List<string>> EventsAsync(HttpClient? admin = null) =>
        [.. JsonNode.Parse(await (admin ?? _api.Admin).GetStringAsync(new Uri("/v1/events", UriKind.Relative)))!["items"]!.AsArray().Select(item => $"{item!["type"]} {item["subject"]} {item["actor"]}")];

    private static async Task<string> JoinAsync(HttpClient client)
    {
        using var joined = await client.PostAsJsonAsync(
            "/v1/workers/join", new { name = "rotated", mediaPool = "nowhere", advertisedUrl = "http://127.0.0.1:9", instanceId = Guid.CreateVersion7(), version = "test" });
        var text = await joined.Content.ReadAsStringAsync();
        Assert.True(joined.IsSuccessStatusCode, text);
        return (string)JsonNode.Parse(text)!["credential"]!;
    }

    private static async Task<HttpStatusCode> SyncAsync(HttpClient client)
    {
        // empty: what counts is who is let in
        using var answer = await client.PostAsJsonAsync("/v1/workers/rotated/sync", new { });
        return answer.StatusCode;
    }

    /// <summary>What is remembered never grows old: only being told makes a replica forget.</summary>
    private sealed class AgelessFixture : ApiFixture
    {
        public static void StopClock(WebApplicationBuilder builder) => builder.Services.AddSingleton<TimeProvider>(new Ageless());

        protected override void Configure(WebApplicationBuilder builder) => StopClock(builder);

        private sealed class Ageless : TimeProvider
        {
            public override long GetTimestamp() => 0;
        }
    }
}
