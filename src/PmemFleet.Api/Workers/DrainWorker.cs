using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Workers;

/// <summary>A worker is to be emptied, or may be used again. Level-triggered: <see cref="HostEvacuation"/> moves what it holds.</summary>
public static class DrainWorker
{
    public static async Task<WriteOutcome> ExecuteAsync(FleetWriteContext context, string name, bool drain)
    {
        var row = await context.Db.Workers.FromSql($"SELECT * FROM workers WHERE name = {name} FOR UPDATE").AsTracking().SingleOrDefaultAsync(context.Cancelled);
        if (row is null)
        {
            return WriteOutcome.NotFound("worker", name);
        }

        if (context.CheckIfMatch(Etag.Of(row.Id, row.Version)) is { } stale)
        {
            return stale;
        }

        if (row.Draining != drain)
        {
            row.Draining = drain;
            row.Version++;
            context.Event(drain ? "worker.draining" : "worker.resumed", subject: name);
            context.Db.WakeAfterCommit(WakeUps.Placement);
            await context.Db.SaveChangesAsync(context.Cancelled);
        }

        var shown = await WorkerProjection.Read(context.Db).SingleAsync(worker => worker.Worker.Id == row.Id, context.Cancelled);
        return new WriteOutcome.Ok(shown.ToDto(), Etag.Of(row.Id, row.Version));
    }
}
