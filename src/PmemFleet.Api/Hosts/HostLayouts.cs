using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Api.Sync;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Hosts;

/// <summary>What is plugged into hosts, as workers hold it.</summary>
public sealed class HostLayouts : IHostLayouts
{
    public async Task<IReadOnlyDictionary<Guid, HostLayout>> LoadAsync(
        FleetDbContext db, IReadOnlyList<Guid> hostIds, CancellationToken cancellationToken)
    {
        var hosts = await db.Hosts.AsNoTracking().Where(host => hostIds.Contains(host.Id)).ToListAsync(cancellationToken);
        var dimms = (await db.Set<DimmRow>().AsNoTracking().Where(row => hostIds.Contains(row.HostId)).OrderBy(row => row.Number).ToListAsync(cancellationToken))
            .ToLookup(row => row.HostId);
        var regions = (await db.Set<RegionRow>().AsNoTracking().Where(row => hostIds.Contains(row.HostId)).OrderBy(row => row.Number).ToListAsync(cancellationToken))
            .ToLookup(row => row.HostId);
        var mappings = (await db.Set<RegionMappingRow>().AsNoTracking().Where(row => hostIds.Contains(row.HostId)).OrderBy(row => row.Position).ToListAsync(cancellationToken))
            .ToLookup(row => row.RegionId);
        return hosts.ToDictionary(host => host.Id, host => new HostLayout
        {
            HostName = host.Name,
            SupportsPud = host.SupportsPud,
            PageTableLevels = host.PageTableLevels,
            Profile = host.Profile,
            Dimms =
            [
                .. dimms[host.Id].Select(dimm => new DimmLayout
                {
                    DimmId = dimm.Id,
                    Name = dimm.Name,
                    Capacity = dimm.Capacity,
                    ClearErrorUnit = dimm.ClearErrorUnit,
                }),
                .. regions[host.Id].Where(region => region.IsLegacy).Select(LegacyMedia.Layout),
            ],
            Regions =
            [
                .. regions[host.Id].Select(region => new RegionLayout
                {
                    RegionId = region.Id,
                    Name = region.Name,
                    Start = region.Start,
                    Size = region.Size,
                    Mappings =
                    [
                        .. (region.IsLegacy ? [LegacyMedia.Mapping(region)] : mappings[region.Id])
                            .Select(mapping => new RegionMappingLayout(mapping.DimmId, mapping.DpaStart, mapping.Length)),
                    ],
                }),
            ],
        });
    }
}
