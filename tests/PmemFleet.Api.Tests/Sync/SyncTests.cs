using System.Net;
using System.Net.Http.Json;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Api.Tests.Sync;

public sealed class FastLeases : ApiFixture
{
    protected override Dictionary<string, string?> Settings => new()
    {
        ["PMEMFLEET:WORKERS:LEASESECONDS"] = "2",
        ["PMEMFLEET:WORKERS:FAILOVERSECONDS"] = "0",
    };
}

public sealed class SyncTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Host_New_IsAssignedBootedAndGivenItsLayout()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-new", pool: "new");
        var host = await api.AddHostAsync("h-new", "new");
        var (assignment, boot) = await worker.ReceiveAsync("boot");
        Assert.Equal((host.Id, 1L, "h-new"), (assignment.HostId, assignment.Epoch, assignment.Layout!.HostName));
        Assert.False(Assert.IsType<BootStep>(boot.Steps[0]).UnsafeShutdown);

        // level-triggered: what was accepted and what is known does not come again
        var quiet = await worker.SyncAsync();
        var held = Assert.Single(quiet.Hosts);
        Assert.Null(held.Layout);
        Assert.Empty(held.Tasks);
    }

    [Fact]
    public async Task Task_Done_EndsItsOperationAndIsAcknowledged()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-done", pool: "done");
        await api.AddHostAsync("h-done", "done");
        await worker.ReceiveAsync("boot");
        var operation = await api.EnqueueAsync("h-done");
        var waiting = api.Admin.SendAsync(Get($"/v1/operations/{operation.Id}", "wait=20"));
        var task = await worker.ReceiveAsync("scrub");
        Assert.Equal("running", (await OperationAsync(operation.Id)).State);
        await worker.SyncAsync(progress: [new TaskProgress { TaskId = task.Task.TaskId, Fraction = 0.5 }]);
        Assert.Equal(0.5, (await OperationAsync(operation.Id)).Progress);
        var answer = await worker.SyncAsync(results: [ScriptedWorker.Done(task)]);
        Assert.Equal([task.Task.TaskId], answer.AcknowledgedResults);
        var ended = await (await waiting).ReadAsync<OperationDto>();
        Assert.Equal(("succeeded", 1.0), (ended.State, ended.Progress));
        Assert.NotNull(ended.EndedAt);
    }

    [Fact]
    public async Task Result_Doubled_CountsOnce()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-double", pool: "double");
        await api.AddHostAsync("h-double", "double");
        var operation = await api.EnqueueAsync("h-double");
        var task = await worker.ReceiveAsync("scrub");
        var result = ScriptedWorker.Done(task);
        await worker.SyncAsync(results: [result, result]);
        var version = (await api.Admin.GetAsync($"/v1/operations/{operation.Id}")).Headers.ETag;

        // a late duplicate that says otherwise is acknowledged and changes nothing
        var answer = await worker.SyncAsync(results: [result with { Steps = [Refused("late")] }]);
        Assert.Equal([result.TaskId], answer.AcknowledgedResults);
        Assert.Equal("succeeded", (await OperationAsync(operation.Id)).State);
        Assert.Equal(version, (await api.Admin.GetAsync($"/v1/operations/{operation.Id}")).Headers.ETag);
    }

    [Fact]
    public async Task Result_Refused_FailsTheOperationWithItsRefusal()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-fail", pool: "fail");
        await api.AddHostAsync("h-fail", "fail");
        var operation = await api.EnqueueAsync("h-fail");
        var task = await worker.ReceiveAsync("scrub");
        await worker.SyncAsync(results: [ScriptedWorker.Done(task) with { Steps = [Refused("out-of-spares")] }]);
        var ended = await OperationAsync(operation.Id);
        Assert.Equal(("failed", "out-of-spares", "7"), (ended.State, ended.Refusal!.Code, ended.Refusal.Numbers!["spares"]));
    }

    [Fact]
    public async Task Answer_Lost_TasksComeAgainInOrder()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-lost", pool: "lost");
        await api.AddHostAsync("h-lost", "lost");
        await worker.ReceiveAsync("boot");
        var before = worker.Request();
        for (var i = 0; i < 5; i++)
        {
            await api.EnqueueAsync("h-lost", $"kind-{i}");
        }

        // the answer to this one is lost
        Assert.Equal(HttpStatusCode.OK, (await worker.PostAsync(before)).StatusCode);
        var again = await (await worker.PostAsync(before)).ReadAsync<SyncResponse>();
        Assert.Equal(Enumerable.Range(0, 5).Select(i => $"kind-{i}"), again.Hosts.Single().Tasks.Select(task => task.Kind));
    }

    [Fact]
    public async Task Results_Hundreds_OneSyncEndsThemAll()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-many", pool: "many");
        await api.AddHostAsync("h-many", "many");
        await worker.ReceiveAsync("boot");
        for (var i = 0; i < 200; i++)
        {
            await api.EnqueueAsync("h-many", i % 3 == 0 ? "a" : "b");
        }

        var given = await worker.SyncAsync(1);
        var statements = await StatementsAsync(() => worker.SyncAsync(results: [.. given.Hosts.Single().Tasks.Select(task => ScriptedWorker.Done((given.Hosts.Single(), task)))]));
        Assert.True(statements.Count is >= 2 and <= 6, string.Join("\n", statements));
        var open = await (await api.Admin.GetAsync("/v1/operations?host=h-many&limit=1000")).ReadAsync<Contracts.Lists.ListPage<OperationDto>>();
        Assert.Equal(201, open.Items.Count);
        Assert.All(open.Items.Where(one => one.Kind != "boot"), one => Assert.Equal("succeeded", one.State));
    }

    [Fact]
    public async Task Join_NewInstance_FencesTheOldAndBootsUnsafely()
    {
        var old = await ScriptedWorker.JoinAsync(api, "w-again", pool: "again");
        await api.AddHostAsync("h-again", "again");
        var operation = await api.EnqueueAsync("h-again");
        var task = await old.ReceiveAsync("scrub");
        var fresh = await ScriptedWorker.JoinAsync(api, "w-again", pool: "again");
        Assert.Equal(old.WorkerId, fresh.WorkerId);

        var problem = await (await old.PostAsync(old.Request(results: [ScriptedWorker.Done(task)]))).ReadProblemAsync();
        Assert.Equal((409, "fenced", "ESTALE"), (problem.Status, problem.Code, problem.Errno));

        var (assignment, boot) = await fresh.ReceiveAsync("boot");
        Assert.Equal(task.Host.Epoch + 1, assignment.Epoch);
        Assert.True(Assert.IsType<BootStep>(boot.Steps[0]).UnsafeShutdown);
        Assert.Equal("running", (await OperationAsync(operation.Id)).State);

        // what was pending comes again, behind the boot
        var redone = fresh.Received.Find(one => one.Task.TaskId == task.Task.TaskId);
        redone = redone.Task is null ? await fresh.ReceiveAsync("scrub") : redone;
        Assert.True(redone.Task.Sequence > boot.Sequence);

        // the old epoch's result from the new process is acknowledged, and has no effect
        var answer = await fresh.SyncAsync(results: [ScriptedWorker.Done(task)]);
        Assert.Contains(task.Task.TaskId, answer.AcknowledgedResults);
        Assert.Equal("running", (await OperationAsync(operation.Id)).State);
        await fresh.SyncAsync(results: [ScriptedWorker.Done(redone)]);
        Assert.Equal("succeeded", (await OperationAsync(operation.Id)).State);
    }

    [Fact]
    public async Task Join_NewInstanceBeforeTheFirstBootWasSeen_BootsOnceAndSafely()
    {
        var host = await api.AddHostAsync("h-unseen", "unseen");
        await ScriptedWorker.JoinAsync(api, "w-unseen", pool: "unseen");
        await Eventually.Async(async () => (await HostEpochAsync(host.Id)) == 1, TimeSpan.FromSeconds(5));
        var fresh = await ScriptedWorker.JoinAsync(api, "w-unseen", pool: "unseen");
        var (assignment, boot) = await fresh.ReceiveAsync("boot");
        Assert.Equal(2, assignment.Epoch);
        Assert.False(Assert.IsType<BootStep>(boot.Steps[0]).UnsafeShutdown);
        Assert.Single(fresh.Received);
    }

    [Fact]
    public async Task Join_SameInstanceAgain_ChangesNothing()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-twice", pool: "twice");
        await api.AddHostAsync("h-twice", "twice");
        var (assignment, _) = await worker.ReceiveAsync("boot");
        var again = await ScriptedWorker.JoinAsync(api, "w-twice", worker.InstanceId, "twice");
        Assert.Equal(worker.Credential, again.Credential);
        Assert.Equal(assignment.Epoch, (await again.SyncAsync(1)).Hosts.Single().Epoch);
    }

    [Fact]
    public async Task Sync_Waiting_IsWokenFromAnotherReplica()
    {
        var other = await api.StartReplicaAsync();
        var worker = await ScriptedWorker.JoinAsync(api, "w-woken", pool: "woken", replica: other);
        await api.AddHostAsync("h-woken", "woken");
        await worker.ReceiveAsync("boot");
        var started = TimeProvider.System.GetTimestamp();
        var waiting = worker.SyncAsync(20);
        await Task.Delay(300);
        Assert.False(waiting.IsCompleted);
        await api.EnqueueAsync("h-woken");
        Assert.Equal("scrub", (await waiting).Hosts.Single().Tasks.Single().Kind);
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(4), "the slow poll found it, not the wake-up");
    }

    [Fact]
    public async Task Cancel_NeverSeen_EndsAtOnce_Running_IsToldToTheWorker()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-cancel", pool: "cancel");
        await api.AddHostAsync("h-cancel", "cancel");
        var running = await api.EnqueueAsync("h-cancel");
        var task = await worker.ReceiveAsync("scrub");
        var unseen = await api.EnqueueAsync("h-cancel");

        Assert.Equal("cancelled", (await (await api.Admin.PostAsync($"/v1/operations/{unseen.Id}/cancel", null)).ReadAsync<OperationDto>()).State);
        Assert.Equal("running", (await (await api.Admin.PostAsync($"/v1/operations/{running.Id}/cancel", null)).ReadAsync<OperationDto>()).State);
        var told = await worker.SyncAsync();
        Assert.Equal([task.Task.TaskId], told.CancelledTasks);
        Assert.DoesNotContain(told.Hosts.Single().Tasks, one => one.TaskId != task.Task.TaskId && one.Kind == "scrub");
        await worker.SyncAsync(results: [ScriptedWorker.Done(task) with { Cancelled = true, Steps = [] }]);
        Assert.Equal("cancelled", (await OperationAsync(running.Id)).State);
    }

    [Fact]
    public async Task Placement_SeveralWorkers_SharesHostsOut()
    {
        await ScriptedWorker.JoinAsync(api, "w-share-1", pool: "share");
        await ScriptedWorker.JoinAsync(api, "w-share-2", pool: "share");
        for (var i = 0; i < 10; i++)
        {
            await api.AddHostAsync($"h-share-{i}", "share");
        }

        await Eventually.Async(async () => await HostCountAsync("w-share-1") == 5 && await HostCountAsync("w-share-2") == 5, TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData("Name", "default", "http://x", "worker-name")]
    [InlineData("n", "a pool", "http://x", "media-pool-name")]
    [InlineData("n", "default", "ftp://x", "advertised-url")]
    [InlineData("n", "default", "http://user:secret@x", "advertised-url")]
    public async Task Join_BadRequest_IsRefused(string name, string pool, string url, string code)
    {
        var response = await api.Client(ApiFixture.JoinToken).PostAsJsonAsync(
            "/v1/workers/join", new { name, mediaPool = pool, advertisedUrl = url, instanceId = Guid.CreateVersion7(), version = "1" });
        Assert.Equal(code, (await response.ReadProblemAsync()).Code);
    }

    private static StepRefused Refused(string code) => new()
    {
        Refusal = new RefusalDto { Errno = "EIO", Code = code, Message = "no", Numbers = new Dictionary<string, string> { ["spares"] = "7" } },
    };

    private static HttpRequestMessage Get(string path, string prefer)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Prefer", prefer);
        return request;
    }

    private async Task<OperationDto> OperationAsync(Guid id) => await (await api.Admin.GetAsync($"/v1/operations/{id}")).ReadAsync<OperationDto>();

    private async Task<int> HostCountAsync(string worker) => (await (await api.Admin.GetAsync($"/v1/workers/{worker}")).ReadAsync<WorkerDto>()).HostCount;

    private Task<long> HostEpochAsync(Guid id) => api.WriteAsync(async db => (await db.Hosts.FindAsync(id))!.Epoch);

    private static async Task<List<string>> StatementsAsync(Func<Task> action)
    {
        using var root = new System.Diagnostics.Activity("counted") { ActivityTraceFlags = System.Diagnostics.ActivityTraceFlags.Recorded }.Start();
        var statements = new System.Collections.Concurrent.ConcurrentQueue<string>();
        using var listener = new System.Diagnostics.ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref System.Diagnostics.ActivityCreationOptions<System.Diagnostics.ActivityContext> _) => System.Diagnostics.ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                if (span.TraceId == root.TraceId)
                {
                    statements.Enqueue($"{span.GetTagItem("db.query.text") ?? span.GetTagItem("db.statement") ?? span.DisplayName}");
                }
            },
        };
        System.Diagnostics.ActivitySource.AddActivityListener(listener);
        await action();
        return [.. statements];
    }
}

