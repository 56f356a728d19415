using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Tells what workers have to know: the tasks they have not accepted, the cancellations, and for those that do not show the digest of their hosts all
/// hosts they hold, with the layouts they do not have yet.
/// </summary>
public sealed class SyncDown(IHostLayouts layouts)
{
    /// <summary>By worker, what it has to know.</summary>
    /// <param name="db">The transaction's context.</param>
    /// <param name="look">What was seen in this transaction.</param>
    /// <param name="asking">Who is told; of those that were not looked for, that nothing has changed.</param>
    /// <param name="cancellationToken">Stops it; the caller rolls back.</param>
    internal async Task<IReadOnlyDictionary<Guid, SyncNews>> TellAsync(
        FleetDbContext db, SyncLook look, IReadOnlyList<(WorkerIdentity Worker, SyncRequest Request)> asking, CancellationToken cancellationToken)
    {
        var stale = look.LackingLayouts();
        var layoutOf = stale.Count == 0 ? new Dictionary<Guid, HostLayout>() : await layouts.LoadAsync(db, stale, cancellationToken);
        foreach (var kind in look.Given.GroupBy(given => given.Task.Kind))
        {
            Telemetry.TasksGiven.Add(kind.Count(), new KeyValuePair<string, object?>("kind", kind.Key));
        }

        return asking.ToDictionary(one => one.Worker.WorkerId, one => look.NewsOf(one.Worker, one.Request, layoutOf));
    }
}

/// <summary>What one worker has to know.</summary>
/// <param name="Hosts">All its hosts; only those with tasks where it is partial.</param>
/// <param name="Partial">The worker knows the other hosts, or has to name all of them.</param>
/// <param name="Digest">Of all its hosts; empty where it has to name them.</param>
/// <param name="Cancelled">Tasks to stop.</param>
public sealed record SyncNews(IReadOnlyList<HostAssignment> Hosts, bool Partial, string Digest, IReadOnlyList<Guid> Cancelled);
