using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>What is to be done about a sync that brings nothing.</summary>
public enum IdleVerdict
{
    /// <summary>Its lease is renewed, and there is nothing to take along.</summary>
    Nothing,

    /// <summary>Something may wait for the worker, or its lease is in use: a transaction of its own tells.</summary>
    Ask,

    /// <summary>Its lease is over.</summary>
    Fenced,
}

/// <summary>
/// Syncs that bring nothing, which are nearly all of a large fleet's: their leases are renewed, and it is seen whether anything waits for them, by
/// three statements for all that came within a twentieth of a second. A lone worker is served at once.
/// </summary>
public sealed class IdleSyncs(FleetTransactions transactions, IOptions<WorkersOptions> options, TimeProvider time)
{
    private const int Most = 2000;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly Queue<Waiting> _waiting = [];
    private bool _isServing;

    public Task<IdleVerdict> AskAsync(WorkerIdentity worker, IReadOnlyList<HeldHost> held, CancellationToken cancellationToken)
    {
        var waiting = new Waiting(worker, held);
        lock (_gate)
        {
            _waiting.Enqueue(waiting);
            if (!_isServing)
            {
                _isServing = true;
                _ = Task.Run(ServeAsync, CancellationToken.None);
            }
        }

        return waiting.Answer.Task.WaitAsync(cancellationToken);
    }

    private async Task ServeAsync()
    {
        while (Take() is { Count: > 0 } batch)
        {
            try
            {
                var verdicts = await transactions.RunAsync((db, token) => JudgeAsync(db, batch, token), CancellationToken.None);
                batch.ForEach(waiting => waiting.Answer.SetResult(verdicts.GetValueOrDefault(waiting.Worker.InstanceId, IdleVerdict.Fenced)));
            }
#pragma warning disable CA1031 // whatever it is, each of the requests answers it
            catch (Exception failure)
#pragma warning restore CA1031
            {
                batch.ForEach(waiting => waiting.Answer.SetException(failure));
            }

            await Task.Delay(Gather, time);
        }
    }

    private List<Waiting> Take()
    {
        lock (_gate)
        {
            var batch = new List<Waiting>();
            while (batch.Count < Most && _waiting.TryDequeue(out var next))
            {
                batch.Add(next);
            }

            _isServing = batch.Count > 0;
            return batch;
        }
    }

    /// <summary>By instance; one that is missing has no lease.</summary>
    private async Task<Dictionary<Guid, IdleVerdict>> JudgeAsync(FleetDbContext db, List<Waiting> batch, CancellationToken cancellationToken)
    {
        var lease = TimeSpan.FromSeconds(options.Value.LeaseSeconds);
        Guid[] workers = [.. batch.Select(waiting => waiting.Worker.WorkerId)];
        Guid[] instances = [.. batch.Select(waiting => waiting.Worker.InstanceId)];

        // a lease that somebody holds locked is not waited for: nobody else's would be renewed meanwhile
        var renewed = (await db.Database.SqlQuery<Guid>(
            $"""
            WITH mine AS (
                SELECT l.worker_id FROM worker_leases l JOIN unnest({workers}, {instances}) AS w(id, instance) ON l.worker_id = w.id AND l.instance_id = w.instance
                WHERE l.expires_at > now() ORDER BY l.worker_id FOR UPDATE OF l SKIP LOCKED
            )
            UPDATE worker_leases l SET expires_at = now() + {lease} FROM mine WHERE l.worker_id = mine.worker_id RETURNING l.instance_id AS "Value"
            """).ToListAsync(cancellationToken)).ToHashSet();
        var locked = renewed.Count == batch.Count ? [] : (await db.Database.SqlQuery<Guid>(
            $"""
            SELECT l.instance_id AS "Value" FROM worker_leases l JOIN unnest({workers}, {instances}) AS w(id, instance) ON l.worker_id = w.id AND l.instance_id = w.instance
            WHERE l.expires_at > now()
            """).ToListAsync(cancellationToken)).Where(instance => !renewed.Contains(instance)).ToHashSet();
        var awaited = await AwaitedAsync(db, batch, workers, instances, cancellationToken);
        var verdicts = new Dictionary<Guid, IdleVerdict>();
        foreach (var instance in instances.Where(instance => renewed.Contains(instance) || locked.Contains(instance)))
        {
            verdicts[instance] = locked.Contains(instance) || awaited.Contains(instance) ? IdleVerdict.Ask : IdleVerdict.Nothing;
        }

        return verdicts;
    }

    /// <summary>The instances for which something waits: a host more or less, an epoch, a layout, a task, a cancellation.</summary>
    private static async Task<HashSet<Guid>> AwaitedAsync(
        FleetDbContext db, List<Waiting> batch, Guid[] workers, Guid[] instances, CancellationToken cancellationToken)
    {
        int[] counts = [.. batch.Select(waiting => waiting.Held.Count)];
        var held = batch.SelectMany(waiting => waiting.Held.Select(host => (waiting.Worker.InstanceId, Host: host))).ToList();
        Guid[] heldBy = [.. held.Select(pair => pair.InstanceId)];
        Guid[] hosts = [.. held.Select(pair => pair.Host.HostId)];
        long[] epochs = [.. held.Select(pair => pair.Host.Epoch)];
        long[] generations = [.. held.Select(pair => pair.Host.ObservedGeneration)];
        long[] accepted = [.. held.Select(pair => pair.Host.AcceptedSequence)];
        return (await db.Database.SqlQuery<Guid>(
            $"""
            WITH held AS MATERIALIZED (SELECT * FROM unnest({heldBy}, {hosts}, {epochs}, {generations}, {accepted}) AS held(instance, host_id, epoch, generation, accepted)),
            mine AS MATERIALIZED (
                SELECT h.id, h.epoch, h.generation, w.instance FROM unnest({workers}, {instances}) AS w(id, instance)
                JOIN hosts h ON h.worker_id = w.id AND h.worker_instance_id = w.instance
            )
            SELECT w.instance AS "Value" FROM unnest({instances}, {counts}) AS w(instance, hosts)
            LEFT JOIN (SELECT instance, count(*) AS hosts FROM mine GROUP BY instance) AS have ON have.instance = w.instance WHERE w.hosts <> COALESCE(have.hosts, 0)
            UNION
            SELECT mine.instance FROM mine LEFT JOIN held ON held.instance = mine.instance AND held.host_id = mine.id
            WHERE held.host_id IS NULL OR held.epoch <> mine.epoch OR held.generation < mine.generation
            UNION
            SELECT mine.instance FROM mine JOIN tasks t ON t.host_id = mine.id AND NOT t.done
            LEFT JOIN held ON held.instance = mine.instance AND held.host_id = mine.id AND held.epoch = mine.epoch
            WHERE t.sequence > COALESCE(held.accepted, 0)
            UNION
            SELECT mine.instance FROM mine JOIN tasks t ON t.host_id = mine.id AND NOT t.done JOIN operations o ON o.id = t.operation_id
            WHERE o.ended_at IS NULL AND o.cancel_requested
            """).ToListAsync(cancellationToken)).ToHashSet();
    }

    private sealed record Waiting(WorkerIdentity Worker, IReadOnlyList<HeldHost> Held)
    {
        public TaskCompletionSource<IdleVerdict> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
