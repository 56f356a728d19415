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
    private const int MaxTasks = 1000;

    public async Task<(IReadOnlyList<HostAssignment> Hosts, IReadOnlyList<Guid> Cancelled)> ReadAsync(
        FleetDbContext db, WorkerIdentity worker, IReadOnlyList<HeldHost> held, CancellationToken cancellationToken)
    {
        var assigned = await db.Hosts.AsNoTracking()
            .Where(host => host.WorkerId == worker.WorkerId && host.WorkerInstanceId == worker.InstanceId)
            .OrderBy(host => host.Id).Select(host => new Assigned(host.Id, host.Epoch, host.Generation)).ToListAsync(cancellationToken);
        if (assigned.Count == 0)
        {
            return ([], []);
        }

        var heldById = held.DistinctBy(host => host.HostId).ToDictionary(host => host.HostId);
        Guid[] stale = [.. assigned.Where(host => LacksLayout(host, heldById)).Select(host => host.Id)];
        var layoutOf = stale.Length == 0
            ? new Dictionary<Guid, HostLayout>()
            : await layouts.LoadAsync(db, stale, cancellationToken);
        var tasks = (await GiveTasksAsync(db, worker, held, cancellationToken)).ToLookup(task => (task.HostId, task.Epoch));
        var cancelled = await db.Database.SqlQuery<Guid>(
            $"""
            SELECT t.id AS "Value" FROM operations o JOIN tasks t ON t.operation_id = o.id AND NOT t.done JOIN hosts h ON h.id = t.host_id
            WHERE o.ended_at IS NULL AND o.cancel_requested AND h.worker_id = {worker.WorkerId} AND h.worker_instance_id = {worker.InstanceId}
            """).ToListAsync(cancellationToken);
        return (
            [
                .. assigned.Select(host => new HostAssignment
                {
                    HostId = host.Id,
                    Epoch = host.Epoch,
                    Generation = host.Generation,
                    Layout = layoutOf.GetValueOrDefault(host.Id),
                    Tasks = [.. tasks[(host.Id, host.Epoch)].Select(task => task.ToDto())],
                }),
            ],
            cancelled);
    }

    private static bool LacksLayout(Assigned host, Dictionary<Guid, HeldHost> held) =>
        !held.TryGetValue(host.Id, out var seen) || seen.Epoch != host.Epoch || seen.ObservedGeneration < host.Generation;

    private static async Task<List<GivenTask>> GiveTasksAsync(
        FleetDbContext db, WorkerIdentity worker, IReadOnlyList<HeldHost> held, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. held.Select(host => host.HostId)];
        long[] epochs = [.. held.Select(host => host.Epoch)];
        long[] accepted = [.. held.Select(host => host.AcceptedSequence)];
        var given = await db.Database.SqlQuery<GivenTask>(
            $"""
            WITH due AS (
                SELECT t.id, h.epoch FROM hosts h JOIN tasks t ON t.host_id = h.id AND NOT t.done
                LEFT JOIN unnest({ids}, {epochs}, {accepted}) AS held(host_id, epoch, accepted) ON held.host_id = h.id AND held.epoch = h.epoch
                WHERE h.worker_id = {worker.WorkerId} AND h.worker_instance_id = {worker.InstanceId} AND t.sequence > COALESCE(held.accepted, 0)
                  AND NOT EXISTS (SELECT FROM tasks leaving WHERE leaving.host_id = t.host_id AND NOT leaving.done
                                  AND leaving.kind = {OperationKinds.Evacuate} AND leaving.sequence < t.sequence)
                ORDER BY t.host_id, t.sequence LIMIT {MaxTasks} FOR UPDATE OF t
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

    private sealed record Assigned(Guid Id, long Epoch, long Generation);

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
