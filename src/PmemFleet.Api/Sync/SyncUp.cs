using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Applies what a worker brings. A result or an observation counts only under the epoch that the host has now on this very process; one of
/// another epoch changes nothing, and is acknowledged all the same, so that a worker that lost a host does not bring it for ever.
/// (The task of a refused result is still in the queue, and is done again under the new epoch, after the boot.)
/// </summary>
public sealed class SyncUp(TaskResults results, IDimmObservationSink sink)
{
    /// <param name="db">The transaction's context.</param>
    /// <param name="brought">What each worker brings; no worker twice.</param>
    /// <param name="cancellationToken">Stops it; the caller rolls back.</param>
    /// <returns>The operations whose tasks ended, as they are now; whoever waits for one is to be woken once this is committed.</returns>
    public async Task<IReadOnlyList<OperationRow>> ApplyAsync(
        FleetDbContext db, IReadOnlyList<(WorkerIdentity Worker, SyncRequest Request)> brought, CancellationToken cancellationToken)
    {
        IReadOnlyList<OperationRow> operations = [];
        var named = brought.SelectMany(one => one.Request.Results!.Select(result => result.HostId).Concat(one.Request.Observations!.Select(seen => seen.HostId)).Distinct()
            .Select(host => (Host: host, one.Worker))).ToList();
        if (named.Count > 0)
        {
            var hosts = (await LockOwnAsync(db, named, cancellationToken)).ToDictionary(host => host.Id);
            List<TaskResult> valid = [.. brought.SelectMany(one => one.Request.Results!.Where(result => IsCurrent(hosts, one.Worker, result.HostId, result.Epoch)))];
            List<DimmObservation> seen = [.. brought.SelectMany(one => one.Request.Observations!.Where(dimm => IsCurrent(hosts, one.Worker, dimm.HostId, dimm.Epoch)))];
            Telemetry.ResultsApplied.Add(valid.Count, new KeyValuePair<string, object?>("outcome", "applied"));
            Telemetry.ResultsApplied.Add(brought.Sum(one => one.Request.Results!.Count) - valid.Count, new KeyValuePair<string, object?>("outcome", "old-epoch"));

            // what was seen comes first: the answer of a finished inject or clear shows it
            if (seen.Count > 0)
            {
                await sink.ApplyAsync(db, seen, cancellationToken);
            }

            if (valid.Count > 0)
            {
                operations = await results.CompleteAsync(db, hosts, valid, cancellationToken);
            }

            // what completions changed must be seen by the statements that follow, none of which looks at what is tracked
            await db.SaveChangesAsync(cancellationToken);
            db.Forget();
        }

        if (brought.Any(one => one.Request.Progress is { Count: > 0 }))
        {
            await ReportProgressAsync(db, brought, cancellationToken);
        }

        return operations;
    }

    /// <summary>
    /// Only those that are the worker's own: one that names another's host does not keep it from anybody, not even for a moment. The keys are texts,
    /// which are looked up in a hash; of arrays that are joined the planner believes that they are short.
    /// </summary>
    private static Task<List<HostRow>> LockOwnAsync(FleetDbContext db, List<(Guid Host, WorkerIdentity Worker)> named, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. named.Select(one => one.Host).Distinct()];
        string[] keys = [.. named.Select(one => $"{one.Host}{one.Worker.WorkerId}{one.Worker.InstanceId}")];
        return db.Hosts.FromSql(
            $"""
            SELECT * FROM hosts WHERE id = ANY({ids}) AND id::text || worker_id::text || worker_instance_id::text = ANY({keys}) ORDER BY id FOR UPDATE
            """).AsTracking().ToListAsync(cancellationToken);
    }

    private static bool IsCurrent(Dictionary<Guid, HostRow> hosts, WorkerIdentity worker, Guid hostId, long epoch) =>
        hosts.TryGetValue(hostId, out var host) && host.Epoch == epoch && host.WorkerId == worker.WorkerId && host.WorkerInstanceId == worker.InstanceId;

    private static async Task ReportProgressAsync(
        FleetDbContext db, IReadOnlyList<(WorkerIdentity Worker, SyncRequest Request)> brought, CancellationToken cancellationToken)
    {
        var progress = brought.SelectMany(one => (one.Request.Progress ?? []).Select(task => (one.Worker, Task: task))).ToList();
        Guid[] workers = [.. progress.Select(one => one.Worker.WorkerId)];
        Guid[] instances = [.. progress.Select(one => one.Worker.InstanceId)];
        Guid[] ids = [.. progress.Select(one => one.Task.TaskId)];
        double[] fractions = [.. progress.Select(one => double.IsFinite(one.Task.Fraction) ? Math.Clamp(one.Task.Fraction, 0, 1) : 0)];
        await db.Database.ExecuteSqlAsync(
            $"""
            UPDATE operations o SET progress = p.fraction, version = o.version + 1
            FROM unnest({workers}, {instances}, {ids}, {fractions}) AS p(worker, instance, task_id, fraction)
            JOIN tasks t ON t.id = p.task_id AND NOT t.done JOIN hosts h ON h.id = t.host_id AND h.worker_id = p.worker AND h.worker_instance_id = p.instance
            WHERE o.id = t.operation_id AND o.state = 'running' AND o.progress < p.fraction
            """,
            cancellationToken);
    }
}
