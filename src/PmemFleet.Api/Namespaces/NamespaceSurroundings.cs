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
    /// <summary>From rows that are loaded.</summary>
    public static NamespaceSurroundings Of(HostRows rows, KnownErrors? known = null) => new(
        ByNamespace(rows.Personalities),
        rows.Extents.ToLookup(extent => extent.NamespaceId),
        rows.Mappings.ToLookup(mapping => mapping.RegionId),
        rows.Dimms.ToDictionary(dimm => dimm.Id, dimm => dimm.Name),
        known ?? new KnownErrors([], []));

    /// <summary>Loads it for a page of namespaces, of one host or of many.</summary>
    public static async Task<NamespaceSurroundings> LoadAsync(FleetDbContext db, IReadOnlyList<NamespaceRow> page, CancellationToken cancellationToken)
    {
        Guid[] hosts = [.. page.Select(row => row.HostId).Distinct()];
        Guid[] regions = [.. page.Select(row => row.RegionId).Distinct()];
        Guid?[] ids = [.. page.Select(row => (Guid?)row.Id)];
        var claims = await db.Set<PersonalityRow>().AsNoTracking()
            .Where(row => hosts.Contains(row.HostId) && regions.Contains(row.RegionId) && row.NamespaceNumber != null).ToListAsync(cancellationToken);
        var extents = await db.Set<DpaExtentRow>().AsNoTracking()
            .Where(row => hosts.Contains(row.HostId) && ids.Contains(row.NamespaceId)).ToListAsync(cancellationToken);
        var mappings = await db.Set<RegionMappingRow>().AsNoTracking()
            .Where(row => hosts.Contains(row.HostId) && regions.Contains(row.RegionId)).ToListAsync(cancellationToken);
        Guid[] dimms = [.. mappings.Select(row => row.DimmId).Concat(extents.Select(row => row.DimmId)).Distinct()];
        var numbers = await db.Set<DimmRow>().Where(dimm => hosts.Contains(dimm.HostId) && dimms.Contains(dimm.Id))
            .Select(dimm => new { dimm.Id, dimm.Number }).ToListAsync(cancellationToken);
        return new NamespaceSurroundings(
            ByNamespace(claims),
            extents.ToLookup(extent => extent.NamespaceId),
            mappings.ToLookup(mapping => mapping.RegionId),
            numbers.ToDictionary(dimm => dimm.Id, dimm => $"nmem{dimm.Number}"),
            await KnownErrors.LoadAsync(db, mappings, cancellationToken));
    }

    private static Dictionary<(Guid RegionId, int Number), PersonalityRow> ByNamespace(IEnumerable<PersonalityRow> personalities) =>
        personalities.Where(row => row.NamespaceNumber is not null).ToDictionary(row => (row.RegionId, row.NamespaceNumber!.Value));
}
