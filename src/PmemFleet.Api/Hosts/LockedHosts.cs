using Microsoft.EntityFrameworkCore.Infrastructure;
using PmemFleet.Api.Persistence;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Hosts;

/// <summary>The rows of hosts whose lock a transaction holds: from <see cref="HostCache"/> where it has them as they are, else from the database.</summary>
internal static class LockedHosts
{
    /// <summary>In the order of the hosts, with the model where it is known.</summary>
    public static async Task<List<(HostRows Rows, Bus? Bus)>> LoadAsync(FleetDbContext db, IReadOnlyList<HostRow> locked, CancellationToken cancellationToken)
    {
        var cache = db.GetService<HostCache>();
        var found = new Dictionary<Guid, (HostRows Rows, Bus? Bus)>();
        foreach (var host in locked)
        {
            // what this transaction has changed itself is not in any revision yet
            if (!db.Changes.HasChanged(host.Id) && cache.Take(host) is { } kept)
            {
                found[host.Id] = kept;
            }
        }

        foreach (var rows in await HostRows.LoadAsync(db, [.. locked.Where(host => !found.ContainsKey(host.Id))], withLabels: true, cancellationToken))
        {
            found[rows.Host.Id] = (rows, null);
        }

        return [.. locked.Select(host => found[host.Id])];
    }

    /// <summary>Keeps what this transaction will have made of a host.</summary>
    public static void KeepAfterCommit(FleetDbContext db, HostAggregate host)
    {
        var cache = db.GetService<HostCache>();
        db.Changes.AfterCommit(host.Host.Id, committed =>
        {
            if (committed.RevisionOf(host.Host) is { } revision)
            {
                cache.Put(host.Rows, host.SavedBus, revision);
            }
        });
    }

    /// <summary>Forgets hosts that this transaction deletes.</summary>
    public static void ForgetAfterCommit(FleetDbContext db, IEnumerable<Guid> hosts)
    {
        var cache = db.GetService<HostCache>();
        foreach (var host in hosts)
        {
            db.Changes.AfterCommit(host, _ => cache.Remove(host));
        }
    }
}
