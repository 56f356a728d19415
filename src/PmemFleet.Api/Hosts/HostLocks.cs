using Npgsql;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Hosts;

/// <summary>
/// Statements that lock hosts' rows until the transaction ends, always in the order of their ids, for transactions in which EF's tracking has no part
/// (<see cref="FleetDbContext.LockHostAsync"/> is for the others).
/// </summary>
internal static class HostLocks
{
    /// <summary>Hosts by name; those that somebody else holds are left out.</summary>
    /// <param name="db">The transaction's context.</param>
    /// <param name="names">Their names.</param>
    /// <param name="trip">Brings the rows.</param>
    /// <param name="locked">Filled when it is back.</param>
    public static void ByName(FleetDbContext db, string[] names, RoundTrip trip, ICollection<HostRow> locked)
    {
        var rows = RowTables.Of(db).Reader<HostRow>();
        trip.Add(
            new NpgsqlBatchCommand($"SELECT {rows.Columns("h")} FROM hosts h WHERE h.name = ANY($1) ORDER BY h.id FOR UPDATE SKIP LOCKED")
            {
                Parameters = { new NpgsqlParameter<string[]> { TypedValue = names } },
            },
            reader => locked.Add(rows.Read(reader)));
    }

    /// <summary>
    /// Hosts that a worker's process holds by a lease: one that names another's host does not keep it from anybody, not even for a moment. The keys are texts, which are
    /// looked up in a hash; of arrays that are joined the planner believes that they are short.
    /// </summary>
    /// <param name="db">The transaction's context.</param>
    /// <param name="named">Hosts, and who says that he holds them.</param>
    /// <param name="trip">Brings the rows.</param>
    /// <param name="locked">Filled when it is back: the row, and whether the host has media errors (only syncs of its holder give it any, and the holder's lease is locked before this statement looks).</param>
    public static void OfHolders(
        FleetDbContext db, IReadOnlyCollection<(Guid Host, Guid Worker, Guid Instance)> named, RoundTrip trip, ICollection<(HostRow Host, bool HasErrors)> locked)
    {
        var rows = RowTables.Of(db).Reader<HostRow>();
        trip.Add(
            new NpgsqlBatchCommand(
                $"""
                SELECT {rows.Columns("h")}, EXISTS (SELECT FROM media_errors e WHERE e.host_id = h.id) FROM hosts h
                WHERE h.id = ANY($1) AND h.id::text || h.worker_id::text || h.worker_instance_id::text = ANY($2)
                  AND EXISTS (SELECT FROM worker_leases l WHERE l.worker_id = h.worker_id AND l.instance_id = h.worker_instance_id AND l.expires_at > now())
                ORDER BY h.id FOR UPDATE OF h
                """)
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid[]> { TypedValue = [.. named.Select(one => one.Host).Distinct()] },
                    new NpgsqlParameter<string[]> { TypedValue = [.. named.Select(one => $"{one.Host}{one.Worker}{one.Instance}")] },
                },
            },
            reader => locked.Add((rows.Read(reader), reader.GetBoolean(rows.Count))));
    }
}
