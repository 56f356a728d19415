using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PmemFleet.Api.Conventions;
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

    /// <summary>What is unusual about a request is seen, whatever it says.</summary>
    [Fact]
    public async Task SameWords_InAnUnusualRequest_AreRefusedAsEver()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-unusual", pool: "unusual");
        using var connection = new OneConnection(api.App);
        var path = "/v1/workers/w-unusual/sync";
        Assert.Equal(HttpStatusCode.OK, (await connection.PostAsync(path, worker.Credential, Words(worker))).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await connection.PostAsync(path + "?x=1", worker.Credential, Words(worker))).StatusCode);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await connection.PostAsync(path, worker.Credential, Words(worker), "application/xml")).StatusCode);
        Assert.Equal(1, connection.Opened);
    }

    /// <summary>Several requests of an HTTP/2 connection are served at a time: nothing of one is remembered for another.</summary>
    [Theory]
    [InlineData("HTTP/1.1", true)]
    [InlineData("HTTP/2", false)]
    [InlineData("HTTP/3", false)]
    public void Connection_RemembersOneRequestForTheNext_WhereTheyFollowEachOther(string protocol, bool remembers)
    {
        var http = new DefaultHttpContext { Request = { Protocol = protocol } };
        http.Features.Set<IConnectionItemsFeature>(new Items());
        Assert.Equal(remembers, ConnectionItems.Of(http) is not null);
    }

    /// <summary>The lease is as old as the look that renewed it, and the worker is told so; what brings news has renewed it.</summary>
    [Fact]
    public async Task Lease_OfAnIdleSyncBehindALook_IsASecondShorter()
    {
        var (worker, _) = await api.ReadyAsync("lease");
        worker.Digest = string.Empty;
        await worker.SyncAsync();
        TaskProgress[] news = [new TaskProgress { TaskId = Guid.NewGuid(), Fraction = 0.5 }];
        Assert.Equal(30, (await worker.SyncAsync(progress: news)).LeaseSeconds);
        Assert.Equal(30, (await worker.SyncAsync(progress: news)).LeaseSeconds);
        Assert.Equal(29, (await worker.SyncAsync()).LeaseSeconds);
        Assert.Equal(30, (await worker.SyncAsync()).LeaseSeconds);
    }

    /// <summary>The database fails: each of the batch is told, and the next one is served.</summary>
    [Fact]
    public async Task Batch_ThatFails_AnswersItsRequests()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-fails", pool: "fails");
        await worker.SyncAsync();
        await api.ExecuteAsync("ALTER TABLE worker_leases RENAME TO worker_leases_away");
        try
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await worker.PostAsync(worker.Request())).StatusCode);
        }
        finally
        {
            await api.ExecuteAsync("ALTER TABLE worker_leases_away RENAME TO worker_leases");
        }

        await worker.SyncAsync();
    }

    /// <summary>An Api that goes down does not keep its workers waiting: they ask another one.</summary>
    [Fact]
    public async Task Shutdown_EndsTheWait()
    {
        var replica = await api.StartReplicaAsync();
        var worker = await ScriptedWorker.JoinAsync(api, "w-shutdown", pool: "shutdown", replica: replica);
        var waiting = worker.SyncAsync(10);
        await UntilWatchedAsync(worker, true, replica);
        replica.Lifetime.StopApplication();

        // before the next poll would see it
        await UntilWatchedAsync(worker, false, replica, 200);
        Assert.Empty((await waiting).Hosts);
    }

    [Fact]
    public async Task Credentials_OverOneConnection_AreEachTheirOwn()
    {
        var one = await ScriptedWorker.JoinAsync(api, "w-one", pool: "two");
        var other = await ScriptedWorker.JoinAsync(api, "w-other", pool: "two");
        using var connection = new OneConnection(api.App);
        var forged = one.Credential[..^1] + (one.Credential[^1] == 'A' ? 'B' : 'A');
        var letter = one.Credential.LastIndexOfAny([.. "abcdefghijklmnopqrstuvwxyz"]);
        var otherCase = one.Credential[..letter] + char.ToUpperInvariant(one.Credential[letter]) + one.Credential[(letter + 1)..];
        (string Path, string? Credential, ScriptedWorker Says, HttpStatusCode Expected)[] requests =
        [
            ("w-one", one.Credential, one, HttpStatusCode.OK),
            ("w-one", other.Credential, one, HttpStatusCode.Forbidden),
            ("w-other", other.Credential, other, HttpStatusCode.OK),
            ("w-one", one.Credential, one, HttpStatusCode.OK),
            ("w-other", one.Credential, other, HttpStatusCode.Forbidden),
            ("w-one", forged, one, HttpStatusCode.Unauthorized),
            ("w-one", otherCase, one, HttpStatusCode.Unauthorized),
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
        Assert.Equal(1, await api.ExecuteAsync("UPDATE hosts SET generation = generation + 1 WHERE id = $1", host.Id));
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

    private async Task UntilWatchedAsync(ScriptedWorker worker, bool isWatched, WebApplication? replica = null, int most = 500)
    {
        var idle = (replica ?? api.App).Services.GetRequiredService<IdleSyncs>();
        for (var times = 0; idle.Waits(worker.InstanceId) != isWatched; times++)
        {
            Assert.True(times < most, $"is watched: {!isWatched}");
            await Task.Delay(10);
        }
    }

    private async Task<DateTime> LeaseEndAsync(ScriptedWorker worker)
    {
        await using var connection = await api.ConnectAsync();
        await using var lease = new NpgsqlCommand("SELECT expires_at FROM worker_leases WHERE worker_id = $1", connection) { Parameters = { new() { Value = worker.WorkerId } } };
        return (DateTime)(await lease.ExecuteScalarAsync())!;
    }

    private sealed class Items : IConnectionItemsFeature
    {
        IDictionary<object, object?> IConnectionItemsFeature.Items { get; set; } = new Dictionary<object, object?>();
    }
}
