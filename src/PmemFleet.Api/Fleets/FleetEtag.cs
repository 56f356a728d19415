using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Fleets;

/// <summary>The fleet's version: how many events were ever committed, numbered or not. Any change of the fleet changes it.</summary>
public static class FleetEtag
{
    /// <summary>The tag after so many events, with its quotes.</summary>
    public static string Of(long events) => $"\"fleet-{events}\"";

    /// <summary>Events that this transaction sees.</summary>
    public static Task<long> CountAsync(FleetDbContext db, CancellationToken cancellationToken) =>
        // in one statement, which sees one moment: an event that is numbered meanwhile counts once, and one that has no number yet counts too
        db.Database.SqlQuery<long>($"SELECT last_seq + (SELECT count(*) FROM events WHERE seq IS NULL) AS \"Value\" FROM event_counter").SingleAsync(cancellationToken);

    /// <summary>Events of this transaction alone, as far as they are saved: others may have committed theirs since it began.</summary>
    public static Task<long> CountOwnAsync(FleetDbContext db, CancellationToken cancellationToken) =>
        db.Database.SqlQuery<long>($"SELECT count(*) AS \"Value\" FROM events WHERE seq IS NULL AND xmin = pg_current_xact_id()::xid").SingleAsync(cancellationToken);
}
