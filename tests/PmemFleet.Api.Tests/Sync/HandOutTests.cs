using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PmemFleet.Api.Sync;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>A write gives its tasks to a worker that syncs at its replica, in its own transaction, and only where the worker's own look would give them as well.</summary>
public sealed class HandOutTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    /// <summary>A task of host $1 that no wake-up tells of.</summary>
    private const string UntoldTask = """
        WITH made AS (INSERT INTO operations (id, kind, host_id, host_name, state, progress, success_status, cancel_requested, actor, created_at, version)
            SELECT gen_random_uuid(), 'scrub', id, name, 'pending', 0, 200, false, 'test', now(), 1 FROM hosts WHERE id = $1 RETURNING id, host_id)
        INSERT INTO tasks (id, operation_id, host_id, sequence, kind, steps, done, created_at) SELECT gen_random_uuid(), id, host_id, 1000, 'scrub', '[]', false, now() FROM made
        """;

    [Fact]
    public async Task Write_WhileItsWorkerWaits_GivesTheTaskInItsOwnTransaction()
    {
        var (worker, host) = await KnownAsync("handed");
        var waiting = await WaitAsync(worker);
        await InjectAsync(host);
        var answer = await waiting.WaitAsync(TimeSpan.FromSeconds(10));
        var given = Assert.Single(answer.Hosts);
        Assert.True(answer.Partial);
        Assert.Equal(worker.Digest, answer.HostsDigest);
        Assert.Null(given.Layout);
        var task = Assert.Single(given.Tasks);
        Assert.True(await IsOfTheWriteAsync(task.TaskId));
        Assert.Equal("running", await StateAsync(host.Id));
        await worker.SyncAsync(results: [ScriptedWorker.Done((given, task))]);
        Assert.Equal("succeeded", await StateAsync(host.Id));

        // what is done is not kept: nobody asks for it again
        Assert.Equal(0L, await ScalarAsync("SELECT count(*) FROM tasks WHERE id = $1", task.TaskId));
    }

    /// <summary>What is older comes first, also where the worker has it already.</summary>
    [Fact]
    public async Task Write_BehindAnOlderTask_LeavesItToTheLook()
    {
        var (worker, host) = await KnownAsync("older");
        await InjectAsync(host);
        var first = await worker.ReceiveAsync("inject-errors");
        var waiting = await WaitAsync(worker);
        await InjectAsync(host);
        var answer = await waiting.WaitAsync(TimeSpan.FromSeconds(10));
        var second = Assert.Single(Assert.Single(answer.Hosts).Tasks);
        Assert.True(second.Sequence > first.Task.Sequence);
        Assert.False(await IsOfTheWriteAsync(second.TaskId));
    }

    [Fact]
    public async Task Write_WhoseWorkerDoesNotKnowTheHostAsItIs_LeavesItToTheLook()
    {
        var (worker, host) = await KnownAsync("stale");
        var waiting = await WaitAsync(worker);
        await ScalarAsync("UPDATE hosts SET generation = generation + 1 WHERE id = $1", host.Id);
        await InjectAsync(host);
        var answer = await waiting.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Empty(answer.Hosts);
        Assert.Equal(string.Empty, answer.HostsDigest);
        var given = Assert.Single((await worker.SyncAsync()).Hosts);
        Assert.NotNull(given.Layout);
        Assert.Single(given.Tasks);
    }

    /// <summary>The write itself makes the host another one: its worker needs the layout before it can do anything with the task.</summary>
    [Fact]
    public async Task Write_ThatPlugsSomething_LeavesItsTaskToTheLook()
    {
        var (worker, host) = await KnownAsync("plugs", dimms: 2);
        var waiting = await WaitAsync(worker);
        var answer = await api.BeginAsync(HttpMethod.Post, $"/v1/hosts/{host.Name}/regions", """{"dimms":["nmem1"]}""");
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var told = await waiting.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal((string.Empty, 0), (told.HostsDigest, told.Hosts.Count));
        var given = Assert.Single((await worker.SyncAsync()).Hosts);
        Assert.Equal(2, given.Layout!.Regions.Count);
        Assert.Equal("create-region", Assert.Single(given.Tasks).Kind);
    }

    [Fact]
    public async Task Write_WhoseWorkerHasNoLeaseAnyMore_GivesItNothing()
    {
        var (worker, host) = await KnownAsync("fenced");
        var waiting = worker.PostAsync(worker.Request(wait: 20));
        await WaitsAsync(worker);
        await ScalarAsync("UPDATE worker_leases SET expires_at = now() - interval '1 second' WHERE worker_id = $1", worker.WorkerId);
        await InjectAsync(host);
        Assert.Equal(HttpStatusCode.Conflict, (await waiting.WaitAsync(TimeSpan.FromSeconds(10))).StatusCode);
        Assert.Equal(1L, await ScalarAsync("SELECT count(*) FROM tasks WHERE host_id = $1 AND NOT done AND delivered_epoch IS NULL", host.Id));
    }

    /// <summary>The worker has joined anew, and the host stands at no process of it until it is placed: as long as no worker may take it, that is for ever.</summary>
    [Fact]
    public async Task Write_OnAHostThatNoProcessHolds_GivesItToNone()
    {
        var (worker, host) = await KnownAsync("nobody");
        await ScalarAsync("UPDATE workers SET draining = true WHERE id = $1", worker.WorkerId);
        await ScalarAsync("UPDATE hosts SET worker_instance_id = '00000000-0000-0000-0000-000000000000' WHERE id = $1", host.Id);
        await worker.SyncAsync();
        await worker.SyncAsync();
        Assert.Empty(worker.Held);
        var waiting = await WaitAsync(worker);
        await InjectAsync(host);
        await Task.Delay(300);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(1L, await ScalarAsync("SELECT count(*) FROM tasks WHERE host_id = $1 AND NOT done AND delivered_epoch IS NULL", host.Id));
    }

    /// <summary>Another replica puts a task into the queue while this one waits for the host: its lock shows the new row, and an old picture of the tasks.</summary>
    [Fact]
    public async Task Write_ThatTookTheLockBehindAnother_LeavesTheOrderToTheLook()
    {
        var (worker, host) = await KnownAsync("behind");
        var waiting = await WaitAsync(worker);
        await api.EnqueueAsync(host.Name, replica: await api.StartReplicaAsync());
        await InjectAsync(host);
        var tasks = (await waiting.WaitAsync(TimeSpan.FromSeconds(10))).Hosts.SelectMany(given => given.Tasks).ToList();
        Assert.Equal("scrub", tasks[0].Kind);
        if (tasks.Count == 1)
        {
            tasks.Add(Assert.Single(Assert.Single((await worker.SyncAsync()).Hosts).Tasks));
        }

        Assert.Equal(["scrub", "inject-errors"], tasks.Select(task => task.Kind));
    }

    [Fact]
    public async Task AnswerOfAWrite_ThatIsLost_IsGivenAgain()
    {
        var (worker, host) = await KnownAsync("lost");
        var lost = worker.PostAsync(worker.Request(wait: 20));
        await WaitsAsync(worker);
        await InjectAsync(host);
        var task = Assert.Single(Assert.Single((await (await lost.WaitAsync(TimeSpan.FromSeconds(10))).ReadAsync<SyncResponse>()).Hosts).Tasks);
        Assert.True(await IsOfTheWriteAsync(task.TaskId));
        var again = Assert.Single(Assert.Single((await worker.SyncAsync()).Hosts).Tasks);
        Assert.Equal(task.TaskId, again.TaskId);
        Assert.Equal(task.Steps.Count, again.Steps.Count);
    }

    /// <summary>The group is refused, or goes alone: the request was taken, and has to be given back.</summary>
    [Fact]
    public async Task Write_ThatIsRefused_LeavesTheWorkerWaiting()
    {
        var (worker, host) = await KnownAsync("refused");
        var waiting = await WaitAsync(worker);
        var refused = await api.BeginAsync(HttpMethod.Post, $"/v1/hosts/{host.Name}/media-errors", """{"dimm":"nmem0","offset":1125899906842624,"length":256}""");
        Assert.False(refused.IsSuccessStatusCode);
        await Task.Delay(200);
        Assert.False(waiting.IsCompleted);
        await InjectAsync(host);
        Assert.Single((await waiting.WaitAsync(TimeSpan.FromSeconds(10))).Hosts);
    }

    /// <summary>Between two of its requests: what it is given waits for the next one, and no look finds it.</summary>
    [Fact]
    public async Task Write_JustAfterItsWorkersRequest_GivesTheTaskToTheNext()
    {
        var (worker, host) = await KnownAsync("between");
        await GiveBetweenAsync(worker, host, []);
        var answer = await worker.SyncAsync(wait: 20);
        var (given, task) = (Assert.Single(answer.Hosts), Assert.Single(answer.Hosts[0].Tasks));
        Assert.True(await IsOfTheWriteAsync(task.TaskId));
        var end = await worker.SyncAsync(results: [ScriptedWorker.Done((given, task))]);
        Assert.Equal([task.TaskId], end.AcknowledgedResults);
        Assert.Equal("succeeded", await StateAsync(host.Id));
    }

    /// <summary>The answer to a result takes along what was given meanwhile.</summary>
    [Fact]
    public async Task Write_BeforeTheWorkerBringsAResult_IsInTheAnswerToIt()
    {
        var (worker, host) = await KnownAsync("along");
        await InjectAsync(host);
        var first = await worker.ReceiveAsync("inject-errors");
        await GiveBetweenAsync(worker, host, [ScriptedWorker.Done(first)]);
        var second = await worker.SyncAsync(results: [ScriptedWorker.Done(first)]);
        Assert.True(await IsOfTheWriteAsync(Assert.Single(Assert.Single(second.Hosts).Tasks).TaskId));
    }

    /// <summary>Something waits for it here, and yet it is not its turn: nobody has a lease of a second ago.</summary>
    [Theory]
    [InlineData("UPDATE worker_leases SET expires_at = now() - interval '1 second' WHERE worker_id = $1")]
    [InlineData("UPDATE worker_leases SET instance_id = gen_random_uuid() WHERE worker_id = $1")]
    public async Task Mail_OfAProcessThatLostItsLeaseMeanwhile_IsNotGiven(string how)
    {
        var (worker, host) = await KnownAsync("lostlease");
        await GiveBetweenAsync(worker, host, []);
        await ScalarAsync(how, worker.WorkerId);
        Assert.Equal(HttpStatusCode.Conflict, (await worker.PostAsync(worker.Request(wait: 1))).StatusCode);
    }

    /// <summary>The replica that gives is not the one where the worker waits by now.</summary>
    [Fact]
    public async Task Write_WhoseWorkerWaitsAtAnotherReplica_IsFoundThere()
    {
        var (worker, host) = await KnownAsync("moved");
        var other = await api.StartReplicaAsync();
        for (var attempt = 0; ; attempt++)
        {
            await worker.SyncAsync();
            var waiting = api.Client(worker.Credential, other).PostAsJsonAsync($"/v1/workers/{worker.WorkerId}/sync", worker.Request(wait: 20), FleetJsonContext.Default.SyncRequest);
            await Eventually.Async(() => Task.FromResult(other.Services.GetRequiredService<Inboxes>().Has(worker.WorkerId, worker.InstanceId)), TimeSpan.FromSeconds(10));
            await InjectAsync(host);
            var hasGiven = (bool)(await ScalarAsync("SELECT delivered_epoch IS NOT NULL FROM tasks WHERE host_id = $1 AND NOT done", host.Id))!;
            var answer = await (await waiting.WaitAsync(TimeSpan.FromSeconds(4))).ReadAsync<SyncResponse>();
            var (given, task) = (Assert.Single(answer.Hosts), Assert.Single(answer.Hosts[0].Tasks));
            if (hasGiven || attempt == 5)
            {
                Assert.True(hasGiven);
                return;
            }

            await worker.SyncAsync(results: [ScriptedWorker.Done((given, task))]);
        }
    }

    /// <summary>A sync that goes alone may have waited for long, or its group may have been committed and its answer lost: it looks.</summary>
    [Fact]
    public async Task Result_OfASyncThatGoesAlone_IsAnsweredWithWhatWaits()
    {
        var (worker, host) = await KnownAsync("alone");
        await InjectAsync(host);
        var first = await worker.ReceiveAsync("inject-errors");
        await worker.SyncAsync(results: [ScriptedWorker.Done(first)]);
        await using var connection = await api.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand(UntoldTask, connection) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = host.Id } } })
        {
            await hold.ExecuteNonQueryAsync();
        }

        await using (var hold = new NpgsqlCommand("SELECT FROM hosts WHERE id = $1 FOR UPDATE", connection) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = host.Id } } })
        {
            await hold.ExecuteNonQueryAsync();
        }

        var alone = worker.SyncAsync(results: [ScriptedWorker.Done(first)]);
        await Task.Delay(500);
        Assert.False(alone.IsCompleted);
        await transaction.CommitAsync();
        Assert.Equal("scrub", Assert.Single(Assert.Single((await alone).Hosts).Tasks).Kind);
    }

    [Fact]
    public async Task Write_WhoseWorkerHasNotComeForASecond_LeavesItToTheLook()
    {
        var (worker, host) = await KnownAsync("away");
        await worker.SyncAsync();
        await Task.Delay(1100);
        await InjectAsync(host);
        Assert.Equal(1L, await ScalarAsync("SELECT count(*) FROM tasks WHERE host_id = $1 AND NOT done AND delivered_epoch IS NULL", host.Id));
        Assert.Single(Assert.Single((await worker.SyncAsync()).Hosts).Tasks);
    }

    /// <summary>What waits in the inbox of one digest is found by the look that another one needs.</summary>
    [Fact]
    public async Task Write_WhoseWorkerThenNamesAllItsHosts_IsGivenByTheLook()
    {
        var (worker, host) = await KnownAsync("anew");
        await worker.SyncAsync();
        await InjectAsync(host);
        worker.Digest = string.Empty;
        var answer = await worker.SyncAsync();
        Assert.False(answer.Partial);
        Assert.Single(Assert.Single(answer.Hosts).Tasks);
    }

    /// <summary>A wake-up may be lost. A busy worker's look is never older than a second, whatever it brings.</summary>
    [Fact]
    public async Task Task_OfWhichNobodyTells_IsFoundAllTheSame()
    {
        var (worker, host) = await KnownAsync("untold");
        await InjectAsync(host);
        var done = ScriptedWorker.Done(await worker.ReceiveAsync("inject-errors"));
        await worker.SyncAsync(results: [done]);
        await ScalarAsync(UntoldTask, host.Id);
        await Eventually.Async(async () => (await worker.SyncAsync(results: [done])).Hosts.Count == 1, TimeSpan.FromSeconds(3));
    }

    /// <summary>A worker that knows its host, and shows its digest.</summary>
    private async Task<(ScriptedWorker Worker, HostDto Host)> KnownAsync(string role, int dimms = 1)
    {
        var (worker, host) = await api.ReadyAsync(role, dimms);
        worker.Digest = string.Empty;
        await worker.SyncAsync();
        Assert.NotEqual(string.Empty, worker.Digest);
        return (worker, host);
    }

    /// <summary>A write within the moment in which its worker is expected again. A machine that is busy may take longer: then it is tried with the next one.</summary>
    private async Task GiveBetweenAsync(ScriptedWorker worker, HostDto host, IReadOnlyList<TaskResult> results)
    {
        for (var attempt = 0; attempt < 6; attempt++)
        {
            await worker.SyncAsync(results: results);
            var start = Stopwatch.GetTimestamp();
            await InjectAsync(host);
            if ((bool)(await ScalarAsync("SELECT delivered_epoch IS NOT NULL FROM tasks WHERE host_id = $1 AND NOT done", host.Id))! && Stopwatch.GetElapsedTime(start).TotalSeconds < 0.4)
            {
                return;
            }

            results = [ScriptedWorker.Done(await worker.ReceiveAsync("inject-errors"))];
        }

        Assert.Fail("no write was in time");
    }

    private async Task<Task<SyncResponse>> WaitAsync(ScriptedWorker worker)
    {
        var waiting = worker.SyncAsync(wait: 20);
        await WaitsAsync(worker);
        return waiting;
    }

    private Task WaitsAsync(ScriptedWorker worker) =>
        Eventually.Async(() => Task.FromResult(api.App.Services.GetRequiredService<Inboxes>().Has(worker.WorkerId, worker.InstanceId)), TimeSpan.FromSeconds(10));

    private async Task InjectAsync(HostDto host)
    {
        var answer = await api.BeginAsync(HttpMethod.Post, $"/v1/hosts/{host.Name}/media-errors", """{"dimm":"nmem0","offset":4096,"length":256}""");
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
    }

    /// <summary>It was given by the write that made it: a look makes another version of its operation.</summary>
    private async Task<bool> IsOfTheWriteAsync(Guid task) =>
        (bool)(await ScalarAsync("SELECT o.state = 'running' AND o.version = 1 FROM tasks t JOIN operations o ON o.id = t.operation_id WHERE t.id = $1", task))!;

    /// <summary>Of the newest operation on a host.</summary>
    private async Task<string> StateAsync(Guid host) => (string)(await ScalarAsync("SELECT state FROM operations WHERE host_id = $1 ORDER BY id DESC LIMIT 1", host))!;

    private async Task<object?> ScalarAsync(string sql, Guid id)
    {
        await using var connection = await api.ConnectAsync();
#pragma warning disable CA2100 // the test's own text
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        return await command.ExecuteScalarAsync();
    }
}
