using Microsoft.EntityFrameworkCore;

namespace PmemFleet.Api.Persistence;

/// <summary>Rows of many hosts by a key that is theirs within the host.</summary>
public static class KeyedRows
{
    /// <summary>
    /// The rows of these pairs. Two arrays beside each other (<c>host_id = ANY AND id = ANY</c>) select the same, and the plan that is kept for them looks for
    /// each key in each host: three million looks, and 1.2 s, for the DIMMs of a page of 1,000 regions. LATERAL with OFFSET leaves one plan, whatever the
    /// statistics are: one look into the index for a pair. Not for rows with complex properties, whose columns EF Core does not find in SQL of one's own: join those.
    /// </summary>
    /// <param name="db">The database.</param>
    /// <param name="column">The key's column; an index has it behind the host's.</param>
    /// <param name="pairs">Hosts and keys; one that comes twice counts once.</param>
    public static IQueryable<T> OfPairs<T>(this FleetDbContext db, string column, IEnumerable<(Guid HostId, Guid Key)> pairs)
        where T : class
    {
        (Guid HostId, Guid Key)[] distinct = [.. pairs.Distinct()];
        Guid[] hosts = [.. distinct.Select(pair => pair.HostId)];
        Guid[] keys = [.. distinct.Select(pair => pair.Key)];
        var table = db.Model.FindEntityType(typeof(T))!.GetTableName();
#pragma warning disable EF1002 // the names are this program's own; hosts and keys are parameters
        return db.Set<T>().FromSqlRaw(
            $"SELECT found.* FROM unnest({{0}}, {{1}}) AS pair (host, key) CROSS JOIN LATERAL (SELECT * FROM {table} WHERE host_id = pair.host AND {column} = pair.key OFFSET 0) AS found",
            hosts, keys);
#pragma warning restore EF1002
    }
}
