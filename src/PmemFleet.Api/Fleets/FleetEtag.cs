using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Events;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Fleets;

/// <summary>The fleet's version: the newest number given to an event. Any change of the fleet changes it.</summary>
public static class FleetEtag
{
    public static async Task<string> ReadAsync(FleetDbContext db, CancellationToken cancellationToken) =>
        $"\"fleet-{await db.Set<EventCounterRow>().AsNoTracking().Select(counter => counter.LastSeq).SingleAsync(cancellationToken)}\"";
}
