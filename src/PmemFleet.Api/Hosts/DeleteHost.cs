using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Operations;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Hosts;

/// <summary>Deletes a host. One that a worker ever held goes once the worker has removed its media.</summary>
public sealed class DeleteHost(OperationQueue queue, TaskResults results)
{
    public async Task<WriteOutcome> ExecuteAsync(FleetWriteContext context, string host)
    {
        if (await context.Db.LockHostAsync(host, context.Cancelled) is not { } row)
        {
            return WriteOutcome.NotFound("host", host);
        }

        if (context.CheckIfMatch(Etag.Of(row.Id, row.Version)) is { } stale)
        {
            return stale;
        }

        return await RemoveAsync(context, row) is { } operation ? new WriteOutcome.Accepted(operation.Id) : new WriteOutcome.NoContent();
    }

    /// <summary>Deletes a host that is locked; the operation that ends with it, or null where it is gone with this transaction.</summary>
    public async Task<OperationRow?> RemoveAsync(FleetWriteContext context, HostRow row)
    {
        var host = row.Name;
        if (row.Epoch == 0)
        {
            await queue.AbandonAsync(context.Db, row, context.Cancelled);
            await results.LeaveAsync(context.Db, row, context.Cancelled);
            await HostRemoval.OfDevicesAsync(context.Db, [row.Id], context.Cancelled);
            context.Db.Remove(row);
            context.Event("host.deleted", host, host);
            return null;
        }

        Guid[] dimms = await context.Db.Set<DimmRow>().Where(dimm => dimm.HostId == row.Id).OrderBy(dimm => dimm.Number)
            .Select(dimm => dimm.Id).ToArrayAsync(context.Cancelled);
        Guid[] legacy = await context.Db.Set<Regions.RegionRow>()
            .Where(region => region.HostId == row.Id && region.Kind == Regions.RegionTexts.Legacy).OrderBy(region => region.Number)
            .Select(region => region.Id).ToArrayAsync(context.Cancelled);
        context.Event("host.deleting", host, host);
        return context.Enqueue(
            row,
            OperationKinds.DeleteHost,
            host,
            [new ShutdownStep(), .. dimms.Concat(legacy).Select(media => new WipeDimmStep { DimmId = media, Remove = true })],
            null,
            StatusCodes.Status204NoContent);
    }
}

/// <summary>The order in which a host's rows go.</summary>
internal static class HostRemoval
{
    /// <summary>Regions before DIMMs: a DIMM that a region uses cannot go, not even with its host.</summary>
    public static Task OfDevicesAsync(Persistence.FleetDbContext db, Guid[] hosts, CancellationToken cancellationToken)
    {
        LockedHosts.ForgetAfterCommit(db, hosts);
        return db.Set<Regions.RegionRow>().Where(region => hosts.Contains(region.HostId)).ExecuteDeleteAsync(cancellationToken);
    }
}

/// <summary>The media is gone, so the host is.</summary>
public sealed class DeleteHostCompletion : ITaskCompletion
{
    public IReadOnlyCollection<string> Kinds => [OperationKinds.DeleteHost];

    public async Task CompleteAsync(Persistence.FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken)
    {
        var deleted = tasks.Where(task => task.RemovesHost).ToList();
        if (deleted.Count == 0)
        {
            return;
        }

        Guid[] ids = [.. deleted.Select(task => task.Host.Id)];
        Guid[] own = [.. deleted.Select(task => task.Operation.Id)];
        foreach (var open in await db.Operations.AsTracking().Where(row => ids.Contains(row.HostId!.Value) && row.EndedAt == null && !own.Contains(row.Id)).ToListAsync(cancellationToken))
        {
            (open.State, open.EndedAt) = (OperationRow.Cancelled, deleted[0].Task.CreatedAt);
            open.Version++;
            db.WakeAfterCommit(Persistence.WakeUps.Operation(open.Id));
        }

        await db.SaveChangesAsync(cancellationToken);
        foreach (var task in deleted)
        {
            db.Changes.Forget(task.Host);
            if (task.Host.WorkerId is { } worker)
            {
                db.WakeAfterCommit(Persistence.WakeUps.Worker(worker));
            }

            Events.AppendEvents.AppendEvent(db, "host.deleted", task.Operation.Actor, task.Task.CreatedAt, task.Host.Name, task.Host.Name);
        }

        // in the database, where the rest of the host goes with it
        await HostRemoval.OfDevicesAsync(db, ids, cancellationToken);
        await db.Hosts.Where(host => ids.Contains(host.Id)).ExecuteDeleteAsync(cancellationToken);
    }
}
