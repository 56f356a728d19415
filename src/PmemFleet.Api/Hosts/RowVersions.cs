using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Hosts;

/// <summary>ETags are made of a row's version, which goes up whenever what a reader is shown changes, also where another table holds it.</summary>
internal static class RowVersions
{
    /// <summary>Looks at this host's rows only: a sync that ends a thousand tasks tracks the rows of hundreds of hosts.</summary>
    public static void Raise(FleetDbContext db, HostRows rows)
    {
        var changedAreas = rows.LabelChunks.Concat(rows.Removed.OfType<LabelChunkRow>()).Where(chunk => IsChanged(db, chunk))
            .Select(chunk => chunk.DimmId).ToHashSet();
        foreach (var dimm in rows.Dimms)
        {
            dimm.Version += ShowsChange(db, dimm, changedAreas.Contains(dimm.Id));
        }

        foreach (var region in rows.Regions)
        {
            region.Version += ShowsChange(db, region);
        }

        var changedClaims = rows.Personalities.Concat(rows.Removed.OfType<PersonalityRow>()).Where(row => IsChanged(db, row))
            .SelectMany(row => new[] { (row.RegionId, row.NamespaceNumber), (row.RegionId, (int?)db.Entry(row).Property(claim => claim.NamespaceNumber).OriginalValue) })
            .ToHashSet();
        foreach (var row in rows.Namespaces)
        {
            row.Version += ShowsChange(db, row, changedClaims.Contains((row.RegionId, row.Number)));
        }

        foreach (var device in rows.DaxDevices)
        {
            device.Version += ShowsChange(db, device);
        }

        foreach (var region in rows.DaxRegions)
        {
            region.Version += ShowsChange(db, region);
        }
    }

    /// <summary>1 where a row that readers have seen changes, or shows something that does.</summary>
    private static int ShowsChange(FleetDbContext db, object row, bool belowIt = false) => StateOf(db, row) switch
    {
        EntityState.Modified => 1,
        EntityState.Unchanged => belowIt ? 1 : 0,
        _ => 0,
    };

    private static bool IsChanged(FleetDbContext db, object row) => StateOf(db, row) is EntityState.Added or EntityState.Modified or EntityState.Deleted;

    private static EntityState StateOf(FleetDbContext db, object row)
    {
        var entry = db.Entry(row);
        if (!db.ChangeTracker.AutoDetectChangesEnabled)
        {
            entry.DetectChanges();
        }

        return entry.State;
    }
}
