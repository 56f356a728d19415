using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using PmemFleet.Api.Events;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Sync;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Workers;

/// <summary>
/// Gives hosts to workers: those that have none, those whose worker was started anew (the same worker gets them), and those whose worker has been
/// lost for long enough (the live worker of the pool with the fewest hosts gets them). Each begins a new epoch and boots. Every replica runs
/// it, one at a time, so that each counts what the former gave out; a host that is busy with a write is left for the next round.
/// </summary>
public sealed class HostPlacement(
    FleetTransactions transactions, IHostBoot boot, HostEvacuation evacuation, IOptions<WorkersOptions> options, TimeProvider time)
{
    private const int BatchSize = 200;

    /// <summary>Places one batch; true where there may be more.</summary>
    public Task<bool> PlaceAsync(CancellationToken cancellationToken) => transactions.RunAsync(PlaceAsync, cancellationToken);

    private async Task<bool> PlaceAsync(FleetDbContext db, CancellationToken cancellationToken)
    {
        var failover = TimeSpan.FromSeconds(options.Value.FailoverSeconds);
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({AdvisoryLocks.Placement})", cancellationToken);
        var isMoreToEvacuate = await evacuation.BeginAsync(db, cancellationToken);
        var hosts = await db.Hosts.FromSql(
            $"""
            SELECT h.* FROM hosts h LEFT JOIN worker_leases l ON l.worker_id = h.worker_id
            WHERE (h.worker_id IS NULL OR l.worker_id IS NULL OR l.instance_id <> h.worker_instance_id OR l.expires_at + {failover} < now())
              AND EXISTS (SELECT FROM workers w JOIN worker_leases live ON live.worker_id = w.id
                          WHERE w.media_pool = h.media_pool AND NOT w.draining AND live.expires_at > now())
            ORDER BY h.id LIMIT {BatchSize} FOR UPDATE OF h SKIP LOCKED
            """).AsTracking().ToListAsync(cancellationToken);
        if (hosts.Count == 0)
        {
            return isMoreToEvacuate;
        }

        var workers = await db.Database.SqlQuery<LiveWorker>(
            $"""
            SELECT w.id, w.name, w.media_pool, l.instance_id, (SELECT count(*) FROM hosts h WHERE h.worker_id = w.id)::int AS host_count
            FROM workers w JOIN worker_leases l ON l.worker_id = w.id WHERE l.expires_at > now() AND NOT w.draining
            """).ToListAsync(cancellationToken);
        await BeginEpochsAsync(db, hosts, workers, cancellationToken);
        return isMoreToEvacuate || hosts.Count == BatchSize;
    }

    private async Task BeginEpochsAsync(FleetDbContext db, List<HostRow> hosts, List<LiveWorker> workers, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var formerBoots = await DropPendingMovesAsync(db, hosts, now, cancellationToken);
        var boots = new List<HostBootRequest>();
        foreach (var host in hosts)
        {
            // a worker may have died between the two looks; the next round sees it
            if (Choose(host, workers) is not { } worker)
            {
                continue;
            }

            // one that was evacuated has no worker: it went down cleanly
            var mayHaveRun = host.WorkerId is not null
                && (!formerBoots.TryGetValue(host.Id, out var former) || former.DeliveredEpoch is not null || IsUnsafe(former));
            boots.Add(new HostBootRequest(host, UnsafeShutdown: host.Power == HostRow.On && host.Epoch > 0 && mayHaveRun));
            worker.HostCount += host.WorkerId == worker.Id ? 0 : 1;
            (host.WorkerId, host.WorkerInstanceId) = (worker.Id, worker.InstanceId);
            host.Epoch++;
            host.Version++;
            db.AppendEvent("host.assigned", "system", now, host.Name, host.Name, JsonSerializer.Serialize(new HostAssigned(worker.Name, host.Epoch), FleetJsonOfEvents));
            db.WakeAfterCommit(WakeUps.Worker(worker.Id));
        }

        var before = boots.ToDictionary(request => request.Host.Id, request => request.Host.TaskSequence);
        await boot.BootAsync(db, boots, cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await MovePendingBehindBootAsync(db, boots, before, cancellationToken);
        Telemetry.EpochsBegun.Add(boots.Count);
    }

    /// <summary>The worker that has it, if it lives (it was only started anew); else the one with the fewest hosts.</summary>
    private static LiveWorker? Choose(HostRow host, List<LiveWorker> workers) => workers
        .Where(worker => worker.MediaPool == host.MediaPool)
        .OrderByDescending(worker => worker.Id == host.WorkerId).ThenBy(worker => worker.HostCount).ThenBy(worker => worker.Id)
        .FirstOrDefault();

    /// <summary>A boot or an evacuation of a former epoch that nobody finished means nothing any more. The boots, by host.</summary>
    private static async Task<Dictionary<Guid, TaskRow>> DropPendingMovesAsync(
        FleetDbContext db, List<HostRow> hosts, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var ids = hosts.ConvertAll(host => host.Id).ToArray();
        var tasks = await db.Tasks.Where(task => ids.Contains(task.HostId) && !task.Done && (task.Kind == IHostBoot.Kind || task.Kind == OperationKinds.Evacuate)).ToListAsync(cancellationToken);
        var operationIds = tasks.ConvertAll(task => task.OperationId).ToArray();
        tasks.ForEach(task => task.Done = true);
        foreach (var operation in await db.Operations.Where(row => operationIds.Contains(row.Id)).ToListAsync(cancellationToken))
        {
            (operation.State, operation.EndedAt) = (OperationRow.Cancelled, now);
            operation.Version++;
            db.WakeAfterCommit(WakeUps.Operation(operation.Id));
        }

        return tasks.Where(task => task.Kind == IHostBoot.Kind).ToDictionary(task => task.HostId);
    }

    private static bool IsUnsafe(TaskRow boot) =>
        boot.ReadSteps().OfType<BootStep>().Any(step => step.UnsafeShutdown);

    /// <summary>What was pending before keeps its order, behind the boot.</summary>
    private static async Task MovePendingBehindBootAsync(
        FleetDbContext db, List<HostBootRequest> boots, Dictionary<Guid, long> before, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. boots.Select(request => request.Host.Id)];
        long[] former = [.. boots.Select(request => before[request.Host.Id])];
        var moved = await db.Database.SqlQuery<MovedTasks>(
            $"""
            WITH pending AS (
                SELECT t.id, t.host_id, h.task_sequence + row_number() OVER (PARTITION BY t.host_id ORDER BY t.sequence) AS sequence
                FROM tasks t JOIN unnest({ids}, {former}) AS f(host_id, sequence) ON f.host_id = t.host_id
                JOIN hosts h ON h.id = t.host_id
                WHERE NOT t.done AND t.sequence <= f.sequence
            ), moved AS (
                UPDATE tasks SET sequence = pending.sequence FROM pending WHERE tasks.id = pending.id RETURNING tasks.host_id, tasks.sequence
            )
            SELECT host_id, max(sequence) AS last_sequence FROM moved GROUP BY host_id
            """).ToListAsync(cancellationToken);
        foreach (var (hostId, lastSequence) in moved.Select(row => (row.HostId, row.LastSequence)))
        {
            boots.Find(request => request.Host.Id == hostId)!.Host.TaskSequence = lastSequence;
        }
    }

    private static readonly JsonSerializerOptions FleetJsonOfEvents = Conventions.FleetJson.Options;

    private sealed record HostAssigned(string Worker, long Epoch);

    private sealed record MovedTasks(Guid HostId, long LastSequence);

    private sealed class LiveWorker
    {
        public Guid Id { get; init; }

        public string Name { get; init; } = string.Empty;

        public string MediaPool { get; init; } = string.Empty;

        public Guid InstanceId { get; init; }

        public int HostCount { get; set; }
    }
}
