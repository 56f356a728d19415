using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Workers;

/// <summary>
/// Empties workers that drain: each host is shut down cleanly behind what its queue holds, and is placed anew once that is done. What is asked of
/// the host meanwhile waits in its queue for the new epoch. A host stays where it is while no other worker of its pool could take it.
/// </summary>
public sealed class HostEvacuation(OperationQueue queue) : ITaskCompletion
{
    private const int BatchSize = 200;

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Kinds => [OperationKinds.Evacuate];

    /// <summary>Begins one batch; true where there may be more. Called under the placement's lock.</summary>
    public async Task<bool> BeginAsync(FleetDbContext db, CancellationToken cancellationToken)
    {
        var hosts = await db.Hosts.FromSql(
            $"""
            SELECT h.* FROM hosts h JOIN workers w ON w.id = h.worker_id AND w.draining
            JOIN worker_leases l ON l.worker_id = w.id AND l.instance_id = h.worker_instance_id AND l.expires_at > now()
            WHERE NOT EXISTS (SELECT FROM tasks t WHERE t.host_id = h.id AND NOT t.done AND t.kind = {OperationKinds.Evacuate})
              AND EXISTS (SELECT FROM workers o JOIN worker_leases live ON live.worker_id = o.id
                          WHERE o.media_pool = h.media_pool AND NOT o.draining AND live.expires_at > now())
            ORDER BY h.id LIMIT {BatchSize} FOR UPDATE OF h SKIP LOCKED
            """).AsTracking().ToListAsync(cancellationToken);
        foreach (var host in hosts)
        {
            // the data plane waits for the new epoch from here on
            host.State = host.Power == HostRow.On ? HostRow.Booting : host.State;
            host.Version++;
            queue.Enqueue(db.Changes, host, new OperationRequest(OperationKinds.Evacuate, [new ShutdownStep()], "system") { Subject = host.Name });
        }

        return hosts.Count == BatchSize;
    }

    /// <inheritdoc/>
    public async Task CompleteAsync(FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken)
    {
        foreach (var (host, isDown) in tasks.Select(task => (task.Host, task.Refusal is null)))
        {
            if (host.WorkerId is { } worker)
            {
                db.WakeAfterCommit(WakeUps.Worker(worker));
            }

            // without a worker but with an epoch: it went down cleanly. Of one that did not, or where what its worker says cannot be, nobody knows how it stands:
            // it moves as from a worker that was lost, and its media's new epoch keeps the former one out
            host.WorkerId = isDown ? null : host.WorkerId;
            host.WorkerInstanceId = isDown ? null : Guid.Empty;
            host.State = HostRow.Pending;
            host.Version++;
        }

        db.WakeAfterCommit(WakeUps.Placement);
        await db.SaveChangesAsync(cancellationToken);
    }
}
