using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.MediaErrors;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;

namespace PmemFleet.Api.Namespaces;

/// <summary>Which namespaces to list.</summary>
public sealed class NamespaceFilter
{
    /// <summary>Selects by the host's labels, in Kubernetes' grammar.</summary>
    [FromQuery(Name = "labelSelector")]
    public LabelSelector? LabelSelector { get; init; }

    /// <summary>The region's name.</summary>
    [FromQuery(Name = "region")]
    public string? Region { get; init; }

    /// <summary><c>enabled</c>, <c>disabled</c> or <c>pending</c>.</summary>
    [FromQuery(Name = "state")]
    [AllowedValues("enabled", "disabled", "pending", null)]
    public string? State { get; init; }

    /// <summary><c>raw</c>, <c>sector</c>, <c>fsdax</c> or <c>devdax</c>.</summary>
    [FromQuery(Name = "mode")]
    [AllowedValues("raw", "sector", "fsdax", "devdax", null)]
    public string? Mode { get; init; }

    /// <summary>Also the zero-size seeds, as <c>ndctl list -i</c>.</summary>
    [FromQuery(Name = "idle")]
    public bool Idle { get; init; }
}

/// <summary>The only way from a namespace's row to the wire.</summary>
public static class NamespaceProjection
{
    public static async Task<ListPage<NamespaceDto>> PageAsync(
        FleetDbContext db, HttpContext http, ListQuery query, NamespaceFilter filter, string? host, CancellationToken cancellationToken)
    {
        var after = PlaceCursor.Of(query, 2);
        var (name, region, number) = (after.Host, (int)after.Numbers[0], (int)after.Numbers[1]);
        int? inRegion = filter.Region is null ? null : DeviceName.Number(filter.Region, "region") ?? -1;
        var kind = filter.Mode switch { "sector" => PersonalityRow.Btt, "fsdax" => PersonalityRow.Pfn, "devdax" => PersonalityRow.Dax, _ => null };
        var found = await (
            from owner in HostSelection.Select(db, host, filter.LabelSelector)
            join area in db.Set<RegionRow>() on owner.Id equals area.HostId
            join row in db.Set<NamespaceRow>() on new { area.HostId, area.Id } equals new { row.HostId, Id = row.RegionId }
            where string.Compare(owner.Name, name) >= 0
                && (string.Compare(owner.Name, name) > 0 || area.Number > region || (area.Number == region && row.Number > number))
                && (inRegion == null || area.Number == inRegion)
                && (filter.State == null || row.State == filter.State)
                && (filter.Idle || row.Size > 0)
                && (filter.Mode == null || (kind == null
                    ? !db.Set<PersonalityRow>().Any(claim => claim.HostId == row.HostId && claim.RegionId == row.RegionId && claim.NamespaceNumber == row.Number)
                    : db.Set<PersonalityRow>().Any(claim => claim.HostId == row.HostId && claim.RegionId == row.RegionId && claim.NamespaceNumber == row.Number && claim.Kind == kind)))
            orderby owner.Name, area.Number, row.Number
            select new { Host = owner.Name, Region = area, Row = row }).Take(query.Limit + 1).AsNoTracking().ToListAsync(cancellationToken);
        var around = await NamespaceSurroundings.LoadAsync(db, [.. found.Select(item => item.Row)], cancellationToken);
        List<NamespaceDto> dtos = found.ConvertAll(item => ToDto(item.Host, item.Region, item.Row, around));
        return query.ToPage(
            dtos, dto => found.First(item => item.Row.Id == dto.Id) is var item ? PlaceCursor.Key(dto.Host, item.Region.Number, item.Row.Number) : string.Empty, http);
    }

    public static async Task<Tagged<NamespaceDto>?> FindAsync(FleetDbContext db, string host, string @namespace, CancellationToken cancellationToken)
    {
        if (await FindRowAsync(db, host, @namespace, cancellationToken) is not ({ } region, { } row))
        {
            return null;
        }

        var around = await NamespaceSurroundings.LoadAsync(db, [row], cancellationToken);
        return new Tagged<NamespaceDto>(ToDto(host, region, row, around), Etag.Of(row.Id, row.Version));
    }

