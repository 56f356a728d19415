using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Syncs that bring something, or that are woken, of several workers at the same time: they share one transaction and its statements. Where a group
/// fails or would have to wait for a host, each of it goes alone: what one worker sends is no other worker's trouble.
/// </summary>
public sealed partial class GroupedSyncs
{
    /// <summary>What brings more than this is a transaction of its own: the others would wait for it.</summary>
    private const int MostBroughtTogether = 500;

    /// <summary>How long a group waits for a lease's or a host's lock: an apply of a whole fleet may hold some for half a minute, and the others' leases would end meanwhile.</summary>
    private const string Patience = "200ms";

    private readonly FleetTransactions _transactions;
    private readonly SyncUp _up;
    private readonly SyncDown _down;
    private readonly WorkersOptions _options;
    private readonly ILogger<GroupedSyncs> _logger;
    private readonly Gathering<WaitingSync> _waiting;

    public GroupedSyncs(FleetTransactions transactions, SyncUp up, SyncDown down, IOptions<WorkersOptions> options, ILogger<GroupedSyncs> logger)
    {
        (_transactions, _up, _down, _options, _logger) = (transactions, up, down, options.Value, logger);
        _waiting = new Gathering<WaitingSync>(SharedTransactions.Places, SharedTransactions.Most, sync => sync.Worker.WorkerId, ServeAsync);
    }

    /// <summary>The answer; null where the worker is fenced.</summary>
    /// <param name="worker">Who asks.</param>
    /// <param name="request">What it brings and holds.</param>
    /// <param name="bringsNews">What it brings is still to be applied.</param>
    /// <param name="cancellationToken">The worker left. What it brought may be applied all the same.</param>
    public async Task<SyncResponse?> RunAsync(WorkerIdentity worker, SyncRequest request, bool bringsNews, CancellationToken cancellationToken)
    {
        var sync = new WaitingSync(worker, request, bringsNews, Activity.Current, cancellationToken);
        await (bringsNews && request.Results!.Count + request.Observations!.Count > MostBroughtTogether ? AloneAsync(sync) : _waiting.GiveAsync(sync));
        return await sync.Answer.Task;
    }

    private async Task ServeAsync(IReadOnlyList<WaitingSync> group)
    {
        using var span = SharedTransactions.StartSpan("sync group", [.. group.Select(sync => sync.Request)]);
        try
        {
            var answers = await _transactions.RunAsync((db, token) => OnceAsync(db, group, Patience, token), CancellationToken.None);
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

    private Task AloneAsync(WaitingSync sync) => SharedTransactions.AloneAsync(
        sync.Answer,
        sync.Request,
        async () => (await _transactions.RunAsync((db, token) => OnceAsync(db, [sync], "0", token), sync.Left)).GetValueOrDefault(sync.Worker.WorkerId));

    /// <summary>By worker; those that are fenced are not in it.</summary>
    private async Task<IReadOnlyDictionary<Guid, SyncResponse>> OnceAsync(
        FleetDbContext db, IReadOnlyList<WaitingSync> group, string lockTimeout, CancellationToken cancellationToken)
    {
        var lease = TimeSpan.FromSeconds(_options.LeaseSeconds);
        Guid[] workers = [.. group.Select(sync => sync.Worker.WorkerId)];
        Guid[] instances = [.. group.Select(sync => sync.Worker.InstanceId)];
        var renewed = (await db.Database.SqlQuery<Guid>(
            $"""
            WITH mine AS (
                SELECT l.worker_id FROM worker_leases l JOIN unnest({workers}, {instances}) AS asking(worker, instance) ON l.worker_id = asking.worker AND l.instance_id = asking.instance
                WHERE (SELECT set_config('lock_timeout', {lockTimeout}, true)) IS NOT NULL AND l.expires_at > now() ORDER BY l.worker_id FOR UPDATE OF l
            )
            UPDATE worker_leases l SET expires_at = now() + {lease} FROM mine WHERE l.worker_id = mine.worker_id AND l.expires_at > now()
            RETURNING l.worker_id AS "Value"
            """).ToListAsync(cancellationToken)).ToHashSet();
        List<WaitingSync> live = [.. group.Where(sync => renewed.Contains(sync.Worker.WorkerId))];
        if (live.Count == 0)
        {
            return new Dictionary<Guid, SyncResponse>();
        }

        List<WaitingSync> bringing = [.. live.Where(sync => sync.BringsNews)];
        if (bringing.Count > 0)
        {
            await _up.ApplyAsync(db, bringing.ConvertAll(sync => (sync.Worker, sync.Body)), cancellationToken);
        }

        var news = await _down.ReadAsync(db, live.ConvertAll(sync => (sync.Worker, sync.Body)), cancellationToken);
        return live.ToDictionary(sync => sync.Worker.WorkerId, sync => AnswerOf(sync.Body, news[sync.Worker.WorkerId]));
    }

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

    private sealed record WaitingSync(WorkerIdentity Worker, SyncRequest Body, bool BringsNews, Activity? Request, CancellationToken Left)
    {
        public TaskCompletionSource<SyncResponse?> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
