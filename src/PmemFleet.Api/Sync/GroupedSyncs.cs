using System.Diagnostics;
using Microsoft.Extensions.Options;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Syncs that bring something, or that are woken, of several workers at the same time: they share one transaction and its statements. Where a group
/// fails or would have to wait for a host, each of it goes alone: what one worker sends is no other worker's trouble.
/// </summary>
public sealed partial class GroupedSyncs : IDisposable
{
    /// <summary>What brings more than this is a transaction of its own: the others would wait for it.</summary>
    private const int MostBroughtTogether = 500;

    /// <summary>How long a group waits for a lease's or a host's lock: an apply of a whole fleet may hold some for half a minute, and the others' leases would end meanwhile.</summary>
    private const string Patience = "200ms";

    /// <summary>How long a group waits for more, while many come: workers that were woken by one group of writes come within it.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private readonly FleetTransactions _transactions;
    private readonly SyncUp _up;
    private readonly SyncDown _down;
    private readonly EndedOperations _ended;
    private readonly WakeUps _wakeUps;
    private readonly WorkersOptions _options;
    private readonly ILogger<GroupedSyncs> _logger;
    private readonly Gathering<GatheredSync> _waiting;

    public GroupedSyncs(
        FleetTransactions transactions, SyncUp up, SyncDown down, EndedOperations ended, WakeUps wakeUps, IOptions<WorkersOptions> options, ILogger<GroupedSyncs> logger)
    {
        (_transactions, _up, _down, _ended, _wakeUps, _options, _logger) = (transactions, up, down, ended, wakeUps, options.Value, logger);
        _waiting = new Gathering<GatheredSync>(SharedTransactions.Places, SharedTransactions.Most, Moment, sync => sync.Worker.WorkerId, ServeAsync);
    }

    /// <summary>The answer; null where the worker is fenced.</summary>
    /// <param name="worker">Who asks.</param>
    /// <param name="request">What it brings and holds.</param>
    /// <param name="work">What is to be done.</param>
    /// <param name="cancellationToken">The worker left. What it brought may be applied all the same.</param>
    public async Task<SyncResponse?> RunAsync(WorkerIdentity worker, SyncRequest request, SyncWork work, CancellationToken cancellationToken)
    {
        var sync = new GatheredSync(worker, request, work, Activity.Current, cancellationToken);
        await (work.BringsNews && request.Results!.Count + request.Observations!.Count > MostBroughtTogether ? AloneAsync(sync) : _waiting.GiveAsync(sync));
        return await sync.Answer.Task;
    }

    /// <inheritdoc/>
    public void Dispose() => _waiting.Dispose();

    private async Task ServeAsync(IReadOnlyList<GatheredSync> group)
    {
        using var span = SharedTransactions.StartSpan("sync group", [.. group.Select(sync => sync.Request)]);
        try
        {
            var answers = await TransactAsync(group, Patience, CancellationToken.None);
            foreach (var sync in group)
            {
                sync.Answer.SetResult(answers.GetValueOrDefault(sync.Worker.WorkerId));
            }
        }
        catch (Exception apart)
        {
            LogApart(group.Count, apart.Message);

            // one of them is to blame, or a host of one is held by somebody. Applying a sync twice is harmless, so it does not matter whether this one was committed
            foreach (var sync in group)
            {
                _ = AloneAsync(sync);
            }
        }
    }

    /// <summary>It looks in any case: what the group did may be committed, and its answer lost; and who waits for a host may wait for long.</summary>
    private Task AloneAsync(GatheredSync sync) => SharedTransactions.AloneAsync(
        sync.Answer,
        sync.Request,
        async () => (await TransactAsync([sync with { Work = sync.Work with { Looks = true } }], "0", sync.Left)).GetValueOrDefault(sync.Worker.WorkerId));

