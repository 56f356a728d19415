using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Hosts;

public sealed class GroupApi : ApiFixture
{
    protected override void Configure(WebApplicationBuilder builder) =>
        builder.Services.AddControllers().AddApplicationPart(typeof(GroupProbeController).Assembly);
}

/// <summary>Commands on different hosts share a transaction, and nothing else.</summary>
public sealed class GroupedWritesTests(GroupApi api) : IClassFixture<GroupApi>
{
    private static readonly int Places = SharedTransactions.Places;

    [Fact]
    public async Task Group_SomeRefusedOneHeldByAnother_TheRestCommitTogether()
    {
        string[] good = ["a-0", "a-1", "a-2", "a-3"];
        await AddAsync("a", 7);
        await using var other = new NpgsqlConnection(api.ConnectionString);
        await other.OpenAsync();
        await using var held = await other.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("SELECT 1 FROM hosts WHERE name = 'a-4' FOR UPDATE", other))
        {
            await command.ExecuteScalarAsync();
        }

        var holding = await HoldAsync("a");
        var done = good.Select(host => PostAsync(host, "label", $"key-{host}")).ToArray();
        var locked = PostAsync("a-4", "label", "key-locked");
        var refused = PostAsync("a-5", "refuse", "key-refused");

        // whose key it is has to be there first
        await GatheredAsync();
        var sameKey = PostAsync("a-6", "label", "key-a-0");
        var absent = PostAsync("a-none", "label", "key-absent");
        await GatheredAsync();
        GroupProbeController.Gate.Set();

        Assert.All(await Task.WhenAll(done), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal((HttpStatusCode)409, (await refused).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await absent).StatusCode);
        Assert.Contains((int)(await sameKey).StatusCode, new[] { 409, 422 });
        Assert.False(locked.IsCompleted);
        Assert.Single(await TransactionsAsync(good));
        Assert.Equal(["2 1", "2 1", "2 1", "2 1"], await StatesAsync(good));
        Assert.Equal(["1 0", "1 0"], await StatesAsync(["a-5", "a-6"]));

        await held.RollbackAsync();
        Assert.Equal(HttpStatusCode.OK, (await locked).StatusCode);
        Assert.Equal(["2 1"], await StatesAsync(["a-4"]));
        Assert.All(await Task.WhenAll(holding), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));

        // each was done once, and says so again
        var again = await Task.WhenAll(good.Select(host => PostAsync(host, "label", $"key-{host}")));
        Assert.All(again, answer => Assert.Equal("true", answer.Headers.GetValues("Idempotency-Replayed").Single()));
        Assert.Equal(["2 1", "2 1", "2 1", "2 1"], await StatesAsync(good));
    }

    [Theory]
    [InlineData("throw")]
    [InlineData("violate")]
    public async Task Group_OneFails_TheOthersAreDoneOnce(string failure)
    {
        await AddAsync(failure, 4);
        string[] good = [$"{failure}-0", $"{failure}-1", $"{failure}-2"];
        var holding = await HoldAsync(failure);
        var done = good.Select(host => PostAsync(host, "label", $"key-{host}")).ToArray();
        var failed = PostAsync($"{failure}-3", failure, $"key-{failure}");
        await GatheredAsync();
        GroupProbeController.Gate.Set();

        Assert.All(await Task.WhenAll(done), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(HttpStatusCode.InternalServerError, (await failed).StatusCode);
        Assert.Equal(["2 1", "2 1", "2 1"], await StatesAsync(good));
        Assert.Equal(["1 0"], await StatesAsync([$"{failure}-3"]));
        await Task.WhenAll(holding);
    }

    /// <summary>As many commands as there are places wait behind the gate: what comes now gathers.</summary>
    private async Task<Task<HttpResponseMessage>[]> HoldAsync(string prefix)
    {
        GroupProbeController.Gate.Reset();
        for (var place = 0; place < Places; place++)
        {
            await api.AddHostAsync($"{prefix}-hold-{place}", "nowhere");
        }

        var holding = Enumerable.Range(0, Places).Select(place => PostAsync($"{prefix}-hold-{place}", "hold", $"{prefix}-hold-{place}")).ToArray();
        await GatheredAsync();
        return holding;
    }

    /// <summary>Long enough for requests over loopback to have arrived; one that did not would only be served later.</summary>
    private static Task GatheredAsync() => Task.Delay(500);

    private async Task AddAsync(string prefix, int count)
    {
        for (var number = 0; number < count; number++)
        {
            await api.AddHostAsync($"{prefix}-{number}", "nowhere");
        }
    }

    private async Task<HttpResponseMessage> PostAsync(string host, string how, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/probe-group/{host}/{how}");
        request.Headers.Add("Idempotency-Key", key);
        return await api.Admin.SendAsync(request);
    }

    private Task<List<string>> TransactionsAsync(string[] hosts) => TextsAsync("SELECT DISTINCT xmin::text FROM hosts WHERE name = ANY($1)", hosts);

    /// <summary>Of each host its version and how many events of the command there are.</summary>
    private Task<List<string>> StatesAsync(string[] hosts) => TextsAsync(
        "SELECT h.version || ' ' || (SELECT count(*) FROM events e WHERE e.host = h.name AND e.type = 'probe.done') FROM hosts h WHERE h.name = ANY($1) ORDER BY h.name", hosts);

    private async Task<List<string>> TextsAsync(string query, string[] hosts)
    {
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using var command = source.CreateCommand(query);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = hosts });
        await using var reader = await command.ExecuteReaderAsync();
        var texts = new List<string>();
        while (await reader.ReadAsync())
        {
            texts.Add(reader.GetString(0));
        }

        return texts;
    }
}
