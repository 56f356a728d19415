using Microsoft.Extensions.Time.Testing;
using PmemFleet.Api.Access;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Sync;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>What a write gives is taken along by one answer, or its worker is told to look: it is never believed to be on its way when it is not.</summary>
public sealed class InboxesTests
{
    private static readonly WorkerIdentity Worker = new(Guid.NewGuid(), Guid.NewGuid(), "w");
    private readonly FakeTimeProvider _time = new();
    private readonly WakeUps _wakeUps = new();

    [Fact]
    public async Task Put_WhileARequestWaits_EndsItsWait_AndRaisesNothing()
    {
        var inboxes = new Inboxes(_time);
        using var wakeUp = Subscribe();
        var inbox = Enter(inboxes, Worker, "1.a", wakeUp);
        var waiting = wakeUp.WaitAsync(TimeSpan.FromSeconds(30), CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        Assert.True(inboxes.Find(Worker.WorkerId, Worker.InstanceId)!.Put([Given(1)]));
        Assert.True(await waiting);
        Assert.False(wakeUp.TryTake());
        Assert.True(HasMail(inbox));
    }

    /// <summary>Both at once are one wake-up, and the raised topic counts.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Raise_BesideAPut_IsNotLost(bool raisedFirst)
    {
        var inboxes = new Inboxes(_time);
        using var wakeUp = Subscribe();
        var inbox = Enter(inboxes, Worker, "1.a", wakeUp);
        void Raise() => _wakeUps.RaiseHere(WakeUps.Worker(Worker.WorkerId));
        void Put() => Assert.True(inbox.Put([Given(1)]));
        foreach (var act in raisedFirst ? new[] { Raise, Put } : [Put, Raise])
        {
            act();
        }

        Assert.True(await wakeUp.WaitAsync(TimeSpan.FromSeconds(1), CancellationToken.None));
        Assert.True(wakeUp.TryTake());
        Assert.False(await wakeUp.WaitAsync(TimeSpan.FromMilliseconds(1), CancellationToken.None));
    }

    [Fact]
    public async Task Mail_OfAMomentAgo_NudgesTheNextRequest()
    {
        var inboxes = new Inboxes(_time);
        using var former = Subscribe();
        var inbox = Enter(inboxes, Worker, "1.a", former);
        inboxes.Leave(inbox, former);
        Assert.False(inboxes.Has(Worker.WorkerId, Worker.InstanceId));
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.True(inboxes.Find(Worker.WorkerId, Worker.InstanceId)!.Put([Given(1)]));
        Assert.False(await former.WaitAsync(TimeSpan.FromMilliseconds(1), CancellationToken.None));
        using var next = Subscribe();
        Assert.Same(inbox, Enter(inboxes, Worker, "1.a", next));
        Assert.True(await next.WaitAsync(TimeSpan.FromSeconds(1), CancellationToken.None));
    }

    [Fact]
    public void Find_OfAProcessThatIsNotExpected_FindsNothing()
    {
        var inboxes = new Inboxes(_time);
        Assert.Null(inboxes.Find(Worker.WorkerId, Worker.InstanceId));
        using var wakeUp = Subscribe();
        var inbox = Enter(inboxes, Worker, "1.a", wakeUp);
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.NotNull(inboxes.Find(Worker.WorkerId, Worker.InstanceId));
        inboxes.Leave(inbox, wakeUp);
        Assert.NotNull(inboxes.Find(Worker.WorkerId, Worker.InstanceId));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(inboxes.Find(Worker.WorkerId, Worker.InstanceId));
    }

    /// <summary>The worker may have done it long ago, for another replica.</summary>
    [Fact]
    public async Task Mail_OfMoreThanASecondAgo_IsNotGivenAnyMore()
    {
        var inboxes = new Inboxes(_time);
        using var former = Subscribe();
        var inbox = Enter(inboxes, Worker, "1.a", former);
        inboxes.Leave(inbox, former);
        Assert.True(inbox.Put([Given(1)]));
        _time.Advance(TimeSpan.FromSeconds(1));
        using var next = Subscribe();
        var latter = Enter(inboxes, Worker, "1.a", next);
        Assert.False(await next.WaitAsync(TimeSpan.FromMilliseconds(1), CancellationToken.None));
        Assert.False(HasMail(latter));
        Assert.False(inbox.Put([Given(2)]));
    }

    /// <summary>It is told all its hosts and tasks, and nothing of what was there before it may come behind that.</summary>
    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public void Enter_WithoutADigest_ClosesTheInbox(string? digest)
    {
        var inboxes = new Inboxes(_time);
        using var wakeUp = Subscribe();
        var inbox = Enter(inboxes, Worker, "1.a", wakeUp);
        inboxes.Leave(inbox, wakeUp);
        Assert.Null(inboxes.Enter(Worker, Request(digest), wakeUp));
        Assert.Null(inboxes.Find(Worker.WorkerId, Worker.InstanceId));
        Assert.False(inbox.Put([Given(1)]));
    }

    /// <summary>A request that came twice, of which one leaves: the other still waits.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Put_WhereOneOfTwoRequestsHasLeft_WakesTheOther(bool formerLeaves)
    {
        var inboxes = new Inboxes(_time);
        using var former = Subscribe();
        using var latter = Subscribe();
        var inbox = Enter(inboxes, Worker, "1.a", former);
        Assert.Same(inbox, Enter(inboxes, Worker, "1.a", latter));
        var (leaves, stays) = formerLeaves ? (former, latter) : (latter, former);
        inboxes.Leave(inbox, leaves);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(inboxes.Find(Worker.WorkerId, Worker.InstanceId)!.Put([Given(1)]));
        Assert.True(await stays.WaitAsync(TimeSpan.FromSeconds(1), CancellationToken.None));
        Assert.False(await leaves.WaitAsync(TimeSpan.FromMilliseconds(1), CancellationToken.None));
    }

    /// <summary>The instance is what the process chose.</summary>
    [Fact]
    public void Inbox_OfAnotherWorkerWithTheSameInstance_IsAnother()
    {
        var inboxes = new Inboxes(_time);
        using var wakeUp = Subscribe();
        var inbox = Enter(inboxes, Worker, "1.a", wakeUp);
        inbox.Put([Given(1)]);
        Assert.False(HasMail(Enter(inboxes, Worker with { WorkerId = Guid.NewGuid() }, "1.a", wakeUp)));
        Assert.True(HasMail(inbox));
    }

    /// <summary>A minute later nothing is left of it, and who still has hold of it is told.</summary>
    [Fact]
    public void Inbox_OfAProcessThatNeverCameBack_IsForgotten()
    {
        var inboxes = new Inboxes(_time);
        using var wakeUp = Subscribe();
        var inbox = Enter(inboxes, Worker, "1.a", wakeUp);
        inboxes.Leave(inbox, wakeUp);
        _time.Advance(TimeSpan.FromSeconds(61));
        var other = Enter(inboxes, new WorkerIdentity(Guid.NewGuid(), Guid.NewGuid(), "other"), "1.b", wakeUp);
        inboxes.Leave(other, wakeUp);
        Assert.False(inbox.Put([Given(1)]));
        Assert.NotSame(inbox, Enter(inboxes, Worker, "1.a", wakeUp));
    }

    [Fact]
    public void Enter_WithAnotherDigest_ClosesTheFormerInbox()
    {
        var inboxes = new Inboxes(_time);
        using var wakeUp = Subscribe();
        var former = Enter(inboxes, Worker, "1.a", wakeUp);
        Assert.True(former.Put([Given(1)]));
        var latter = Enter(inboxes, Worker, "2.b", wakeUp);
        Assert.False(HasMail(latter));
        Assert.False(former.Put([Given(2)]));
        Assert.Same(latter, inboxes.Find(Worker.WorkerId, Worker.InstanceId));
        Assert.Empty(former.AddTo(Answer("1.a")).Hosts);
    }

    [Fact]
    public void AddTo_JoinsWhatALookFound_InOrder_AndTakesItOnce()
    {
        var inbox = new Inbox("1.a");
        var (first, second, third) = (Given(1), Given(2), Given(3));
        second = second with { Host = first.Host };
        third = third with { Host = first.Host };
        Assert.True(inbox.Put([third, second]));
        var found = new HostAssignment { HostId = first.Host.Id, Epoch = first.Host.Epoch, Generation = 1, Tasks = [first.Task, second.Task] };
        var answer = inbox.AddTo(Answer("1.a") with { Hosts = [found] });
        Assert.Equal([first.Task, second.Task, third.Task], Assert.Single(answer.Hosts).Tasks);
        Assert.Empty(inbox.AddTo(Answer("1.a")).Hosts);
    }

    [Fact]
    public void AddTo_WhereTheHostHasAnotherEpochByNow_LeavesTheMailOut()
    {
        var inbox = new Inbox("1.a");
        var given = Given(1);
        inbox.Put([given]);
        var moved = new HostAssignment { HostId = given.Host.Id, Epoch = given.Host.Epoch + 1, Generation = 1, Tasks = [] };
        Assert.Empty(Assert.Single(inbox.AddTo(Answer("1.a") with { Hosts = [moved] }).Hosts).Tasks);
    }

    [Fact]
    public void AddTo_AnAnswerThatIsNotReadAsSuch_KeepsTheMail()
    {
        var inbox = new Inbox("1.a");
        inbox.Put([Given(1)]);
        Assert.Empty(inbox.AddTo(Answer(string.Empty)).Hosts);
        Assert.Empty(inbox.AddTo(Answer("2.b")).Hosts);
        Assert.Empty(inbox.AddTo(Answer("1.a") with { Partial = false }).Hosts);
        Assert.Single(inbox.AddTo(Answer("1.a")).Hosts);
    }

    /// <summary>A write that gives and a request with another digest at the same time: the mail is in no inbox that a later request would believe in.</summary>
    [Fact]
    public async Task Put_BesideAnotherDigest_NeverStaysInAnInboxThatIsInUse()
    {
        var inboxes = new Inboxes(_time);
        using var wakeUp = Subscribe();
        for (var round = 0; round < 2000; round++)
        {
            var former = Enter(inboxes, Worker, $"1.{round:x}", wakeUp);
            using var both = new Barrier(2);
            var put = Task.Run(() =>
            {
                both.SignalAndWait();
                return former.Put([Given(round)]);
            });
            both.SignalAndWait();
            var latter = Enter(inboxes, Worker, $"2.{round:x}", wakeUp);
            await put;
            Assert.False(HasMail(latter));
            Assert.False(HasMail(former));
            inboxes.Leave(latter, wakeUp);
        }
    }

    private static Inbox Enter(Inboxes inboxes, WorkerIdentity worker, string digest, WakeUpSubscription wakeUp) => inboxes.Enter(worker, Request(digest), wakeUp)!;

    private static SyncRequest Request(string? digest) => new() { InstanceId = Worker.InstanceId, Hosts = [], Results = [], Observations = [], HostsDigest = digest };

    /// <summary>Takes it.</summary>
    private static bool HasMail(Inbox inbox) => inbox.AddTo(Answer(inbox.Digest)).Hosts.Count > 0;

    private WakeUpSubscription Subscribe() => _wakeUps.Subscribe(WakeUps.Worker(Worker.WorkerId));

    private static GivenTask Given(long sequence) =>
        new(Worker.WorkerId, new Assigned(Guid.NewGuid(), 7, 1, 0), new WorkerTask { TaskId = Guid.NewGuid(), Sequence = sequence, Kind = "scrub", Steps = [] });

    private static SyncResponse Answer(string digest) =>
        new() { LeaseSeconds = 30, AcknowledgedResults = [], AcknowledgedObservations = [], Hosts = [], CancelledTasks = [], Partial = true, HostsDigest = digest };
}
