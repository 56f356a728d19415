using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
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
        var hostId = await db.Operations.Where(operation => operation.Id == id).Select(operation => operation.HostId).SingleOrDefaultAsync(cancelled);
        var hosts = hostId is { } known ? await db.LockHostsAsync([known], cancelled) : [];
        var row = await db.Operations.SingleOrDefaultAsync(operation => operation.Id == id, cancelled);
        if (row is null)
        {
            return WriteOutcome.NotFound("operation", id.ToString());
        }

        if (context.CheckIfMatch(Etag.Of(row.Id, row.Version)) is { } stale)
        {
            return stale;
        }

        if (row.HasEnded || row.CancelRequested || hosts is not [var host])
        {
            return Answer(row);
        }

        if (row.Kind == OperationKinds.ImportImage)
        {
            return Refusals.Busy("not-cancellable", "The image's labels are in place; its data follows.");
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
                db, new Dictionary<Guid, HostRow> { [host.Id] = host }, [.. unseen.Select(task => NeverBegun(task, host.Epoch))], cancelled);
            db.Entry(row).State = EntityState.Detached;
            row = await db.Operations.AsNoTracking().SingleAsync(operation => operation.Id == id, cancelled);
        }
        else if (host.WorkerId is { } worker)
        {
            db.WakeAfterCommit(WakeUps.Worker(worker));
        }

        return Answer(row);
    }

    private static WriteOutcome.Ok Answer(OperationRow row) => new(OperationProjection.ToDto(row), Etag.Of(row.Id, row.Version));

    private static TaskResult NeverBegun(TaskRow task, long epoch) =>
        new() { TaskId = task.Id, HostId = task.HostId, Epoch = epoch, Cancelled = true, Steps = [] };
}
