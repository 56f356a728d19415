using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.MediaErrors;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;

namespace PmemFleet.Api.Namespaces;

/// <summary>What namespaces show of other tables.</summary>
public sealed record NamespaceSurroundings(
    IReadOnlyDictionary<(Guid RegionId, int Number), PersonalityRow> Claims,
    ILookup<Guid?, DpaExtentRow> Extents,
    ILookup<Guid, RegionMappingRow> Mappings,
    IReadOnlyDictionary<Guid, string> DimmNames,
    KnownErrors Known)
{
    /// <summary>Of one namespace, from rows that are loaded.</summary>
    public static NamespaceSurroundings Of(HostRows rows, NamespaceRow row, KnownErrors? known = null) => new(
        ByNamespace(rows.Personalities.FindAll(claim => claim.RegionId == row.RegionId && claim.NamespaceNumber == row.Number)),
        rows.Extents.FindAll(extent => extent.NamespaceId == row.Id).ToLookup(extent => extent.NamespaceId),
        rows.Mappings.FindAll(mapping => mapping.RegionId == row.RegionId).ToLookup(mapping => mapping.RegionId),
        rows.Dimms.ToDictionary(dimm => dimm.Id, dimm => dimm.Name),
        known ?? new KnownErrors([], []));

    /// <summary>Loads it for a page of namespaces, of one host or of many.</summary>
    public static async Task<NamespaceSurroundings> LoadAsync(FleetDbContext db, IReadOnlyList<NamespaceRow> page, CancellationToken cancellationToken)
    {
        (Guid HostId, Guid Key)[] regions = [.. page.Select(row => (row.HostId, row.RegionId)).Distinct()];
        var claims = await (
            from region in db.OfPairs<RegionRow>("id", regions)
            join row in db.Set<PersonalityRow>() on new { region.HostId, region.Id } equals new { row.HostId, Id = row.RegionId }
            where row.NamespaceNumber != null
            select row).AsNoTracking().ToListAsync(cancellationToken);
        var extents = await db.OfPairs<DpaExtentRow>("namespace_id", page.Select(row => (row.HostId, row.Id))).AsNoTracking().ToListAsync(cancellationToken);
        var mappings = await db.OfPairs<RegionMappingRow>("region_id", regions).AsNoTracking().ToListAsync(cancellationToken);
        (Guid HostId, Guid Key)[] legacy = [.. regions.Except(mappings.Select(row => (row.HostId, row.RegionId)))];
        var media = legacy.Length == 0 ? mappings :
        [
            .. mappings,
            .. (await db.OfPairs<RegionRow>("id", legacy).AsNoTracking().ToListAsync(cancellationToken))
                .Where(region => region.IsLegacy).Select(LegacyMedia.Mapping),
        ];
        var dimms = mappings.Select(row => (row.HostId, row.DimmId)).Concat(extents.Select(row => (row.HostId, row.DimmId)));
        var numbers = await db.OfPairs<DimmRow>("id", dimms)
            .Select(dimm => new { dimm.Id, dimm.Number }).ToListAsync(cancellationToken);
        return new NamespaceSurroundings(
            ByNamespace(claims),
            extents.ToLookup(extent => extent.NamespaceId),
            mappings.ToLookup(mapping => mapping.RegionId),
            numbers.ToDictionary(dimm => dimm.Id, dimm => $"nmem{dimm.Number}"),
            await KnownErrors.LoadAsync(db, media, cancellationToken));
    }

    private static Dictionary<(Guid RegionId, int Number), PersonalityRow> ByNamespace(IEnumerable<PersonalityRow> personalities) =>
        personalities.Where(row => row.NamespaceNumber is not null).ToDictionary(row => (row.RegionId, row.NamespaceNumber!.Value));
}
