using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Reads what a worker has to know: all hosts it holds, the layouts it does not have yet, the tasks it has not accepted, the
/// cancellations. Giving a task out is noted on it, so that a cancellation knows whether a worker may have begun.
/// </summary>
public sealed class SyncDown(IHostLayouts layouts)
{
    private const int MaxTasks = 250;

    /// <summary>The same number of statements however many workers ask. Gives, by worker, what it has to know.</summary>
    public async Task<IReadOnlyDictionary<Guid, (IReadOnlyList<HostAssignment> Hosts, IReadOnlyList<Guid> Cancelled)>> ReadAsync(
        FleetDbContext db, IReadOnlyList<(WorkerIdentity Worker, IReadOnlyList<HeldHost> Held)> asking, CancellationToken cancellationToken)
    {
        Guid[] workers = [.. asking.Select(one => one.Worker.WorkerId)];
        Guid[] instances = [.. asking.Select(one => one.Worker.InstanceId)];
        var assigned = (await db.Database.SqlQuery<Assigned>(
            $"""
            SELECT h.id, h.epoch, h.generation, asking.worker AS worker_id
            FROM hosts h JOIN unnest({workers}, {instances}) AS asking(worker, instance) ON h.worker_id = asking.worker AND h.worker_instance_id = asking.instance
            """).ToListAsync(cancellationToken)).OrderBy(host => host.Id).ToLookup(host => host.WorkerId);
        if (assigned.Count == 0)
        {
            return workers.ToDictionary(worker => worker, _ => ((IReadOnlyList<HostAssignment>)[], (IReadOnlyList<Guid>)[]));
        }

        var stale = new List<Guid>();
        foreach (var (worker, held) in asking)
        {
            var heldById = held.DistinctBy(host => host.HostId).ToDictionary(host => host.HostId);
            stale.AddRange(assigned[worker.WorkerId].Where(host => LacksLayout(host, heldById)).Select(host => host.Id));
        }

        var layoutOf = stale.Count == 0 ? new Dictionary<Guid, HostLayout>() : await layouts.LoadAsync(db, stale, cancellationToken);
        var tasks = (await GiveTasksAsync(db, workers, instances, asking, cancellationToken)).ToLookup(task => (task.HostId, task.Epoch));
        var cancelled = (await db.Database.SqlQuery<Cancelled>(
            $"""
            SELECT t.id AS task_id, h.worker_id
            FROM operations o JOIN tasks t ON t.operation_id = o.id AND NOT t.done JOIN hosts h ON h.id = t.host_id
            WHERE o.ended_at IS NULL AND o.cancel_requested AND h.worker_id = ANY({workers}) AND h.worker_instance_id = ANY({instances})
            """).ToListAsync(cancellationToken)).ToLookup(one => one.WorkerId, one => one.TaskId);
        return workers.ToDictionary(worker => worker, worker => (
            (IReadOnlyList<HostAssignment>)
            [
                .. assigned[worker].Select(host => new HostAssignment
                {
                    HostId = host.Id,
                    Epoch = host.Epoch,
                    Generation = host.Generation,
                    Layout = layoutOf.GetValueOrDefault(host.Id),
                    Tasks = [.. tasks[(host.Id, host.Epoch)].Select(task => task.ToDto())],
                }),
            ],
            (IReadOnlyList<Guid>)[.. cancelled[worker]]));
    }

    private static bool LacksLayout(Assigned host, Dictionary<Guid, HeldHost> held) =>
        !held.TryGetValue(host.Id, out var seen) || seen.Epoch != host.Epoch || seen.ObservedGeneration < host.Generation;

    private static async Task<List<GivenTask>> GiveTasksAsync(
        FleetDbContext db, Guid[] workers, Guid[] instances, IReadOnlyList<(WorkerIdentity Worker, IReadOnlyList<HeldHost> Held)> asking, CancellationToken cancellationToken)
    {
        // looked up by key and not joined: of arrays the planner believes that they are short, and walks all of them for every host
        var accepted = JsonSerializer.Serialize(
            asking.SelectMany(one => one.Held.Where(host => host.AcceptedSequence > 0).Select(host => (Key: $"{one.Worker.InstanceId}{host.HostId}{host.Epoch}", host.AcceptedSequence)))
                .DistinctBy(host => host.Key).ToDictionary(host => host.Key, host => host.AcceptedSequence),
            FleetJsonContext.Default.IReadOnlyDictionaryStringInt64);
        var given = await db.Database.SqlQuery<GivenTask>(
            $"""
            WITH due AS (
                SELECT mine.id, mine.epoch FROM unnest({workers}, {instances}) AS asking(worker, instance)
                CROSS JOIN LATERAL (
                    SELECT t.id, h.epoch FROM hosts h JOIN tasks t ON t.host_id = h.id AND NOT t.done
                    WHERE h.worker_id = asking.worker AND h.worker_instance_id = asking.instance
                      AND t.sequence > COALESCE(({accepted}::jsonb ->> (h.worker_instance_id::text || h.id::text || h.epoch::text))::bigint, 0)
                      AND NOT EXISTS (SELECT FROM tasks leaving WHERE leaving.host_id = t.host_id AND NOT leaving.done
                                      AND leaving.kind = {OperationKinds.Evacuate} AND leaving.sequence < t.sequence)
                    ORDER BY t.host_id, t.sequence LIMIT {MaxTasks} FOR UPDATE OF t
                ) AS mine
            ), given AS (
                UPDATE tasks t SET delivered_epoch = due.epoch FROM due WHERE t.id = due.id AND NOT t.done
                RETURNING t.id, t.operation_id, t.host_id, due.epoch, t.sequence, t.kind, t.steps, t.trace_parent
            ), running AS (
                UPDATE operations o SET state = 'running', version = o.version + 1 FROM given WHERE o.id = given.operation_id AND o.state = 'pending'
            )
            SELECT id, host_id, epoch, sequence, kind, steps::text AS steps, trace_parent FROM given
            """).ToListAsync(cancellationToken);
        foreach (var kind in given.GroupBy(task => task.Kind))
        {
            Telemetry.TasksGiven.Add(kind.Count(), new KeyValuePair<string, object?>("kind", kind.Key));
        }

        return [.. given.OrderBy(task => task.Sequence)];
    }

    private sealed record Assigned(Guid Id, long Epoch, long Generation, Guid WorkerId);

    private sealed record Cancelled(Guid TaskId, Guid WorkerId);

    private sealed record GivenTask(Guid Id, Guid HostId, long Epoch, long Sequence, string Kind, string Steps, string? TraceParent)
    {
        public WorkerTask ToDto() => new()
        {
            TaskId = Id,
            Sequence = Sequence,
            Kind = Kind,
            TraceParent = TraceParent,
            Steps = JsonSerializer.Deserialize(Steps, FleetJsonContext.Default.IReadOnlyListTaskStep)!,
        };
    }
}
