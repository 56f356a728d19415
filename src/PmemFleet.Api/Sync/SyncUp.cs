using Microsoft.EntityFrameworkCore;
using Npgsql;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Applies what workers bring. A result or an observation counts only under the epoch that the host has now on this very process; one of
/// another epoch changes nothing, and is acknowledged all the same, so that a worker that lost a host does not bring it for ever.
/// (The task of a refused result is still in the queue, and is done again under the new epoch, after the boot.)
/// </summary>
public sealed class SyncUp(TaskResults results, IDimmObservationSink sink)
{
    /// <summary>Locks the hosts of what is brought, and looks up its tasks.</summary>
    /// <param name="db">The transaction's context.</param>
    /// <param name="brought">What each worker brings; no worker twice.</param>
    /// <param name="trip">The round trip that does it.</param>
    internal static Brought Find(FleetDbContext db, IReadOnlyList<(WorkerIdentity Worker, SyncRequest Request)> brought, RoundTrip trip)
    {
        var found = new Brought(brought, new OpenTasks());
        var named = brought.SelectMany(one => one.Request.Results!.Select(result => result.HostId).Concat(one.Request.Observations!.Select(seen => seen.HostId)).Distinct()
            .Select(host => (host, one.Worker.WorkerId, one.Worker.InstanceId))).ToList();
        if (named.Count > 0)
        {
            HostLocks.OfHolders(db, named, trip, found.Hosts);
            found.Tasks.Find(db, [.. brought.SelectMany(one => one.Request.Results!.Select(result => result.TaskId))], trip);
        }

        return found;
    }

    /// <summary>Applies it. What ends is written by <paramref name="trip"/>, which the caller runs; so is whatever else is not saved by then.</summary>
    /// <param name="db">The transaction's context.</param>
    /// <param name="brought">What was found.</param>
    /// <param name="holds">A worker's lease holds: what others bring changes nothing.</param>
    /// <param name="trip">Takes the statements.</param>
    /// <param name="cancellationToken">Stops it; the caller rolls back.</param>
    /// <returns>The operations whose tasks ended, once the trip is back; whoever waits for one is to be woken once this is committed.</returns>
    internal async Task<IReadOnlyList<OperationRow>> ApplyAsync(
        FleetDbContext db, Brought brought, Func<WorkerIdentity, bool> holds, RoundTrip trip, CancellationToken cancellationToken)
    {
        var live = brought.Requests.Where(one => holds(one.Worker)).ToList();
        var hosts = brought.Hosts.ToDictionary(locked => locked.Host.Id, locked => locked.Host);
        List<TaskResult> valid = [.. live.SelectMany(one => one.Request.Results!.Where(result => IsCurrent(hosts, one.Worker, result.HostId, result.Epoch)))];
        List<DimmObservation> seen = [.. live.SelectMany(one => one.Request.Observations!.Where(dimm => IsCurrent(hosts, one.Worker, dimm.HostId, dimm.Epoch)))];
        Telemetry.ResultsApplied.Add(valid.Count, new KeyValuePair<string, object?>("outcome", "applied"));
        Telemetry.ResultsApplied.Add(live.Sum(one => one.Request.Results!.Count) - valid.Count, new KeyValuePair<string, object?>("outcome", "old-epoch"));
        foreach (var host in hosts.Values)
        {
            db.Changes.Attach(host);
        }

        // what was seen comes first: the answer of a finished inject or clear shows it
        if (seen.Count > 0)
        {
            await sink.ApplyAsync(db, seen, cancellationToken);
            await db.SaveChangesAsync(cancellationToken);
        }

        // without errors before, and none that were just seen, nobody has to look for them
        var withoutErrors = seen.Count > 0 ? [] : brought.Hosts.Where(locked => !locked.HasErrors).Select(locked => locked.Host.Id).ToHashSet();
        var operations = valid.Count == 0 ? [] : await results.CompleteAsync(db, hosts, valid, brought.Tasks, withoutErrors, trip, cancellationToken);
        if (live.Any(one => one.Request.Progress is { Count: > 0 }))
        {
            ReportProgress(live, trip);
        }

        return operations;
    }

    private static bool IsCurrent(Dictionary<Guid, HostRow> hosts, WorkerIdentity worker, Guid hostId, long epoch) =>
        hosts.TryGetValue(hostId, out var host) && host.Epoch == epoch && host.WorkerId == worker.WorkerId && host.WorkerInstanceId == worker.InstanceId;

    private static void ReportProgress(List<(WorkerIdentity Worker, SyncRequest Request)> live, RoundTrip trip)
    {
        var progress = live.SelectMany(one => (one.Request.Progress ?? []).Select(task => (one.Worker, Task: task))).ToList();
        trip.Add(new NpgsqlBatchCommand(
            """
            UPDATE operations o SET progress = p.fraction, version = o.version + 1
            FROM unnest($1, $2, $3, $4) AS p(worker, instance, task_id, fraction)
            JOIN tasks t ON t.id = p.task_id AND t.done IS NOT TRUE JOIN hosts h ON h.id = t.host_id AND h.worker_id = p.worker AND h.worker_instance_id = p.instance
            WHERE o.id = t.operation_id AND o.state = 'running' AND o.progress < p.fraction
            """)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid[]> { TypedValue = [.. progress.Select(one => one.Worker.WorkerId)] },
                new NpgsqlParameter<Guid[]> { TypedValue = [.. progress.Select(one => one.Worker.InstanceId)] },
                new NpgsqlParameter<Guid[]> { TypedValue = [.. progress.Select(one => one.Task.TaskId)] },
                new NpgsqlParameter<double[]> { TypedValue = [.. progress.Select(one => double.IsFinite(one.Task.Fraction) ? Math.Clamp(one.Task.Fraction, 0, 1) : 0)] },
            },
        });
    }
}

/// <summary>What workers bring, with what the rows have of it.</summary>
/// <param name="Requests">By worker.</param>
/// <param name="Tasks">Those of its results that have not ended.</param>
internal sealed record Brought(IReadOnlyList<(WorkerIdentity Worker, SyncRequest Request)> Requests, OpenTasks Tasks)
{
    /// <summary>The hosts it names, as far as those who bring it hold them; locked.</summary>
    public List<(HostRow Host, bool HasErrors)> Hosts { get; } = [];
}
