using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PmemFleet.Api.Sync;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>What is remembered with a worker's connection is never taken for what another request says, and a wait ends for every reason it has.</summary>
public sealed class IdleSyncTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task SameWords_OverOneConnection_RenewTheLeaseEachTime()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-same", pool: "same");
        using var connection = new OneConnection(api.App);
        var ends = new List<DateTime>();
        for (var times = 0; times < 4; times++)
        {
            var answer = times < 3 ? await connection.PostAsync("/v1/workers/w-same/sync", worker.Credential, Words(worker)) : await connection.PostInPiecesAsync("/v1/workers/w-same/sync", worker.Credential, Words(worker), 7);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(30, (await answer.ReadAsync<SyncResponse>()).LeaseSeconds);
            ends.Add(await LeaseEndAsync(worker));
        }

        Assert.Equal(ends.Distinct().Order(), ends);
        Assert.Equal(1, connection.Opened);
    }

    /// <summary>The same connection, the same length or nearly, but not the same.</summary>
    [Theory]
    [InlineData("cut", HttpStatusCode.BadRequest)]
    [InlineData("more", HttpStatusCode.BadRequest)]
    [InlineData("damaged", HttpStatusCode.BadRequest)]
    [InlineData("instance", HttpStatusCode.Conflict)]
    [InlineData("empty", HttpStatusCode.BadRequest)]
    [InlineData("blanks", HttpStatusCode.OK)]
    public async Task OtherWords_AfterTheFirst_AreReadAsTheyAre(string change, HttpStatusCode expected)
    {
        var worker = await ScriptedWorker.JoinAsync(api, $"w-{change}", pool: "other");
        using var connection = new OneConnection(api.App);
        var path = $"/v1/workers/w-{change}/sync";
        var words = Words(worker);
        Assert.Equal(HttpStatusCode.OK, (await connection.PostAsync(path, worker.Credential, words)).StatusCode);
        var other = change switch
        {
            "cut" => words[..^1],
            "more" => words + "}",
            "damaged" => words.Replace("\"waitSeconds\":", "\"waitSecondz\":", StringComparison.Ordinal),
            "instance" => words.Replace(worker.InstanceId.ToString(), Guid.NewGuid().ToString(), StringComparison.Ordinal),
            "empty" => string.Empty,
            _ => " " + words,
        };
        Assert.NotEqual(words, other);
        Assert.Equal(expected, (await connection.PostAsync(path, worker.Credential, other)).StatusCode);
        Assert.Equal(expected, (await connection.PostInPiecesAsync(path, worker.Credential, other, 11)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await connection.PostAsync(path, worker.Credential, words)).StatusCode);
    }

    /// <summary>Results come in the middle of words that were said before, and are not lost.</summary>
    [Fact]
    public async Task News_BetweenTheSameWords_IsHeard()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-news", pool: "news");
        using var connection = new OneConnection(api.App);
        var unknown = Guid.NewGuid();
        foreach (var brings in new[] { false, false, true, false })
        {
            var request = worker.Request() with { Results = brings ? [new TaskResult { TaskId = unknown, HostId = Guid.NewGuid(), Epoch = 1, Steps = [] }] : [] };
            var answer = await connection.PostAsync("/v1/workers/w-news/sync", worker.Credential, Words(request));
            Assert.Equal(brings ? [unknown] : [], (await answer.ReadAsync<SyncResponse>()).AcknowledgedResults);
        }

        Assert.Equal(1, connection.Opened);
    }

    [Fact]
    public async Task Credentials_OverOneConnection_AreEachTheirOwn()
    {
        var one = await ScriptedWorker.JoinAsync(api, "w-one", pool: "two");
        var other = await ScriptedWorker.JoinAsync(api, "w-other", pool: "two");
        using var connection = new OneConnection(api.App);
        var forged = one.Credential[..^1] + (one.Credential[^1] == 'A' ? 'B' : 'A');
        (string Path, string? Credential, ScriptedWorker Says, HttpStatusCode Expected)[] requests =
        [
            ("w-one", one.Credential, one, HttpStatusCode.OK),
            ("w-one", other.Credential, one, HttpStatusCode.Forbidden),
            ("w-other", other.Credential, other, HttpStatusCode.OK),
            ("w-one", one.Credential, one, HttpStatusCode.OK),
            ("w-other", one.Credential, other, HttpStatusCode.Forbidden),
            ("w-one", forged, one, HttpStatusCode.Unauthorized),
            ("w-one", null, one, HttpStatusCode.Unauthorized),
            ("w-one", ApiFixture.AdminKey, one, HttpStatusCode.Forbidden),
            ("w-one", one.Credential, one, HttpStatusCode.OK),
            ("w-one", one.Credential, other, HttpStatusCode.Conflict),
        ];
        foreach (var (path, credential, says, expected) in requests)
        {
            Assert.Equal(expected, (await connection.PostAsync($"/v1/workers/{path}/sync", credential, Words(says))).StatusCode);
        }

        Assert.Equal(1, connection.Opened);
    }

    /// <summary>Nobody raised the worker's topic: the slow poll finds it, while the worker waits.</summary>
    [Fact]
    public async Task Change_WithoutAWakeUp_IsFoundWhileTheWorkerWaits()
    {
        var (worker, host) = await api.ReadyAsync("poll");
        await worker.SyncAsync();
        var waiting = worker.SyncAsync(10);
        await UntilWatchedAsync(worker, true);
        await using (var connection = await api.ConnectAsync())
        await using (var change = new NpgsqlCommand("UPDATE hosts SET generation = generation + 1 WHERE id = $1", connection) { Parameters = { new() { Value = host.Id } } })
        {
            Assert.Equal(1, await change.ExecuteNonQueryAsync());
        }

        Assert.NotNull(Assert.Single((await waiting).Hosts).Layout);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(6)]
    public async Task Wait_WithoutNews_EndsWithAnEmptyAnswerAndLeavesNothing(int seconds)
    {
        var worker = await ScriptedWorker.JoinAsync(api, $"w-wait-{seconds}", pool: "waits");
        var answer = await worker.SyncAsync(seconds);
        Assert.Equal((30, 0, 0), (answer.LeaseSeconds, answer.Hosts.Count, answer.AcknowledgedResults.Count));
        await UntilWatchedAsync(worker, false);
    }

    [Fact]
    public async Task Worker_ThatLeaves_IsWatchedNoMore()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-leaves", pool: "leaves");
        using (var connection = new OneConnection(api.App))
        {
            var waiting = connection.PostAsync("/v1/workers/w-leaves/sync", worker.Credential, Words(worker.Request(10)));
            await UntilWatchedAsync(worker, true);
            connection.Dispose();
            await Assert.ThrowsAnyAsync<Exception>(() => waiting);
        }

        await UntilWatchedAsync(worker, false);
        await worker.SyncAsync();
    }

    private static string Words(ScriptedWorker worker) => Words(worker.Request());

    private static string Words(SyncRequest request) => JsonSerializer.Serialize(request, FleetJsonContext.Default.SyncRequest);

    private async Task UntilWatchedAsync(ScriptedWorker worker, bool isWatched)
    {
        var idle = api.App.Services.GetRequiredService<IdleSyncs>();
        for (var times = 0; idle.Waits(worker.InstanceId) != isWatched; times++)
        {
            Assert.True(times < 500, $"is watched: {!isWatched}");
            await Task.Delay(10);
        }
    }

    private async Task<DateTime> LeaseEndAsync(ScriptedWorker worker)
    {
        await using var connection = await api.ConnectAsync();
        await using var lease = new NpgsqlCommand("SELECT expires_at FROM worker_leases WHERE worker_id = $1", connection) { Parameters = { new() { Value = worker.WorkerId } } };
        return (DateTime)(await lease.ExecuteScalarAsync())!;
    }
}
