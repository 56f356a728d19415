using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Sync;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>A sync that shows the digest of its hosts names and is named only the busy ones, and nothing is lost by it.</summary>
public sealed class HostsDigestTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Answer_ToItsDigest_NamesOnlyHostsWithTasks()
    {
        var (worker, hosts) = await ReadyAsync(3);
        var digest = worker.Digest;
        Assert.Empty(worker.Request().Hosts!);
        var quiet = await worker.SyncAsync();
        Assert.Equal((true, digest, 0), (quiet.Partial, quiet.HostsDigest, quiet.Hosts.Count));

        await api.EnqueueAsync(hosts[1].Name);
        var answer = await worker.SyncAsync(10);
        var busy = Assert.Single(answer.Hosts);
        Assert.Equal((true, digest), (answer.Partial, answer.HostsDigest));
        Assert.Equal((hosts[1].Id, 1L, worker.Held[hosts[1].Id].ObservedGeneration, null), (busy.HostId, busy.Epoch, busy.Generation, busy.Layout));
        var task = (busy, Assert.Single(busy.Tasks));

        // it is named while its result is not acknowledged, and does not come again
        Assert.Equal([hosts[1].Id], worker.Request().Hosts!.Select(host => host.HostId));
        Assert.Empty((await worker.SyncAsync()).Hosts);
        var ended = await worker.SyncAsync(results: [ScriptedWorker.Done(task)]);
        Assert.Equal((true, digest, 0), (ended.Partial, ended.HostsDigest, ended.Hosts.Count));
        Assert.Equal([task.Item2.TaskId], ended.AcknowledgedResults);
        Assert.Empty(worker.Request().Hosts!);
    }

    [Fact]
    public async Task Answer_Lost_TasksComeAgain()
    {
        var (worker, hosts) = await ReadyAsync(2);
        var before = worker.Request();
        await api.EnqueueAsync(hosts[0].Name);
        await api.EnqueueAsync(hosts[0].Name);

        // the answers to these two are lost
        var lost = await (await worker.PostAsync(before)).ReadAsync<SyncResponse>();
        await Task.WhenAll(worker.PostAsync(before), worker.PostAsync(before));
        var again = await (await worker.PostAsync(before)).ReadAsync<SyncResponse>();
        Assert.Equal(2, Assert.Single(lost.Hosts).Tasks.Count);
        Assert.Equal(lost.Hosts[0].Tasks.Select(task => task.TaskId), Assert.Single(again.Hosts).Tasks.Select(task => task.TaskId));
    }

    [Fact]
    public async Task Host_NotNamed_IsGivenWhatIsNotDone()
    {
        var (worker, hosts) = await ReadyAsync(2);
        await api.EnqueueAsync(hosts[0].Name);
        await api.EnqueueAsync(hosts[1].Name);
        var received = 0;
        await Eventually.Async(async () => (received += (await worker.SyncAsync(5)).Hosts.Sum(host => host.Tasks.Count)) == 2, TimeSpan.FromSeconds(20));

        var named = worker.Request();
        Assert.Equal(2, named.Hosts!.Count);
        var answer = await (await worker.PostAsync(named with { Hosts = [named.Hosts[0]] })).ReadAsync<SyncResponse>();
        var again = Assert.Single(answer.Hosts);
        Assert.Equal((named.Hosts[1].HostId, 1), (again.HostId, again.Tasks.Count));
    }

    [Theory]
    [InlineData("epoch")]
    [InlineData("generation")]
    [InlineData("taken")]
    [InlineData("added")]
    public async Task Digest_ThatIsNoMore_HasToNameAllHosts(string change)
    {
        var (worker, hosts) = await ReadyAsync(3);
        var (id, digest) = (hosts[1].Id, worker.Digest);
        await api.EnqueueAsync(hosts[0].Name);
        await (change == "added"
            ? api.AddHostAsync($"{hosts[0].Name}-more", hosts[0].MediaPool)
            : api.WriteAsync(async db =>
            {
                var host = (await db.LockHostAsync(hosts[1].Name, CancellationToken.None))!;
                host.Epoch += change == "epoch" ? 1 : 0;
                host.Generation += change == "generation" ? 1 : 0;
                if (change == "taken")
                {
                    await db.Database.ExecuteSqlAsync($"UPDATE hosts SET worker_id = NULL, worker_instance_id = NULL, media_pool = 'nowhere' WHERE id = {host.Id}");
                }

                return host;
            }));

        // nothing is given under hosts that it may not hold
        var answer = await worker.SyncAsync(10);
        for (var more = 0; more < 3 && answer.HostsDigest is not ""; more++)
        {
            // the added one is placed a moment later; until then what there was is given
            Assert.Equal("added", change);
            answer = await worker.SyncAsync(10);
        }

        Assert.Equal((true, 0), (answer.Partial, answer.Hosts.Count));
        Assert.Equal(3, worker.Request().Hosts!.Count);
        var whole = await worker.SyncAsync(10);
        Assert.False(whole.Partial);
        Assert.NotEqual(digest, whole.HostsDigest);
        Assert.Equal(change switch { "taken" => 2, "added" => 4, _ => 3 }, whole.Hosts.Count);

        // only the layout that it does not have
        var fresh = whole.Hosts.Where(host => host.Layout is not null).Select(host => host.HostId).ToList();
        Assert.Equal(change switch { "taken" => [], "added" => [whole.Hosts.Select(host => host.HostId).Except(hosts.Select(host => host.Id)).Single()], _ => [id] }, fresh);
        Assert.Contains(worker.Received, one => one.Task.Kind == "scrub");
        Assert.True((await worker.SyncAsync()).Partial);
    }

    [Fact]
    public async Task Results_BesideADigestThatIsNoMore_AreApplied()
    {
        var (worker, hosts) = await ReadyAsync(2);
        var operation = await api.EnqueueAsync(hosts[0].Name);
        var task = await worker.ReceiveAsync("scrub");
        await api.WriteAsync(async db =>
        {
            db.WakeAfterCommit(WakeUps.Worker(worker.WorkerId));
            return (await db.LockHostAsync(hosts[1].Name, CancellationToken.None))!.Generation++;
        });
        var answer = await worker.SyncAsync(results: [ScriptedWorker.Done(task)]);
        Assert.Equal((true, string.Empty, 0), (answer.Partial, answer.HostsDigest, answer.Hosts.Count));
        Assert.Equal("succeeded", (await api.Admin.GetAsync<OperationDto>($"/v1/operations/{operation.Id}")).State);

        // brought once more, beside all hosts: counts once
        var again = await worker.SyncAsync(results: [ScriptedWorker.Done(task)]);
        Assert.Equal([task.Task.TaskId], again.AcknowledgedResults);
        Assert.False(again.Partial);
    }

    /// <summary>What takes the host away is the worker's own result, and the answer to it does not say that nothing has changed.</summary>
    [Theory]
    [InlineData("delete-host")]
    [InlineData("evacuate")]
    public async Task Result_ThatTakesAHostAway_HasTheWorkerNameItsHostsAtOnce(string kind)
    {
        // with another host its evacuation would tell as well
        var (worker, hosts) = await ReadyAsync(kind == "evacuate" ? 1 : 2);
        if (kind == "evacuate")
        {
            await ScriptedWorker.JoinAsync(api, $"{hosts[0].Name}-other", pool: hosts[0].MediaPool);
            await api.Admin.PostAsync<Contracts.Workers.WorkerDto>($"/v1/workers/{hosts[0].MediaPool}/drain", "{}");
        }
        else
        {
            await api.BeginAsync(HttpMethod.Delete, $"/v1/hosts/{hosts[0].Name}", null);
        }

        var task = await worker.ReceiveAsync(kind);
        var answer = await worker.SyncAsync(results: [ScriptedWorker.Done(task)]);
        Assert.Equal((true, string.Empty, 0), (answer.Partial, answer.HostsDigest, answer.Hosts.Count));
    }

    [Fact]
    public async Task Cancellation_OfATaskThatRuns_IsToldInAPartialAnswer()
    {
        var (worker, hosts) = await ReadyAsync(2);
        var operation = await api.EnqueueAsync(hosts[0].Name);
        var task = await worker.ReceiveAsync("scrub");
        await api.Admin.PostAsync($"/v1/operations/{operation.Id}/cancel", null);
        var told = await worker.SyncAsync(10);
        Assert.Equal((true, 0), (told.Partial, told.Hosts.Count));
        Assert.Equal([task.Task.TaskId], told.CancelledTasks);
        await worker.SyncAsync(results: [ScriptedWorker.Done(task) with { Cancelled = true, Steps = [] }]);
        Assert.Equal("cancelled", (await api.Admin.GetAsync<OperationDto>($"/v1/operations/{operation.Id}")).State);
    }

    [Fact]
    public async Task Poll_WithADigest_IsWokenByAHostMoreAndByATask()
    {
        var (worker, hosts) = await ReadyAsync(1);
        var started = TimeProvider.System.GetTimestamp();
        var waiting = worker.SyncAsync(20);
        await Task.Delay(300);
        Assert.False(waiting.IsCompleted);
        await api.EnqueueAsync(hosts[0].Name);
        var task = Assert.Single(Assert.Single((await waiting).Hosts).Tasks);
        await worker.SyncAsync(results: [ScriptedWorker.Done((worker.Received[^1].Host, task))]);

        waiting = worker.SyncAsync(20);
        await api.AddHostAsync($"{hosts[0].Name}-late", hosts[0].MediaPool);
        Assert.Equal(string.Empty, (await waiting).HostsDigest);
        Assert.Equal(2, (await worker.SyncAsync()).Hosts.Count);
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(9), "the slow polls found them, not the wake-ups");
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("2.")]
    [InlineData("2.zz")]
    [InlineData("-1.0")]
    [InlineData(" 2.0")]
    [InlineData("2.0.0")]
    [InlineData("9223372036854775807.ffffffffffffffff")]
    [InlineData("99999999999999999999.0")]
    [InlineData("2.0")]
    [InlineData("'); DROP TABLE hosts; --")]
    [InlineData("another's")]
    public async Task Digest_ThatIsALie_GetsNothingAndHarmsNobody(string lie)
    {
        var (liar, hosts) = await ReadyAsync(2);
        var (honest, theirs) = await ReadyAsync(2);
        await api.EnqueueAsync(hosts[0].Name);
        await api.EnqueueAsync(theirs[0].Name);
        var request = liar.Request() with { HostsDigest = lie == "another's" ? honest.Digest : lie };
        foreach (var sent in (SyncRequest[])[request, request with { Progress = [new TaskProgress { TaskId = Guid.NewGuid(), Fraction = 0.5 }] }])
        {
            var lying = liar.PostAsync(sent);
            var (answer, heard) = (await (await lying).ReadAsync<SyncResponse>(), await honest.SyncAsync());
            Assert.Equal((true, string.Empty, 0), (answer.Partial, answer.HostsDigest, answer.Hosts.Count));
            Assert.NotEqual(string.Empty, heard.HostsDigest);
        }

        Assert.Equal("scrub", Assert.Single(honest.Received, one => one.Task.Kind == "scrub").Task.Kind);
        Assert.Equal("scrub", (await liar.ReceiveAsync("scrub")).Task.Kind);
    }

    [Fact]
    public async Task Digest_TooLongOrNoText_IsRefused()
    {
        var (liar, _) = await ReadyAsync(1);
        var problem = await (await liar.PostAsync(liar.Request() with { HostsDigest = new string('1', HostsDigest.MostCharacters + 1) })).ReadProblemAsync();
        Assert.Equal((422, "sync-malformed"), (problem.Status, problem.Code));
        using var body = new StringContent($$"""{"instanceId":"{{liar.InstanceId}}","hostsDigest":"\u0000","hosts":[],"results":[],"observations":[]}""", Encoding.UTF8, "application/json");
        Assert.Equal(400, (await (await api.Client(liar.Credential).PostAsync($"/v1/workers/{liar.WorkerId}/sync", body)).ReadProblemAsync()).Status);
    }

    [Fact]
    public async Task Worker_OfOld_IsAnsweredAsEver()
    {
        var (worker, hosts) = await ReadyAsync(2);
        worker.Digest = null;
        await api.EnqueueAsync(hosts[0].Name);
        foreach (var results in (TaskResult[][])[[], [], [ScriptedWorker.Done(await worker.ReceiveAsync("scrub"))]])
        {
            // both the idle way and the other one; it refuses members that it does not know
            var text = await (await worker.PostAsync(worker.Request(results: results))).Content.ReadAsStringAsync();
            Assert.DoesNotContain("artial", text, StringComparison.Ordinal);
            Assert.DoesNotContain("igest", text, StringComparison.Ordinal);
            Assert.Equal(2, System.Text.Json.JsonSerializer.Deserialize(text, Contracts.FleetJsonContext.Default.SyncResponse)!.Hosts.Count);
        }
    }

    [Fact]
    public async Task Worker_WithoutADigest_IsToldItAtOnce()
    {
        var (worker, _) = await ReadyAsync(2);
        var digest = worker.Digest;
        worker.Digest = string.Empty;
        var answer = await worker.SyncAsync(20).WaitAsync(TimeSpan.FromSeconds(8));
        Assert.Equal((false, digest, 2), (answer.Partial, answer.HostsDigest, answer.Hosts.Count));

        // one without hosts, too
        var idle = await ScriptedWorker.JoinAsync(api, $"w-{Guid.NewGuid():N}", pool: $"p-{Guid.NewGuid():N}");
        idle.Digest = string.Empty;
        Assert.NotEqual(string.Empty, (await idle.SyncAsync(20).WaitAsync(TimeSpan.FromSeconds(8))).HostsDigest);
        Assert.True((await idle.SyncAsync()).Partial);
    }

    [Fact]
    public async Task Tasks_WhenTheWholeFleetHasMany_ComeAllTheSame()
    {
        var (worker, hosts) = await ReadyAsync(3);
        var idle = await api.AddHostAsync($"{hosts[0].Name}-queue", $"{hosts[0].MediaPool}-nobody");
        await api.WriteAsync(async db =>
        {
            var queue = api.App.Services.GetRequiredService<OperationQueue>();
            var host = (await db.LockHostAsync(idle.Name, CancellationToken.None))!;
            for (var i = 0; i < 600; i++)
            {
                queue.Enqueue(db.Changes, host, new OperationRequest("scrub", [new ScrubStep()], "test"));
            }

            return host;
        });
        var operation = await api.EnqueueAsync(hosts[2].Name);
        var task = await worker.ReceiveAsync("scrub");
        Assert.Equal(hosts[2].Id, task.Host.HostId);
        await api.Admin.PostAsync($"/v1/operations/{operation.Id}/cancel", null);
        Assert.Equal([task.Task.TaskId], (await worker.SyncAsync()).CancelledTasks);
        Assert.Equal(HttpStatusCode.OK, (await worker.PostAsync(worker.Request(results: [ScriptedWorker.Done(task)]))).StatusCode);
        await api.WriteAsync(async db =>
        {
            var host = (await db.LockHostAsync(idle.Name, CancellationToken.None))!;
            db.Remove(host);
            return host;
        });
    }

    /// <summary>A worker with hosts that are up, and their digest.</summary>
    private async Task<(ScriptedWorker Worker, List<HostRow> Hosts)> ReadyAsync(int count)
    {
        var name = $"d{Guid.NewGuid():N}"[..20];
        var worker = await ScriptedWorker.JoinAsync(api, name, pool: name);
        worker.Digest = string.Empty;
        var hosts = new List<HostRow>();
        for (var number = 0; number < count; number++)
        {
            hosts.Add(await api.AddHostAsync($"{name}-{number}", name));
        }

        var booted = 0;
        await Eventually.Async(
            async () =>
            {
                var boots = worker.Received.Skip(booted).ToList();
                booted += boots.Count;
                await worker.SyncAsync(results: [.. boots.Select(ScriptedWorker.Done)]);
                return booted == count && worker.Received.Count == count && worker.Digest is { Length: > 0 };
            },
            TimeSpan.FromSeconds(30));
        return (worker, hosts);
    }
}
