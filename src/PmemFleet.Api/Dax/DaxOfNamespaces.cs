using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;

namespace PmemFleet.Api.Dax;

/// <summary>A bound devdax namespace gives one dax region with one device over all of it.</summary>
public static class DaxOfNamespaces
{
    public static void Save(RowChanges changes, HostRows rows, IEnumerable<RegionRow> regions, DateTimeOffset now)
    {
        var wanted = (from region in regions
                      join personality in rows.Personalities on region.Id equals personality.RegionId
                      where personality is { Kind: PersonalityRow.Dax, Bound: not null, NamespaceNumber: not null }
                      join row in rows.Namespaces on (region.Id, personality.NamespaceNumber) equals (row.RegionId, (int?)row.Number)
                      where row.Start is not null
                      select (region, personality, row)).ToDictionary(found => found.row.Id);
        foreach (var daxRegion in rows.DaxRegions.Where(daxRegion => daxRegion.NamespaceId is { } id && !wanted.ContainsKey(id)).ToArray())
        {
            foreach (var device in rows.DaxDevices.Where(device => device.DaxRegionId == daxRegion.Id).ToArray())
            {
                rows.DaxDevices.Remove(device);
                changes.Remove(device);
            }

            rows.DaxRegions.Remove(daxRegion);
            changes.Remove(daxRegion);
        }

        foreach (var (region, personality, row) in wanted.Values)
        {
            Write(changes, rows, region, personality.Bound!, row, now);
        }
    }

    private static void Write(RowChanges changes, HostRows rows, RegionRow region, BoundColumns bound, NamespaceRow row, DateTimeOffset now)
    {
        var start = row.Start!.Value + (bound.StartPad ?? 0) + (bound.DataOffset ?? 0);
        var align = bound.Align!.Value;
        var daxRegion = rows.DaxRegions.Find(candidate => candidate.NamespaceId == row.Id);
        if (daxRegion is null)
        {
            daxRegion = new DaxRegionRow
            {
                HostId = row.HostId,
                Id = Guid.CreateVersion7(now),
                Number = region.Number,
                NamespaceId = row.Id,
                Start = start,
                Size = bound.Size,
                Align = align,
                TargetNode = region.TargetNode,
            };
            rows.DaxRegions.Add(daxRegion);
            changes.Add(daxRegion);
        }

        (daxRegion.Start, daxRegion.Size, daxRegion.Align) = (start, bound.Size, align);
        var device = rows.DaxDevices.Find(candidate => candidate.DaxRegionId == daxRegion.Id);
        if (device is null)
        {
            device = new DaxDeviceRow
            {
                HostId = row.HostId,
                Id = Guid.CreateVersion7(now),
                DaxRegionId = daxRegion.Id,
                RegionNumber = region.Number,
                Number = row.Number,
                Start = start,
                Size = bound.Size,
                Align = align,
                Enabled = true,
            };
            rows.DaxDevices.Add(device);
            changes.Add(device);
        }

        (device.Number, device.Start, device.Size, device.Align) = (row.Number, start, bound.Size, align);
    }
}
