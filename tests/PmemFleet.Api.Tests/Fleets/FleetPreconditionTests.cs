using System.Globalization;
using System.Net;
using Npgsql;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Fleets;

/// <summary>If-Match of the whole fleet: whoever has not seen the last change applies nothing, whichever replica is asked and however the change was made.</summary>
public sealed class FleetPreconditionTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    private const int Racers = 8;

    [Fact]
    public async Task Apply_ManyUnderOneTagOnTwoReplicas_ExactlyOneWins()
    {
        HttpClient[] clients = [fixture.Admin, fixture.Client(ApiFixture.AdminKey, await fixture.StartReplicaAsync())];
        var tag = await TagAsync();
        await using var connection = await fixture.ConnectAsync();
        await using var held = await HoldAsync(connection, AdvisoryLocks.Fleet);
        var applying = Enumerable.Range(0, Racers).Select(i => ApplyAsync(Hosts($"racer-{i}"), tag, client: clients[i % 2])).ToArray();

        // all of them are as far as the lock before the first goes on
        await Eventually.Async(
            async () => await CountAsync($"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = {AdvisoryLocks.Fleet}") == Racers, TimeSpan.FromSeconds(20));
        await held.RollbackAsync();

        var statuses = (await Task.WhenAll(applying)).Select(answer => answer.StatusCode).Order().ToList();
        Assert.Equal([HttpStatusCode.OK, .. Enumerable.Repeat(HttpStatusCode.PreconditionFailed, Racers - 1)], statuses);
        Assert.Equal(1, await CountAsync("SELECT count(*) FROM hosts WHERE name LIKE 'racer-%'"));
    }

    [Fact]
    public async Task Apply_WhenTheLastChangeHasNoNumberYet_IsRefusedUnderTheTagBeforeIt()
    {
        await using var connection = await fixture.ConnectAsync();
        await using var held = await HoldAsync(connection, AdvisoryLocks.EventNumbers);
        var tag = await TagAsync();
        var first = await ApplyAsync(Hosts("unnumbered-1"), tag);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.NotEqual(0, await CountAsync("SELECT count(*) FROM events WHERE seq IS NULL"));

        var stale = await ApplyAsync(Hosts("unnumbered-2"), tag);
        Assert.Equal((HttpStatusCode.PreconditionFailed, "precondition-failed"), (stale.StatusCode, (await stale.ReadProblemAsync()).Code));
        Assert.Equal(await TagAsync(), TagOf(first));
        var next = await ApplyAsync(Hosts("unnumbered-2"), TagOf(first));
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);

        // a number is no change
        await held.RollbackAsync();
        await Eventually.Async(async () => await CountAsync("SELECT count(*) FROM events WHERE seq IS NULL") == 0, TimeSpan.FromSeconds(20));
        Assert.Equal(await TagAsync(), TagOf(next));
    }

    [Theory]
    [InlineData("named", "")]
    [InlineData("pruned", "?prune=true")]
    public async Task Apply_WhileAHostItChangesIsWritten_WaitsAndIsRefused(string host, string query)
    {
        Assert.Equal(HttpStatusCode.OK, (await ApplyAsync(Hosts(host), "*")).StatusCode);
        var tag = await TagAsync();
        await using var connection = await fixture.ConnectAsync();
        await using var writing = await connection.BeginTransactionAsync();
        await using (var write = new NpgsqlCommand($"SELECT id FROM hosts WHERE name = '{host}' FOR UPDATE; INSERT INTO events (type, actor, at) VALUES ('test.written', 'x', now())", connection))
        {
            await write.ExecuteNonQueryAsync();
        }

        var applying = ApplyAsync(Hosts(host == "named" ? host : "another"), tag, query);
        await Eventually.Async(
            async () => await CountAsync("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0, TimeSpan.FromSeconds(20));
        await writing.CommitAsync();

        Assert.Equal(HttpStatusCode.PreconditionFailed, (await applying).StatusCode);
        Assert.Equal(1, await CountAsync($"SELECT count(*) FROM hosts WHERE name = '{host}'"));
    }

    private static string Hosts(string name) => $$$"""{"apiVersion":"pmemfleet/v1","hosts":[{"name":"{{{name}}}","dimms":[{"capacity":"64M"}]}]}""";

    private Task<HttpResponseMessage> ApplyAsync(string document, string tag, string query = "", HttpClient? client = null) =>
        (client ?? fixture.Admin).SendJsonAsync(HttpMethod.Put, $"/v1/fleet{query}", document, tag);

    private async Task<string> TagAsync() => TagOf(await fixture.Admin.GetAsync(new Uri("/v1/fleet", UriKind.Relative)));

    private static string TagOf(HttpResponseMessage answer) => answer.Headers.ETag!.Tag;

    private static async Task<NpgsqlTransaction> HoldAsync(NpgsqlConnection connection, long advisoryLock)
    {
        var transaction = await connection.BeginTransactionAsync();
        await using var hold = new NpgsqlCommand($"SELECT pg_advisory_xact_lock({advisoryLock.ToString(CultureInfo.InvariantCulture)})", connection);
        await hold.ExecuteNonQueryAsync();
        return transaction;
    }

    private async Task<long> CountAsync(string sql)
    {
        await using var connection = await fixture.ConnectAsync();
        await using var count = new NpgsqlCommand(sql, connection);
        return (long)(await count.ExecuteScalarAsync())!;
    }
}
