using Microsoft.Extensions.Time.Testing;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Sync;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>Between two syncs of a busy worker nothing is looked for twice, no wake-up is lost, and no lease is believed in for longer than it is there.</summary>
public sealed class LastLooksTests
{
    private static readonly WorkerIdentity Worker = new(Guid.NewGuid(), Guid.NewGuid(), "w");
    private readonly FakeTimeProvider _time = new();
    private readonly WakeUps _wakeUps = new();

    [Theory]
    [InlineData(0.4, "3.a", true)]
    [InlineData(1.0, "3.a", false)]
    [InlineData(0.4, "3.b", false)]
    [InlineData(0.4, "", false)]
    public void Take_CountsTheFormerLook_WhereItIsYoungAndOfTheSameHosts(double secondsLater, string digest, bool counts)
    {
        var looks = new LastLooks(new WorkersOptions(), _time);
        var lookedAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(secondsLater / 2));
        Assert.True(looks.Keep(Worker, Answer("3.a"), Subscribe(), lookedAt));
        _time.Advance(TimeSpan.FromSeconds(secondsLater / 2));
        Assert.Equal(new LastLook(false, counts ? lookedAt : null), looks.Take(Worker, Request(digest)));
        Assert.Equal(default, looks.Take(Worker, Request(digest)));
    }

    /// <summary>The look's own time is kept, however often the worker comes: the lease was renewed then.</summary>
    [Fact]
    public void Look_KeptAgainAndAgain_StaysAsOldAsItIs()
    {
        var looks = new LastLooks(new WorkersOptions(), _time);
        var lookedAt = _time.GetTimestamp();
        var taken = 0;
        for (var times = 0; times < 20; times++)
        {
            looks.Keep(Worker, Answer("3.a"), Subscribe(), lookedAt);
            _time.Advance(TimeSpan.FromSeconds(0.3));
            if (looks.Take(Worker, Request("3.a")).LookedAt is not { } at)
            {
                break;
            }

            Assert.Equal(lookedAt, at);
            taken++;
        }

        Assert.Equal(3, taken);
    }

    [Fact]
    public void WakeUp_BetweenTwoSyncs_IsNotLost()
    {
        var looks = new LastLooks(new WorkersOptions(), _time);
        looks.Keep(Worker, Answer("3.a"), Subscribe(), _time.GetTimestamp());
        _wakeUps.Raise(WakeUps.Worker(Worker.WorkerId));
        Assert.Equal(new LastLook(true, null), looks.Take(Worker, Request("3.a")));
    }

    [Fact]
    public void Keep_OfAShortLease_OrOfAnAnswerThatLeavesMore_IsRefused()
    {
        Assert.False(new LastLooks(new WorkersOptions { LeaseSeconds = 9 }, _time).Keep(Worker, Answer("3.a"), Subscribe(), 0));
        var looks = new LastLooks(new WorkersOptions(), _time);
        Assert.False(looks.Keep(Worker, Answer("3.a") with { CancelledTasks = [Guid.NewGuid()] }, Subscribe(), 0));
        Assert.False(looks.Keep(Worker, Answer("") with { Partial = true }, Subscribe(), 0));
        Assert.False(looks.Keep(Worker, Answer("3.a") with { Partial = false }, Subscribe(), 0));
    }

    /// <summary>An answer with tasks may be lost on its way: only who shows that they came knows what the look knew.</summary>
    [Theory]
    [InlineData(7, 5, true)]
    [InlineData(7, 6, true)]
    [InlineData(7, 4, false)]
    [InlineData(6, 5, false)]
    public void Take_AfterTasks_CountsWhereTheyAreAccepted(long epoch, long accepted, bool counts)
    {
        var host = Guid.NewGuid();
        var looks = new LastLooks(new WorkersOptions(), _time);
        looks.Keep(Worker, Answer("3.a") with { Hosts = [Host(host, 4, 5)] }, Subscribe(), _time.GetTimestamp());
        var request = Request("3.a") with { Hosts = [new HeldHost { HostId = host, Epoch = epoch, ObservedGeneration = 1, AcceptedSequence = accepted }] };
        Assert.Equal(counts ? new LastLook(false, _time.GetTimestamp()) : new LastLook(true, null), looks.Take(Worker, request));
    }

    [Fact]
    public void Take_AfterTasksOfAHostThatIsNotNamed_LooksAnew()
    {
        var looks = new LastLooks(new WorkersOptions(), _time);
        looks.Keep(Worker, Answer("3.a") with { Hosts = [Host(Guid.NewGuid(), 1)] }, Subscribe(), _time.GetTimestamp());
        Assert.Equal(new LastLook(true, null), looks.Take(Worker, Request("3.a")));
    }

    [Fact]
    public void Keep_OfAsManyTasksAsALookGives_IsRefused()
    {
        var looks = new LastLooks(new WorkersOptions(), _time);
        long[] all = [.. Enumerable.Range(1, SyncLook.MostTasks)];
        Assert.False(looks.Keep(Worker, Answer("3.a") with { Hosts = [Host(Guid.NewGuid(), all)] }, Subscribe(), 1));
        Assert.True(looks.Keep(Worker, Answer("3.a") with { Hosts = [Host(Guid.NewGuid(), all[1..])] }, Subscribe(), 1));
    }

    private static HostAssignment Host(Guid id, params long[] sequences) => new()
    {
        HostId = id,
        Epoch = 7,
        Generation = 1,
        Tasks = [.. sequences.Select(sequence => new WorkerTask { TaskId = Guid.NewGuid(), Sequence = sequence, Kind = "scrub", Steps = [] })],
    };

    private WakeUpSubscription Subscribe() => _wakeUps.Subscribe(WakeUps.Worker(Worker.WorkerId));

    private static SyncRequest Request(string digest) => new() { InstanceId = Worker.InstanceId, Hosts = [], Results = [], Observations = [], HostsDigest = digest };

    private static SyncResponse Answer(string digest) =>
        new() { LeaseSeconds = 30, AcknowledgedResults = [], AcknowledgedObservations = [], Hosts = [], CancelledTasks = [], Partial = true, HostsDigest = digest };
}
