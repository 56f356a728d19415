using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Access;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Events;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Api.Workers;

/// <summary>
/// What keeps a worker from serving hosts that are its own. Level-triggered: each report is the whole of it, and the same report twice changes nothing. A host that
/// the worker has let go begins a new epoch, as after a power cut.
/// </summary>
public sealed class ReportConditions(FleetTransactions transactions, TimeProvider time)
{
    /// <summary>False where the worker is fenced.</summary>
    public Task<bool> RunAsync(WorkerIdentity worker, WorkerConditions report, CancellationToken cancellationToken) => transactions.RunAsync(
        async (db, token) =>
        {
            if (!await db.WorkerLeases.FromSql($"SELECT * FROM worker_leases WHERE worker_id = {worker.WorkerId} AND instance_id = {worker.InstanceId} AND expires_at > now()").AnyAsync(token))
            {
                return false;
            }

            // hosts first, as everywhere; of those that are another worker's now, or under another epoch, nothing is believed
            var conditions = report.Hosts!.DistinctBy(condition => condition.HostId).ToDictionary(condition => condition.HostId!.Value);
            Guid[] ids = [.. conditions.Keys];
            var hosts = (await db.LockHostsAsync(ids, token)).Where(host => host.WorkerId == worker.WorkerId && conditions[host.Id].Epoch == host.Epoch).ToList();
            var (now, name) = (time.GetUtcNow(), await db.Workers.Where(row => row.Id == worker.WorkerId).Select(row => row.Name).SingleAsync(token));
            await NoteFailuresAsync(db, worker.WorkerId, name, hosts, conditions, now, token);
            foreach (var host in hosts.Where(host => conditions[host.Id].WantsBoot && host.WorkerInstanceId == worker.InstanceId))
            {
                // as after a restart of the worker: placement begins a new epoch, on this worker
                host.WorkerInstanceId = Guid.Empty;
                db.WakeAfterCommit(WakeUps.Placement);
            }

            if (await db.Database.ExecuteSqlAsync($"UPDATE workers SET media_full = {report.MediaFull} WHERE id = {worker.WorkerId} AND media_full <> {report.MediaFull}", token) > 0)
            {
                db.AppendEvent(report.MediaFull ? "worker.media-full" : "worker.media-available", $"worker:{name}", now, subject: name);
            }

            await db.SaveChangesAsync(token);
            return true;
        },
        cancellationToken);

    private static async Task NoteFailuresAsync(
        FleetDbContext db, Guid workerId, string worker, List<HostRow> hosts, Dictionary<Guid, HostCondition> conditions, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var ids = hosts.ConvertAll(host => host.Id);
        var known = await db.Set<HostFailureRow>().AsTracking().Where(row => row.WorkerId == workerId || ids.Contains(row.HostId)).ToListAsync(cancellationToken);
        foreach (var over in known.Where(row => !ids.Contains(row.HostId)))
        {
            db.Remove(over);
            var host = await db.Hosts.Where(row => row.Id == over.HostId).Select(row => row.Name).SingleOrDefaultAsync(cancellationToken);
            db.AppendEvent("host.recovered", $"worker:{worker}", now, host, host);
        }

        foreach (var host in hosts)
        {
            var condition = conditions[host.Id];
            var row = known.Find(row => row.HostId == host.Id);
            if (row is null)
            {
                db.Add(row = new HostFailureRow { HostId = host.Id, WorkerId = workerId, Code = string.Empty, Message = string.Empty, Since = now });
            }

            if (row.Code != condition.Code)
            {
                row.Since = now;
                db.AppendEvent("host.failed", $"worker:{worker}", now, host.Name, host.Name, JsonSerializer.Serialize(new HostFailed(condition.Code!, condition.Message!), FleetJson.Options));
            }

            (row.WorkerId, row.Code, row.Message) = (workerId, condition.Code!, condition.Message!);
        }
    }

    private sealed record HostFailed(string Code, string Message);
}
