using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.MediaErrors;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Regions;

namespace PmemFleet.Api.Regions;

/// <summary>Which regions to list.</summary>
public sealed class RegionFilter
{
    /// <summary>Selects by the host's labels, in Kubernetes' grammar.</summary>
    [FromQuery(Name = "labelSelector")]
    public LabelSelector? LabelSelector { get; init; }

    /// <summary><c>enabled</c> or <c>disabled</c>.</summary>
    [FromQuery(Name = "state")]
    [AllowedValues("enabled", "disabled", null)]
    public string? State { get; init; }

    /// <summary>4: label-less, 5: labelled.</summary>
    [FromQuery(Name = "namespaceType")]
    [AllowedValues(4, 5, null)]
    public int? NamespaceType { get; init; }

    /// <summary>Only regions in which a namespace of this many bytes still fits.</summary>
    [FromQuery(Name = "minAvailable")]
    public Contracts.ByteSize? MinAvailable { get; init; }
}

/// <summary>The only way from a region's row to the wire.</summary>
public static class RegionProjection
{
    public static async Task<ListPage<RegionDto>> PageAsync(
        FleetDbContext db, HttpContext http, ListQuery query, RegionFilter filter, string? host, CancellationToken cancellationToken)
    {
        var after = PlaceCursor.Of(query, 1);
        var (name, number) = (after.Host, (int)after.Numbers[0]);
        var least = filter.MinAvailable?.Value;
        var found = await (
            from owner in HostSelection.Select(db, host, filter.LabelSelector)
            join region in db.Set<RegionRow>() on owner.Id equals region.HostId
            where string.Compare(owner.Name, name) >= 0 && (string.Compare(owner.Name, name) > 0 || region.Number > number)
                && (filter.State == null || region.Enabled == (filter.State == "enabled"))
                && (filter.NamespaceType == null || region.NamespaceType == filter.NamespaceType)
                && (least == null || region.MaxAvailableExtent >= least)
            orderby owner.Name, region.Number
            select new { Host = owner.Name, Region = region }).Take(query.Limit + 1).AsNoTracking().ToListAsync(cancellationToken);
        var around = await SurroundingsAsync(db, [.. found.Select(row => row.Region)], cancellationToken);
        List<RegionDto> dtos = found.ConvertAll(row => ToDto(row.Host, row.Region, around));
        return query.ToPage(dtos, dto => PlaceCursor.Key(dto.Host, found.First(row => row.Region.Id == dto.Id).Region.Number), http);
    }

    public static async Task<Tagged<RegionDto>?> FindAsync(FleetDbContext db, string host, string region, CancellationToken cancellationToken)
    {
        if (DeviceName.Number(region, "region") is not { } number)
        {
            return null;
        }

        var row = await (from owner in db.Hosts
                         join found in db.Set<RegionRow>() on owner.Id equals found.HostId
                         where owner.Name == host && found.Number == number
                         select found).AsNoTracking().SingleOrDefaultAsync(cancellationToken);
        return row is null
            ? null
            : new Tagged<RegionDto>(ToDto(host, row, await SurroundingsAsync(db, [row], cancellationToken)), Etag.Of(row.Id, row.Version));
    }

    /// <summary>From an aggregate; what is known to be bad is not in it and comes along.</summary>
    public static Tagged<RegionDto> Of(HostAggregate host, RegionRow row, KnownErrors? known = null) => new(
        ToDto(host.Name, row, new RegionSurroundings(
            host.Rows.Mappings.ToLookup(mapping => mapping.RegionId),
            host.Rows.Dimms.ToDictionary(dimm => dimm.Id, dimm => dimm.Name),
            known ?? new KnownErrors([], []))),
        Etag.Of(row.Id, row.Version));

    public static RegionDto ToDto(string host, RegionRow row, RegionSurroundings around) => new()
    {
        Id = row.Id,
        Host = host,
        Name = row.Name,
        Start = $"0x{row.Start:x}",
        Size = row.Size,
        AvailableSize = row.AvailableSize,
        MaxAvailableExtent = row.MaxAvailableExtent,
        Align = row.Align,
        Type = "pmem",
        NamespaceType = row.NamespaceType,
        IsetId = row.IsetId,
        Mappings =
        [
            .. around.Mappings[row.Id].OrderBy(mapping => mapping.Position).Select(mapping => new RegionMappingDto
            {
                Dimm = around.DimmNames[mapping.DimmId],
                Offset = mapping.DpaStart,
                Length = mapping.Length,
                Position = mapping.Position,
            }),
        ],
        ReadOnly = row.ReadOnly,
        State = row.Enabled ? "enabled" : "disabled",
        NamespaceSeed = row.NamespaceSeed is { } seed ? $"namespace{row.Number}.{seed}" : null,
        PersistenceDomain = row.PersistenceDomain,
        NumaNode = row.NumaNode,
        BadblockCount = around.Known.Badblocks(row.Id, new ByteRange(0, row.Size)).Sum(bad => bad.Length),
    };

    private static async Task<RegionSurroundings> SurroundingsAsync(FleetDbContext db, IReadOnlyList<RegionRow> regions, CancellationToken cancellationToken)
    {
        var mappings = await db.OfPairs<RegionMappingRow>("region_id", regions.Select(region => (region.HostId, region.Id))).AsNoTracking().ToListAsync(cancellationToken);
        var numbers = await db.OfPairs<DimmRow>("id", mappings.Select(mapping => (mapping.HostId, mapping.DimmId)))
            .Select(dimm => new { dimm.Id, dimm.Number }).ToListAsync(cancellationToken);
        RegionMappingRow[] media = [.. mappings, .. regions.Where(region => region.IsLegacy).Select(LegacyMedia.Mapping)];
        return new RegionSurroundings(
            mappings.ToLookup(mapping => mapping.RegionId),
            numbers.ToDictionary(dimm => dimm.Id, dimm => $"nmem{dimm.Number}"),
            await KnownErrors.LoadAsync(db, media, cancellationToken));
    }
}

/// <summary>What a region shows of other tables.</summary>
public sealed record RegionSurroundings(ILookup<Guid, RegionMappingRow> Mappings, IReadOnlyDictionary<Guid, string> DimmNames, KnownErrors Known);
