using System.Net;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.Sync;

/// <summary>The worker's one open request against an Api whose answers go wrong.</summary>
public sealed class SyncTests
{
    private static readonly ZeroStep Zero = new() { Start = TestLayout.Start, Length = 8192 };

    [Fact]
    public async Task Tasks_AnswersGoWrongInEveryWay_CountOnceAndInOrder()
    {
        await using var worker = await WorkerFixture.StartAsync(Mishap.Fails, Mishap.Stranger, Mishap.ReplyLost, Mishap.Fails, Mishap.Late);
        var results = new List<Task<TaskResult>>();
        foreach (var mishap in (Mishap[])[Mishap.ReplyLost, Mishap.Doubled, Mishap.ReplyCut, Mishap.Stranger, Mishap.Late, Mishap.Fails, Mishap.ReplyLost])
        {
            worker.Api.Script(mishap, mishap);
            results.Add(worker.RunAsync(Zero));
            results.Add(worker.RunAsync(new ScrubStep()));
            await results[^1];
        }

        Assert.All(await Task.WhenAll(results), result => Assert.True(Assert.Single(result.Steps) is StepDone or StepScrubbed));

        // each scrub was done once, whatever became of the requests that told of it
        await Deadlines.UntilAsync(() => worker.Host.Seen.Values.All(seen => seen.ScrubCount == 7), "seven scrubs are seen");
        Assert.Null(worker.Host.BrokenVersion);
    }

    [Fact]
    public async Task Join_RepliesLost_AsksUnderTheSameInstance()
    {
        await using var worker = await WorkerFixture.StartAsync(Mishap.ReplyLost, Mishap.ReplyLost, Mishap.ReplyLost, Mishap.ReplyLost, Mishap.ReplyLost);

        await worker.RunAsync(Zero);

        Assert.True(worker.Api.Joins.Count > 4);
        Assert.Single(worker.Api.Joins.Select(join => join.InstanceId).Distinct());
    }

    [Fact]
    public async Task Sync_Fenced_DropsHostsAndJoinsAsANewInstance()
    {
        await using var worker = await WorkerFixture.StartAsync();
        await worker.RunAsync(Zero);
        await worker.Client.PostAsync<ProcessDto>("processes", new CreateProcessRequest());

        worker.Api.SyncStatus = HttpStatusCode.Conflict;
        worker.Api.Change(() => { });
        await Deadlines.UntilAsync(() => worker.Api.Joins.Select(join => join.InstanceId).Distinct().Count() >= 2, "a new instance joins");
        worker.Api.SyncStatus = null;
        await worker.RunAsync(Zero);

        // the machine is a new one: a host that begins an epoch lost its processes
        Assert.Equal(404, (await worker.Client.GetAsync<ProcessDto>("processes/100")).Status);
    }

    [Theory]
    [InlineData(HttpStatusCode.Unauthorized)]
    [InlineData(HttpStatusCode.Forbidden)]
    [InlineData(HttpStatusCode.NotFound)]
    public async Task Sync_NotKnown_JoinsAgainAndKeepsItsHosts(HttpStatusCode status)
    {
        await using var worker = await WorkerFixture.StartAsync();
        await worker.RunAsync(Zero);
        var made = await worker.Client.PostAsync<ProcessDto>("processes", new CreateProcessRequest());

        worker.Api.SyncStatus = status;
        worker.Api.Change(() => { });
        await Deadlines.UntilAsync(() => worker.Api.Joins.Count >= 2, "it joins again");
        worker.Api.SyncStatus = null;
        await worker.RunAsync(Zero);

        Assert.Single(worker.Api.Joins.Select(join => join.InstanceId).Distinct());
        Assert.Equal(200, (await worker.Client.GetAsync<ProcessDto>($"processes/{made.Value!.Pid}")).Status);
    }

