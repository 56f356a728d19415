using System.Net;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.Sync;

/// <summary>The worker shows the digest of its hosts while it holds exactly these, and names all of them whenever that is in doubt.</summary>
public sealed class HostsDigestTests
{
    private static readonly ZeroStep Zero = new() { Start = TestLayout.Start, Length = 8192 };

    [Fact]
    public async Task Hosts_Known_OnlyBusyOnesAreNamed()
    {
        await using var worker = await WorkerFixture.StartAsync();
        var other = worker.Api.AddHost(TestLayout.New());
        await worker.Api.Enqueue(other, [Zero]);
        await Deadlines.UntilAsync(() => worker.Api.Syncs.Last() is { HostsDigest.Length: > 0, Hosts.Count: 0 }, "nothing is to be said of any host");

        var before = worker.Api.Syncs.Count;
        await worker.RunAsync(Zero);
        await worker.RunAsync(Zero);
        var telling = worker.Api.Syncs.Skip(before).Where(sync => sync.HostsDigest is { Length: > 0 } && sync.Results!.Any(result => result.HostId == worker.Host.Id)).ToList();
        Assert.NotEmpty(telling);
        Assert.All(telling, sync => Assert.Equal(worker.Host.Id, Assert.Single(sync.Hosts!).HostId));
    }

    [Fact]
    public async Task Answers_GoWrong_NothingIsLostAndNothingDoneTwice()
    {
        await using var worker = await WorkerFixture.StartAsync();
        for (var round = 0; round < 4; round++)
        {
            worker.Api.Script(Mishap.ReplyLost, Mishap.Doubled, Mishap.ReplyCut);
            var running = worker.RunAsync(new ScrubStep());
            worker.Api.Change(() => worker.Host.Replug(worker.Host.Layout));
            await running;
        }

        await Deadlines.UntilAsync(() => worker.Host.Seen.Values.All(seen => seen.ScrubCount <= 4), "four scrubs at most are seen: a new layout begins anew");
        await worker.Api.Move(worker.Host, "worker-1");
        await worker.RunAsync(Zero);
        Assert.Null(worker.Host.BrokenVersion);
    }

    [Fact]
    public async Task Host_LetGoByTheWorkerItself_IsMissedInTheNextRequest()
    {
        await using var worker = await WorkerFixture.StartAsync();
        var other = worker.Api.AddHost(TestLayout.New());
        await worker.Api.Enqueue(other, [Zero]);
        await Deadlines.UntilAsync(() => worker.Api.Syncs.Last() is { HostsDigest.Length: > 0, Hosts.Count: 0 }, "nothing is to be said of any host");

        // somebody opens the media under a newer epoch, of which the Api knows nothing yet: the task fails at the fence
        Assert.NotNull(HostStore.TryOpen(worker.Data, worker.Host.Id, worker.Host.Epoch + 1));
        var waiting = worker.RunAsync(Zero);
        await Deadlines.UntilAsync(
            () => worker.Api.Syncs.Last() is { HostsDigest: "", Hosts: [var held] } && held.HostId == other.Id, "the request names the hosts that are left");
        Assert.False(waiting.IsCompleted);
        await worker.Api.Move(worker.Host, "worker-1");
        await waiting;
    }

    [Fact]
    public async Task Api_OfOld_IsSpokenToAsEver()
    {
        await using var worker = await WorkerFixture.StartAsync();
        await worker.RunAsync(Zero);

        // the replica that answers from now on is an older one
        worker.Api.KnowsDigests = false;
        worker.Api.Change(() => { });
        await worker.RunAsync(Zero);
        await worker.RunAsync(Zero);
        Assert.True(worker.Api.Syncs.Last() is { HostsDigest: null, Hosts.Count: 1 });
        Assert.Single(worker.Api.Joins);

        // and then a newer one: after the next trouble on the way it is asked again
        worker.Api.KnowsDigests = true;
        worker.Api.SyncStatus = HttpStatusCode.ServiceUnavailable;
        worker.Api.Change(() => { });
        await Task.Delay(TimeSpan.FromSeconds(3));
        worker.Api.SyncStatus = null;
        await worker.RunAsync(Zero);
        await Deadlines.UntilAsync(() => worker.Api.Syncs.Last() is { HostsDigest.Length: > 0 }, "it shows digests again");
    }
}
