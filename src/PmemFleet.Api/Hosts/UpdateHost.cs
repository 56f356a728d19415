using PmemFleet.Api.Conventions;
using PmemFleet.Contracts.Hosts;

namespace PmemFleet.Api.Hosts;

/// <summary>Replaces a host's labels.</summary>
public static class UpdateHost
{
    public static async Task<WriteOutcome> ExecuteAsync(FleetWriteContext context, string host, UpdateHostRequest request)
    {
        if (await context.Db.LockHostAsync(host, context.Cancelled) is not { } row)
        {
            return WriteOutcome.NotFound("host", host);
        }

        if (context.CheckIfMatch(Etag.Of(row.Id, row.Version)) is { } stale)
        {
            return stale;
        }

        if (HostNames.CheckLabels(request.Labels) is { } refusal)
        {
            return refusal;
        }

        row.Labels = new Dictionary<string, string>(request.Labels!);
        row.Version++;
        await context.Db.SaveChangesAsync(context.Cancelled);
        var updated = await HostProjection.FindAsync(context.Db, host, context.Cancelled);
        context.Event("host.updated", host, host, FleetWriteContext.ToJson(updated!.Value));
        return new WriteOutcome.Ok(updated.Value, updated.Etag);
    }
}