public sealed class FailoverTests(FastLeases api) : IClassFixture<FastLeases>
{
    [Fact]
    public async Task Lease_Ended_HostMovesAndTheZombieIsFenced()
    {
        var zombie = await ScriptedWorker.JoinAsync(api, "zombie");
        await api.AddHostAsync("moves");
        await zombie.ReceiveAsync("boot");
        var operation = await api.EnqueueAsync("moves");
        var task = await zombie.ReceiveAsync("scrub");

        // it is silent from here on; another one lives
        var heir = await ScriptedWorker.JoinAsync(api, "heir");
        var (assignment, boot) = await heir.ReceiveAsync("boot");
        Assert.Equal(task.Host.Epoch + 1, assignment.Epoch);
        Assert.True(Assert.IsType<BootStep>(boot.Steps[0]).UnsafeShutdown);

        var problem = await (await zombie.PostAsync(zombie.Request(results: [ScriptedWorker.Done(task)]))).ReadProblemAsync();
        Assert.Equal("fenced", problem.Code);
        var state = await (await api.Admin.GetAsync($"/v1/operations/{operation.Id}")).ReadAsync<OperationDto>();
        Assert.NotEqual("succeeded", state.State);
        Assert.Equal("lost", (await (await api.Admin.GetAsync("/v1/workers/zombie")).ReadAsync<WorkerDto>()).State);

        // it comes back as a new process, and holds nothing
        var back = await ScriptedWorker.JoinAsync(api, "zombie");
        Assert.Empty((await back.SyncAsync()).Hosts);
    }

    [Fact]
    public async Task Sync_LongPoll_EndsBeforeTheLeaseDoes()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "patient", pool: "patient");
        for (var i = 0; i < 6; i++)
        {
            await worker.SyncAsync(25);
        }
    }
}
