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
/// fails, each of it goes alone: what one worker sends is no other worker's trouble.
/// </summary>
public sealed class GroupedSyncs
{
    private static readonly int Groups = Math.Max(1, Environment.ProcessorCount / 2);
    private const int MostOfGroup = 64;

    private readonly FleetTransactions _transactions;
    private readonly SyncUp _up;
    private readonly SyncDown _down;
    private readonly WorkersOptions _options;
    private readonly Gathering<WaitingSync> _waiting;

    public GroupedSyncs(FleetTransactions transactions, SyncUp up, SyncDown down, IOptions<WorkersOptions> options)
    {
        (_transactions, _up, _down, _options) = (transactions, up, down, options.Value);
        _waiting = new Gathering<WaitingSync>(Groups, MostOfGroup, sync => sync.Worker.WorkerId, ServeAsync);
    }

    /// <summary>The answer; null where the worker is fenced.</summary>
    /// <param name="worker">Who asks.</param>
    /// <param name="request">What it brings and holds.</param>
    /// <param name="bringsNews">What it brings is still to be applied.</param>
    /// <param name="cancellationToken">The worker left. What it brought may be applied all the same.</param>
    public async Task<SyncResponse?> RunAsync(WorkerIdentity worker, SyncRequest request, bool bringsNews, CancellationToken cancellationToken)
    {
        var sync = new WaitingSync(worker, request, bringsNews, Activity.Current, cancellationToken);
        await _waiting.GiveAsync(sync);
        return await sync.Answer.Task;
    }

    private async Task ServeAsync(IReadOnlyList<WaitingSync> group)
    {
        using var span = group.Count == 1 ? null : Telemetry.Spans.StartActivity(
            ActivityKind.Internal, links: group.Where(sync => sync.Request is not null).Select(sync => new ActivityLink(sync.Request!.Context)), name: "sync group");
        if (await TryAsync(group))
        {
            return;
        }

        foreach (var sync in group)
        {
            await TryAsync([sync]);
        }
    }

    /// <summary>False where it failed and each of the group may be tried alone; alone, a failure is its answer.</summary>
    private async Task<bool> TryAsync(IReadOnlyList<WaitingSync> group)
    {
        try
        {
            // applying a sync twice is harmless, so it does not matter whether a failed one was committed
            var answers = await _transactions.RunAsync((db, token) => OnceAsync(db, group, token), group.Count == 1 ? group[0].Left : CancellationToken.None);
            foreach (var sync in group)
            {
                sync.Answer.SetResult(answers.GetValueOrDefault(sync.Worker.InstanceId));
            }

            return true;
        }
        catch (Exception) when (group.Count > 1)
        {
            return false;
        }
        catch (OperationCanceledException left)
        {
            group[0].Answer.SetCanceled(left.CancellationToken);
            return true;
        }
        catch (Exception failure)
        {
            group[0].Answer.SetException(failure);
            return true;
        }
    }

    /// <summary>By the worker's process; those that are fenced are not in it.</summary>
    private async Task<IReadOnlyDictionary<Guid, SyncResponse>> OnceAsync(FleetDbContext db, IReadOnlyList<WaitingSync> group, CancellationToken cancellationToken)
    {
        var lease = TimeSpan.FromSeconds(_options.LeaseSeconds);
        Guid[] workers = [.. group.Select(sync => sync.Worker.WorkerId)];
        Guid[] instances = [.. group.Select(sync => sync.Worker.InstanceId)];
        var renewed = (await db.Database.SqlQuery<Guid>(
            $"""
            WITH mine AS (
                SELECT l.worker_id FROM worker_leases l JOIN unnest({workers}, {instances}) AS asking(worker, instance) ON l.worker_id = asking.worker AND l.instance_id = asking.instance
                WHERE l.expires_at > now() ORDER BY l.worker_id FOR UPDATE OF l
            )
            UPDATE worker_leases l SET expires_at = now() + {lease} FROM mine WHERE l.worker_id = mine.worker_id AND l.expires_at > now()
            RETURNING l.instance_id AS "Value"
            """).ToListAsync(cancellationToken)).ToHashSet();
        List<WaitingSync> live = [.. group.Where(sync => renewed.Contains(sync.Worker.InstanceId))];
        if (live.Count == 0)
        {
            return new Dictionary<Guid, SyncResponse>();
        }

        List<WaitingSync> bringing = [.. live.Where(sync => sync.BringsNews)];
        if (bringing.Count > 0)
        {
            await _up.ApplyAsync(db, bringing.ConvertAll(sync => (sync.Worker, sync.Body)), cancellationToken);
        }

        var news = await _down.ReadAsync(db, live.ConvertAll(sync => (sync.Worker, sync.Body.Hosts!)), cancellationToken);
        return live.ToDictionary(sync => sync.Worker.InstanceId, sync => new SyncResponse
        {
            LeaseSeconds = _options.LeaseSeconds,
            AcknowledgedResults = [.. sync.Body.Results!.Select(result => result.TaskId)],
            AcknowledgedObservations = [.. sync.Body.Observations!.Select(seen => new AcknowledgedObservation(seen.DimmId, seen.Version))],
            Hosts = news[sync.Worker.InstanceId].Hosts,
            CancelledTasks = news[sync.Worker.InstanceId].Cancelled,
        });
    }

    private sealed record WaitingSync(WorkerIdentity Worker, SyncRequest Body, bool BringsNews, Activity? Request, CancellationToken Left)
    {
        public TaskCompletionSource<SyncResponse?> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
