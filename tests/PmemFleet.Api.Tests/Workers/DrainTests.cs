using System.Net;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Api.Tests.Workers;

public sealed class DrainTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Drain_WithWorkBeforeAndBehind_MovesTheHostCleanlyAndLosesNothing()
    {
        var first = await ScriptedWorker.JoinAsync(api, "drain-a", pool: "drain");
        await api.AddHostAsync("drained-host", "drain");
        var boot = await first.ReceiveAsync("boot");
        await first.SyncAsync(0, [ScriptedWorker.Done(boot)]);
        var before = await api.EnqueueAsync("drained-host");
        var second = await ScriptedWorker.JoinAsync(api, "drain-b", pool: "drain");

        var draining = await api.Admin.PostAsync<WorkerDto>("/v1/workers/drain-a/drain", "{}");
        Assert.Equal(("draining", 1), (draining.State, draining.HostCount));
        var scrub = await first.ReceiveAsync("scrub");
        var evacuate = first.Received.Find(one => one.Task.Kind == OperationKinds.Evacuate) is { Task: not null } early ? early : await first.ReceiveAsync(OperationKinds.Evacuate);
        var behind = await api.EnqueueAsync("drained-host");
        Assert.Empty((await first.SyncAsync()).Hosts.Single().Tasks);
        Assert.IsType<ShutdownStep>(Assert.Single(evacuate.Task.Steps));
        await first.SyncAsync(0, [ScriptedWorker.Done(scrub), ScriptedWorker.Done(evacuate)]);

        var moved = await second.ReceiveAsync("boot");
        Assert.False(Assert.IsType<BootStep>(moved.Task.Steps[0]).UnsafeShutdown);
        Assert.Equal(boot.Host.Epoch + 1, moved.Host.Epoch);
        await second.SyncAsync(0, [ScriptedWorker.Done(moved)]);
        var last = second.Received.Find(one => one.Task.Kind == "scrub") is { Task: not null } given ? given : await second.ReceiveAsync("scrub");
        await second.SyncAsync(0, [ScriptedWorker.Done(last)]);
        foreach (var operation in new[] { before, behind })
        {
            Assert.Equal("succeeded", (await api.Admin.GetAsync<OperationDto>($"/v1/operations/{operation.Id}")).State);
        }

        Assert.Empty((await first.SyncAsync()).Hosts);
        Assert.Equal("drained", (await api.Admin.GetAsync<WorkerDto>("/v1/workers/drain-a")).State);
        Assert.Equal("drain-b", (await api.Admin.GetAsync<HostDto>("/v1/hosts/drained-host")).Worker);
        Assert.Equal("live", (await api.Admin.PostAsync<WorkerDto>("/v1/workers/drain-a/resume", "{}")).State);
    }

    [Fact]
    public async Task Drain_WorkerDiesOnTheWay_MovesAsAfterAPowerCutAndShutsNothingDown()
    {
        var first = await ScriptedWorker.JoinAsync(api, "dying-a", pool: "dying");
        await api.AddHostAsync("dying-host", "dying");
        var boot = await first.ReceiveAsync("boot");
        await first.SyncAsync(0, [ScriptedWorker.Done(boot)]);
        var second = await ScriptedWorker.JoinAsync(api, "dying-b", pool: "dying");
        await api.Admin.PostAsync<WorkerDto>("/v1/workers/dying-a/drain", "{}");
        await first.ReceiveAsync(OperationKinds.Evacuate);

        // a new process of the name: the former one is gone with its hosts
        await ScriptedWorker.JoinAsync(api, "dying-a", pool: "dying");
        var moved = await second.ReceiveAsync("boot");
        Assert.True(Assert.IsType<BootStep>(moved.Task.Steps[0]).UnsafeShutdown);
        await second.SyncAsync(0, [ScriptedWorker.Done(moved)]);
        Assert.Equal("ready", (await api.Admin.GetAsync<HostDto>("/v1/hosts/dying-host")).State);
        Assert.DoesNotContain(second.Received, one => one.Task.Kind == OperationKinds.Evacuate);
        Assert.Equal(0, await api.WriteAsync(db => db.Tasks.CountAsync(task => !task.Done && task.Kind == OperationKinds.Evacuate)));
    }

    [Fact]
    public async Task Drain_NoOtherWorkerOfThePool_LeavesTheHostWhereItIs()
    {
        var only = await ScriptedWorker.JoinAsync(api, "only-a", pool: "only");
        await api.AddHostAsync("only-host", "only");
        var boot = await only.ReceiveAsync("boot");
        await only.SyncAsync(0, [ScriptedWorker.Done(boot)]);

        await api.Admin.PostAsync<WorkerDto>("/v1/workers/only-a/drain", "{}");
        await only.SyncAsync(1);
        Assert.Equal(("draining", 1), ((await api.Admin.GetAsync<WorkerDto>("/v1/workers/only-a")).State, only.Held.Count));
        Assert.Equal("ready", (await api.Admin.GetAsync<HostDto>("/v1/hosts/only-host")).State);
    }

    [Fact]
    public async Task Drain_NoSuchWorker_Is404()
    {
        var response = await api.Admin.PostAsync("/v1/workers/nobody/drain", null);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }
}
