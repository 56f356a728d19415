using System.Net;
using System.Net.Http.Json;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Access;

/// <summary>An Api that allows ten requests at once and three invalid credentials a minute.</summary>
public sealed class LimitedApi : ApiFixture
{
    public const string MetricsKey = "pmm_limited_0123456789abcdef0123456789abcdef";

    protected override Dictionary<string, string?> Settings => new()
    {
        ["PMEMFLEET:AUTH:METRICSKEY"] = MetricsKey,
        ["PMEMFLEET:API:REQUESTSPERSECOND"] = "1",
        ["PMEMFLEET:API:REQUESTBURST"] = "10",
        ["PMEMFLEET:API:FAILEDLOGINSPERMINUTE"] = "3",
    };
}

public sealed class RequestLimitTests
{
    private const string Wrong = "pmf_00000000_0000000000000000000000000000000000000000000000000000000000000000";

    [Fact]
    public async Task Key_AsksTooMuch_IsRefusedAndTheOthersAreNot()
    {
        await using var api = await StartAsync();
        var greedy = api.Fixture.Client(await api.Fixture.CreateKeyAsync("viewer"));
        var modest = api.Fixture.Client(await api.Fixture.CreateKeyAsync("viewer"));
        var worker = await ScriptedWorker.JoinAsync(api.Fixture, "w-1");

        var answers = new List<HttpResponseMessage>();
        for (var i = 0; i < 40; i++)
        {
            answers.Add(await greedy.GetAsync("/v1/operations"));
        }

        var refused = answers.First(answer => answer.StatusCode == HttpStatusCode.TooManyRequests);
        Assert.Equal("rate-limited", (await refused.ReadProblemAsync()).Code);
        Assert.True(refused.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, (await modest.GetAsync("/v1/operations")).StatusCode);
        for (var i = 0; i < 40; i++)
        {
            await worker.SyncAsync();
        }

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await greedy.GetAsync("/livez")).StatusCode);
        }
    }

    [Fact]
    public async Task Write_RefusedForItsRate_ChangesNothing()
    {
        await using var api = await StartAsync();
        HttpResponseMessage answer;
        var made = 0;
        while ((answer = await api.Fixture.Admin.PostAsJsonAsync("/v1/api-keys", new { name = "many", role = "viewer" })).StatusCode == HttpStatusCode.Created)
        {
            made++;
            Assert.True(made < 100);
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        await using var connection = await api.Fixture.ConnectAsync();
        await using var count = new Npgsql.NpgsqlCommand("SELECT count(*) FROM api_keys WHERE name = 'many'", connection);
        Assert.Equal((long)made, await count.ExecuteScalarAsync());
    }

    [Fact]
    public async Task Address_FailsTooOften_IsRefusedWithoutALookUpAndKnownCallersAreNot()
    {
        await using var api = await StartAsync();
        var worker = await ScriptedWorker.JoinAsync(api.Fixture, "w-1");
        var late = await api.Fixture.CreateKeyAsync("viewer");
        Assert.Equal(HttpStatusCode.OK, (await api.Fixture.Admin.GetAsync("/v1/operations")).StatusCode);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await api.Fixture.Client(Wrong).GetAsync("/v1/operations")).StatusCode);
        }

        // the budget refills as time goes by: a try more may pass
        var refused = await api.Fixture.Client(Wrong).GetAsync("/v1/operations");
        for (var i = 0; i < 3 && refused.StatusCode == HttpStatusCode.Unauthorized; i++)
        {
            refused = await api.Fixture.Client(Wrong).GetAsync("/v1/operations");
        }

        Assert.Equal("too-many-failed-logins", (await refused.ReadProblemAsync()).Code);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await api.Fixture.Client("guessed-join-token").PostAsync("/v1/workers/join", null)).StatusCode);

        // a key that was not seen lately could be the next guess; one in use, and a worker, are not
        Assert.Equal(HttpStatusCode.TooManyRequests, (await api.Fixture.Client(late).GetAsync("/v1/operations")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await api.Fixture.Admin.GetAsync("/v1/operations")).StatusCode);
        await worker.SyncAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.Fixture.Client(null).GetAsync("/v1/operations")).StatusCode);
    }

    [Fact]
    public async Task Address_FailsTooOften_IsJoinedFromAndScrapedAllTheSame()
    {
        await using var api = await StartAsync();
        HttpStatusCode status;
        var tries = 0;
        while ((status = (await api.Fixture.Client(Wrong).GetAsync("/v1/operations")).StatusCode) != HttpStatusCode.TooManyRequests)
        {
            Assert.True(++tries < 20, $"{status}");
        }

        var worker = await ScriptedWorker.JoinAsync(api.Fixture, "w-1");
        await worker.SyncAsync();
        Assert.Equal(HttpStatusCode.OK, (await api.Fixture.Client(LimitedApi.MetricsKey).GetAsync("/metrics")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await api.Fixture.Client($"{LimitedApi.MetricsKey}0").GetAsync("/metrics")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await api.Fixture.Client($"{ApiFixture.JoinToken}0").PostAsync("/v1/workers/join", null)).StatusCode);
    }

    private static async Task<Running> StartAsync()
    {
        var fixture = new LimitedApi();
        await fixture.InitializeAsync();
        return new Running(fixture);
    }

    private sealed record Running(LimitedApi Fixture) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => new(Fixture.DisposeAsync());
    }
}
