using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Hosts;

/// <summary>ETags are made of a row's version, which goes up whenever what a reader is shown changes, also where another table holds it.</summary>
internal static class RowVersions
{
    public static void Raise(FleetDbContext db, HostRows rows)
    {
        db.ChangeTracker.DetectChanges();
        var changed = db.ChangeTracker.Entries().Where(entry => entry.State is EntityState.Added or EntityState.Modified or EntityState.Deleted)
            .Select(entry => entry.Entity).ToHashSet();
        var changedAreas = rows.LabelChunks.Where(changed.Contains).Select(chunk => chunk.DimmId).ToHashSet();
        foreach (var dimm in rows.Dimms)
        {
            dimm.Version += IsModified(db, dimm) || (changedAreas.Contains(dimm.Id) && IsUnchanged(db, dimm)) ? 1 : 0;
        }

        foreach (var region in rows.Regions)
        {
            region.Version += IsModified(db, region) ? 1 : 0;
        }

        var changedClaims = changed.OfType<PersonalityRow>()
            .SelectMany(row => new[] { (row.RegionId, row.NamespaceNumber), (row.RegionId, (int?)db.Entry(row).Property(claim => claim.NamespaceNumber).OriginalValue) })
            .ToHashSet();
        foreach (var row in rows.Namespaces)
        {
            row.Version += IsModified(db, row) || (changedClaims.Contains((row.RegionId, row.Number)) && IsUnchanged(db, row)) ? 1 : 0;
        }

        foreach (var device in rows.DaxDevices)
        {
            device.Version += IsModified(db, device) ? 1 : 0;
        }

        foreach (var region in rows.DaxRegions)
        {
            region.Version += IsModified(db, region) ? 1 : 0;
        }
    }

    private static bool IsModified(FleetDbContext db, object row) => db.Entry(row).State == EntityState.Modified;

    private static bool IsUnchanged(FleetDbContext db, object row) => db.Entry(row).State == EntityState.Unchanged;
}
