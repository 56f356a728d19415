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
    public async Task ApplyAsync(FleetDbContext db, WorkerIdentity worker, SyncRequest request, CancellationToken cancellationToken)
    {
        if (request.Results!.Count > 0 || request.Observations!.Count > 0)
        {
            Guid[] ids = [.. request.Results.Select(result => result.HostId).Concat(request.Observations!.Select(seen => seen.HostId)).Distinct()];
            var hosts = (await db.LockHostsAsync(ids, cancellationToken)).ToDictionary(host => host.Id);
            List<TaskResult> valid = [.. request.Results.Where(result => IsCurrent(hosts, worker, result.HostId, result.Epoch))];
            List<DimmObservation> seen = [.. request.Observations!.Where(one => IsCurrent(hosts, worker, one.HostId, one.Epoch))];
            Telemetry.ResultsApplied.Add(valid.Count, new KeyValuePair<string, object?>("outcome", "applied"));
            Telemetry.ResultsApplied.Add(request.Results.Count - valid.Count, new KeyValuePair<string, object?>("outcome", "old-epoch"));
            // what was seen comes first: the answer of a finished inject or clear shows it
            if (seen.Count > 0)
            {
                await sink.ApplyAsync(db, seen, cancellationToken);
            }

            if (valid.Count > 0)
            {
                await results.ApplyAsync(db, hosts, valid, cancellationToken);
            }

            // what completions changed must be seen by the statements that follow
            await db.SaveChangesAsync(cancellationToken);
        }

        if (request.Progress is { Count: > 0 } progress)
        {
            await ReportProgressAsync(db, worker, progress, cancellationToken);
        }
    }

    private static bool IsCurrent(Dictionary<Guid, HostRow> hosts, WorkerIdentity worker, Guid hostId, long epoch) =>
        hosts.TryGetValue(hostId, out var host) && host.Epoch == epoch && host.WorkerId == worker.WorkerId && host.WorkerInstanceId == worker.InstanceId;

    private static async Task ReportProgressAsync(
        FleetDbContext db, WorkerIdentity worker, IReadOnlyList<TaskProgress> progress, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. progress.Select(one => one.TaskId)];
        double[] fractions = [.. progress.Select(one => double.IsFinite(one.Fraction) ? Math.Clamp(one.Fraction, 0, 1) : 0)];
        await db.Database.ExecuteSqlAsync(
            $"""
            UPDATE operations o SET progress = p.fraction, version = o.version + 1
            FROM unnest({ids}, {fractions}) AS p(task_id, fraction) JOIN tasks t ON t.id = p.task_id AND NOT t.done JOIN hosts h ON h.id = t.host_id
            WHERE o.id = t.operation_id AND o.state = 'running' AND o.progress < p.fraction
              AND h.worker_id = {worker.WorkerId} AND h.worker_instance_id = {worker.InstanceId}
            """,
            cancellationToken);
    }
}
