using PmemFleet.Api.Dimms;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Hosts;

/// <summary>ETags are made of a row's version, which goes up whenever what a reader is shown changes, also where another table holds it.</summary>
internal static class RowVersions
{
    /// <summary>Looks at this host's rows only: a sync that ends a thousand tasks tracks the rows of hundreds of hosts.</summary>
    public static void Raise(RowChanges changes, HostRows rows)
    {
        var changedAreas = rows.LabelChunks.Concat(rows.Removed.OfType<LabelChunkRow>()).Where(chunk => IsChanged(changes, chunk))
            .Select(chunk => chunk.DimmId).ToHashSet();
        foreach (var dimm in rows.Dimms)
        {
            dimm.Version += ShowsChange(changes, dimm, changedAreas.Contains(dimm.Id));
        }

        foreach (var region in rows.Regions)
        {
            region.Version += ShowsChange(changes, region);
        }

        var changedClaims = rows.Personalities.Concat(rows.Removed.OfType<PersonalityRow>()).Where(row => IsChanged(changes, row))
            .SelectMany(row => new[] { (row.RegionId, row.NamespaceNumber), (row.RegionId, changes.FormerOf(row).NamespaceNumber) })
            .ToHashSet();
        foreach (var row in rows.Namespaces)
        {
            row.Version += ShowsChange(changes, row, changedClaims.Contains((row.RegionId, row.Number)));
        }

        foreach (var device in rows.DaxDevices)
        {
            device.Version += ShowsChange(changes, device);
        }

        foreach (var region in rows.DaxRegions)
        {
            region.Version += ShowsChange(changes, region);
        }
    }

    /// <summary>1 where a row that readers have seen changes, or shows something that does.</summary>
    private static int ShowsChange(RowChanges changes, object row, bool belowIt = false) => changes.StateOf(row) switch
    {
        RowState.Changed => 1,
        RowState.Unchanged => belowIt ? 1 : 0,
        _ => 0,
    };

    private static bool IsChanged(RowChanges changes, object row) => changes.StateOf(row) is RowState.Added or RowState.Changed or RowState.Removed;
}
