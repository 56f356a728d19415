using Microsoft.EntityFrameworkCore;
using Npgsql;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Reads what workers have to know: the tasks they have not accepted, the cancellations, and for those that do not show the digest of their hosts all
/// hosts they hold, with the layouts they do not have yet.
/// </summary>
public sealed class SyncDown(IHostLayouts layouts)
{
    /// <summary>One round trip and the layouts', however many workers ask. Gives, by worker, what it has to know.</summary>
    /// <param name="db">The transaction's context.</param>
    /// <param name="asking">Who asks, with leases that hold; no worker twice.</param>
    /// <param name="cancellationToken">Stops it; the caller rolls back.</param>
    public async Task<IReadOnlyDictionary<Guid, SyncNews>> ReadAsync(
        FleetDbContext db, IReadOnlyList<(WorkerIdentity Worker, SyncRequest Request)> asking, CancellationToken cancellationToken)
    {
        var look = new SyncLook(asking);
        await using (var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection()))
        {
            look.AddTo(batch);
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await look.ReadAsync(reader, cancellationToken);
        }

        return await TellAsync(db, look, asking, cancellationToken);
    }

    /// <summary>The same, with leases renewed before it in the same round trip. A worker whose lease is over is not in the answer.</summary>
    /// <param name="db">The transaction's context.</param>
    /// <param name="leases">The renewal of those who ask.</param>
    /// <param name="asking">Who asks; no worker twice.</param>
    /// <param name="cancellationToken">Stops it; the caller rolls back.</param>
    public async Task<IReadOnlyDictionary<Guid, SyncNews>> RenewAndReadAsync(
        FleetDbContext db, LeaseRenewal leases, IReadOnlyList<(WorkerIdentity Worker, SyncRequest Request)> asking, CancellationToken cancellationToken)
    {
        var look = new SyncLook(asking);
        HashSet<Guid> renewed;
        await using (var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection()))
        {
            leases.AddTo(batch);
            look.AddTo(batch);
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            renewed = await LeaseRenewal.ReadAsync(reader, cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            await look.ReadAsync(reader, cancellationToken);
        }

        return await TellAsync(db, look, [.. asking.Where(one => renewed.Contains(one.Worker.WorkerId))], cancellationToken);
    }

    private async Task<IReadOnlyDictionary<Guid, SyncNews>> TellAsync(
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