    /// <summary>By worker; those that are fenced are not in it. Whoever waits for an operation that ended is woken, and need not read it.</summary>
    private async Task<IReadOnlyDictionary<Guid, SyncResponse>> TransactAsync(IReadOnlyList<GatheredSync> group, string lockTimeout, CancellationToken cancellationToken)
    {
        var (answers, operations) = await _transactions.RunAsync((db, token) => OnceAsync(db, group, lockTimeout, token), cancellationToken);
        _ended.Add(operations);
        _wakeUps.Raise(operations.Select(operation => WakeUps.Operation(operation.Id)));
        return answers;
    }

    private async Task<(IReadOnlyDictionary<Guid, SyncResponse> Answers, IReadOnlyList<OperationRow> Operations)> OnceAsync(
        FleetDbContext db, IReadOnlyList<GatheredSync> group, string lockTimeout, CancellationToken cancellationToken)
    {
        var leases = new LeaseRenewal([.. group.Select(sync => sync.Worker)], TimeSpan.FromSeconds(_options.LeaseSeconds), lockTimeout);
        var (begin, end) = (db.NewTrip(), db.NewTrip());
        leases.AddTo(begin);
        List<(WorkerIdentity Worker, SyncRequest Request)> bringing = [.. group.Where(sync => sync.Work.BringsNews).Select(sync => (sync.Worker, sync.Body))];
        SyncLook look;
        IReadOnlyList<OperationRow> operations = [];
        if (bringing.Count == 0)
        {
            look = LookFor(db, group);
            look.AddTo(begin);
            await begin.RunAsync(cancellationToken);
        }
        else
        {
            var brought = SyncUp.Find(db, bringing, begin);
            await begin.RunAsync(cancellationToken);
            operations = await _up.ApplyAsync(db, brought, leases.Holds, end, cancellationToken);
            look = LookFor(db, group);
            look.AddTo(end);
            await end.RunAsync(cancellationToken);

            // none of the statements that follow looks at what is here
            db.Forget();
        }

        var news = await _down.TellAsync(db, look, [.. group.Where(sync => leases.Holds(sync.Worker)).Select(sync => (sync.Worker, sync.Body))], cancellationToken);
        return (group.Where(sync => news.ContainsKey(sync.Worker.WorkerId)).ToDictionary(sync => sync.Worker.WorkerId, sync => AnswerOf(sync.Body, news[sync.Worker.WorkerId])), operations);
    }

    /// <summary>A look for those that want one, and for those for whom this very transaction has something.</summary>
    private static SyncLook LookFor(FleetDbContext db, IReadOnlyList<GatheredSync> group) =>
        new([.. group.Where(sync => sync.Work.Looks || db.Changes.IsToWake(WakeUps.Worker(sync.Worker.WorkerId))).Select(sync => (sync.Worker, sync.Body))]);

    private SyncResponse AnswerOf(SyncRequest request, SyncNews news) => new()
    {
        LeaseSeconds = _options.LeaseSeconds,
        AcknowledgedResults = [.. request.Results!.Select(result => result.TaskId)],
        AcknowledgedObservations = [.. request.Observations!.Select(seen => new AcknowledgedObservation(seen.DimmId, seen.Version))],
        Hosts = news.Hosts,
        Partial = news.Partial,
        HostsDigest = request.HostsDigest is null ? null : news.Digest,
        CancelledTasks = news.Cancelled,
    };

    [LoggerMessage(EventId = 1045, Level = LogLevel.Debug, Message = "A group of {Count} syncs goes apart, each alone: {Reason}")]
    private partial void LogApart(int count, string reason);

    private sealed record GatheredSync(WorkerIdentity Worker, SyncRequest Body, SyncWork Work, Activity? Request, CancellationToken Left)
    {
        public TaskCompletionSource<SyncResponse?> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>What a sync needs a transaction for.</summary>
/// <param name="BringsNews">What it brings is still to be applied.</param>
/// <param name="Looks">It is not known what waits for the worker.</param>
public readonly record struct SyncWork(bool BringsNews, bool Looks)
{
    /// <summary>Something waits.</summary>
    public static SyncWork Look => new(BringsNews: false, Looks: true);
}