    public static async Task<(RegionRow? Region, NamespaceRow? Row)> FindRowAsync(
        FleetDbContext db, string host, string @namespace, CancellationToken cancellationToken)
    {
        if (DeviceName.Pair(@namespace, "namespace") is not var (regionNumber, number))
        {
            return (null, null);
        }

        var found = await (from owner in db.Hosts
                           join region in db.Set<RegionRow>() on owner.Id equals region.HostId
                           join row in db.Set<NamespaceRow>() on new { region.HostId, region.Id } equals new { row.HostId, Id = row.RegionId }
                           where owner.Name == host && region.Number == regionNumber && row.Number == number
                           select new { Region = region, Row = row }).AsNoTracking().SingleOrDefaultAsync(cancellationToken);
        return (found?.Region, found?.Row);
    }

    /// <summary>From an aggregate; what is known to be bad is not in it and comes along.</summary>
    public static Tagged<NamespaceDto> Of(HostAggregate host, NamespaceRow row, KnownErrors? known = null) => new(
        ToDto(host.Name, host.Rows.Regions.First(region => region.Id == row.RegionId), row, NamespaceSurroundings.Of(host.Rows, row, known)),
        Etag.Of(row.Id, row.Version));

    public static NamespaceDto ToDto(string host, RegionRow region, NamespaceRow row, NamespaceSurroundings around)
    {
        var claim = around.Claims.GetValueOrDefault((row.RegionId, row.Number));
        var mode = ModeOf(region, row, claim);
        var enabled = row.State == NamespaceRow.Enabled;
        var device = row.Number == 0 ? $"{region.Number}" : $"{region.Number}.{row.Number}";
        var data = DataOf(row, claim);
        var badblocks = data is { } part && row.Start is not null
            ? around.Known.Badblocks(region.Id, part with { Start = row.Start.Value - region.Start + part.Start })
            : [];
        return new NamespaceDto
        {
            Id = row.Id,
            Host = host,
            Region = region.Name,
            Name = $"namespace{region.Number}.{row.Number}",
            Mode = mode,
            Map = claim?.Bound?.Map ?? claim?.Map,
            Size = claim is null ? row.Size : claim.Bound?.Size,
            RawSize = row.Size,
            Uuid = claim is null ? row.Uuid : claim.Uuid,
            RawUuid = row.Uuid,
            SectorSize = mode == "devdax" ? null : claim?.SectorSize ?? (row.SectorSize == 0 ? 512 : row.SectorSize),
            Align = claim is null or { Kind: PersonalityRow.Btt } ? null : claim.Bound?.Align ?? claim.Align,
            BlockDevice = enabled && mode != "devdax" ? $"pmem{device}{(mode == "sector" ? "s" : string.Empty)}" : null,
            CharacterDevice = enabled && mode == "devdax" ? $"dax{region.Number}.{row.Number}" : null,
            State = row.State,
            AltName = row.AltName.Length == 0 ? null : row.AltName,
            Holder = claim is null ? null : $"{claim.Kind}{region.Number}.{claim.Number}",
            Start = row.Start is { } start ? $"0x{start:x}" : null,
            DataOffset = data?.Start,
            Extents = around.Extents[row.Id].Select(extent => new DpaExtentDto
            {
                Dimm = around.DimmNames[extent.DimmId],
                Dpa = extent.DpaStart,
                Length = extent.Length,
            }).OrderBy(extent => PositionOf(around, region, extent.Dimm)).ThenBy(extent => extent.Dpa).ToArray(),
            BadblockCount = badblocks.Sum(bad => bad.Length),

            // the sectors of a BTT are not those of its block device: ndctl gives the count only
            Badblocks = mode == "sector" ? [] : badblocks,
        };
    }

    public static string ModeOf(RegionRow region, NamespaceRow row, PersonalityRow? claim) => claim?.Kind switch
    {
        PersonalityRow.Btt => "sector",
        PersonalityRow.Pfn => "fsdax",
        PersonalityRow.Dax => "devdax",
        _ => region.Kind == RegionTexts.Legacy && !row.ForceRaw ? "fsdax" : "raw",
    };

    /// <summary>The usable bytes, from the namespace's start; null where only a bind could tell. A BTT's are all over its arenas.</summary>
    public static ByteRange? DataOf(NamespaceRow row, PersonalityRow? claim) => claim switch
    {
        null or { Kind: PersonalityRow.Btt } => new ByteRange(0, row.Size),
        { Bound: { } bound } => new ByteRange((bound.StartPad ?? 0) + (bound.DataOffset ?? 0), bound.Size),
        _ => null,
    };

    private static int PositionOf(NamespaceSurroundings around, RegionRow region, string dimm) =>
        around.Mappings[region.Id].FirstOrDefault(mapping => around.DimmNames[mapping.DimmId] == dimm)?.Position ?? 0;
}
