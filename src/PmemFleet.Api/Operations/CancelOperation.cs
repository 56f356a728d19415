using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Operations;

/// <summary>
/// Cancels an operation: at once where no worker ever saw its task; else the worker is told, and what it reports decides, for
/// the task may be done already.
/// </summary>
public sealed class CancelOperation(TaskResults results)
{
    public async Task<WriteOutcome> RunAsync(FleetWriteContext context, Guid id)
    {
        var (db, cancelled) = (context.Db, context.Cancelled);
        // an operation over many hosts has no host of its own: its tasks say which they are
        Guid[] hostIds = [.. await db.Tasks.Where(task => task.OperationId == id && !task.Done).Select(task => task.HostId).Distinct().ToListAsync(cancelled)];
        var hosts = hostIds.Length > 0 ? await db.LockHostsAsync(hostIds, cancelled) : [];
        var row = await db.Operations.SingleOrDefaultAsync(operation => operation.Id == id, cancelled);
        if (row is null)
        {
            return WriteOutcome.NotFound("operation", id.ToString());
        }

        if (context.CheckIfMatch(Etag.Of(row.Id, row.Version)) is { } stale)
        {
            return stale;
        }

        if (row.HasEnded || row.CancelRequested || hosts.Count == 0)
        {
            return Answer(row);
        }

        if (row.Kind == OperationKinds.ImportImage)
        {
            return Refusals.Busy("not-cancellable", "The image's labels are in place; its data follows.");
        }

        // without its boot a host would count as up though nothing runs, and without its shutdown as moved cleanly though it runs on
        if (row.Kind is Sync.IHostBoot.Kind or OperationKinds.Evacuate)
        {
            return Refusals.Busy("not-cancellable", row.Kind == OperationKinds.Evacuate
                ? "The host is moving to another worker; resume its worker to keep other hosts there."
                : "The host is coming up on its worker.");
        }

        row.CancelRequested = true;
        row.Version++;
        context.Event("operation.cancel-requested", row.HostName, row.Subject, FleetWriteContext.ToJson(OperationProjection.ToDto(row)));
        await db.SaveChangesAsync(cancelled);
        var unseen = await db.Tasks.FromSql($"SELECT * FROM tasks WHERE operation_id = {id} AND NOT done AND delivered_epoch IS NULL FOR UPDATE")
            .AsNoTracking().ToListAsync(cancelled);
        if (unseen.Count > 0)
        {
            await results.ApplyAsync(
                db, hosts.ToDictionary(host => host.Id), [.. unseen.Where(task => hosts.Exists(host => host.Id == task.HostId)).Select(task => NeverBegun(task, hosts.Find(host => host.Id == task.HostId)!.Epoch))], cancelled);
            db.Entry(row).State = EntityState.Detached;
            row = await db.Operations.AsNoTracking().SingleAsync(operation => operation.Id == id, cancelled);
        }

        foreach (var worker in hosts.Select(host => host.WorkerId).OfType<Guid>().Distinct())
        {
            db.WakeAfterCommit(WakeUps.Worker(worker));
        }

        return Answer(row);
    }

    private static WriteOutcome.Ok Answer(OperationRow row) => new(OperationProjection.ToDto(row), Etag.Of(row.Id, row.Version));

    private static TaskResult NeverBegun(TaskRow task, long epoch) =>
        new() { TaskId = task.Id, HostId = task.HostId, Epoch = epoch, Cancelled = true, Steps = [] };
}