    [Fact]
    public async Task Host_TakenAway_IsNotServed()
    {
        await using var worker = await WorkerFixture.StartAsync();
        await worker.RunAsync(Zero);

        worker.Api.TakeAway(worker.Host);

        await Deadlines.UntilAsync(
            async () => (await worker.Client.GetAsync<ProcessDto>("processes/1")).Refused == (503, "EAGAIN", "host-not-ready"), "the host is let go");
    }

    [Fact]
    public async Task Lease_NotRenewed_StopsServingUntilTheApiIsBack()
    {
        await using var worker = await WorkerFixture.StartAsync();
        worker.Api.LeaseSeconds = 2;
        await worker.RunAsync(Zero);

        worker.Api.SyncStatus = HttpStatusCode.ServiceUnavailable;
        worker.Api.Change(() => { });
        await Deadlines.UntilAsync(
            async () => (await worker.Client.GetAsync<ProcessDto>("processes/1")).Refused == (503, "EAGAIN", "host-not-ready"), "it stops serving");
        worker.Api.SyncStatus = null;

        await Deadlines.UntilAsync(async () => (await worker.Client.GetAsync<ProcessDto>("processes/1")).Status == 404, "it serves again");
    }

    [Fact]
    public async Task Task_DeliveredAgainAfterItsAcknowledgement_GivesTheStoredResultOnly()
    {
        await using var worker = await WorkerFixture.StartAsync();
        var first = await worker.RunAsync(new InjectErrorsStep { Ranges = [TestLayout.Place(worker.Host.Layout, TestLayout.Start, 256)], Notify = true });
        await worker.RunAsync(new ClearErrorsStep { Start = TestLayout.Start, Length = 4096 });

        var before = worker.Api.Reported.Count;
        worker.Api.Redeliver(worker.Host, first.TaskId);
        await Deadlines.UntilAsync(() => worker.Api.Reported.Count > before, "the result comes again");
        await worker.RunAsync(Zero);

        // done again, it would have poisoned what was cleared since
        Assert.All(worker.Host.Seen.Values, seen => Assert.Empty(seen.Poison));
    }

    [Fact]
    public async Task Task_CancelledBeforeItBegan_HasNoEffect()
    {
        await using var worker = await WorkerFixture.StartAsync();
        await worker.RunAsync(Zero);
        worker.Api.SyncStatus = HttpStatusCode.ServiceUnavailable;
        worker.Api.Change(() => { });
        var cancelled = worker.RunAsync(new ScrubStep());
        var after = worker.RunAsync(Zero);
        worker.Api.Change(() =>
        {
            var open = worker.Host.Assign(new HeldHost { HostId = worker.Host.Id, Epoch = worker.Host.Epoch, ObservedGeneration = 1, AcceptedSequence = 0 }).Tasks[0];
            worker.Host.Cancelled.Add(open.TaskId);
        });
        worker.Api.SyncStatus = null;

        var result = await cancelled;

        Assert.True(result.Cancelled);
        Assert.Empty(result.Steps);
        Assert.False((await after).Cancelled);
        Assert.All(worker.Host.Seen.Values, seen => Assert.Equal(0, seen.ScrubCount));
    }

    [Fact]
    public async Task Hosts_OneWithBrokenMedia_DoesNotStopTheOthers()
    {
        await using var worker = await WorkerFixture.StartAsync();
        await worker.RunAsync(Zero);
        var broken = worker.Api.Change(() => new ScriptedHost(Guid.CreateVersion7(), TestLayout.New(), "worker-1"));
        var folder = Directory.CreateDirectory(Path.Combine(worker.Data, "hosts", broken.Id.ToString("N")));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "epoch"), "damaged");
        worker.Api.Adopt(broken);

        var other = worker.Api.AddHost(TestLayout.New());
        await worker.Api.Enqueue(other, [Zero]);
        await worker.RunAsync(Zero);

        Assert.True(broken.Open > 0);
        Assert.Single(worker.Api.Joins);
        File.Delete(Path.Combine(folder.FullName, "epoch"));
        await Deadlines.UntilAsync(() => broken.Open == 0, "the broken host is taken once it is repaired");
    }
}
