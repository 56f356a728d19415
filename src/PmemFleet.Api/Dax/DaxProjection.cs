using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Lists;

namespace PmemFleet.Api.Dax;

/// <summary>Which dax devices to list.</summary>
public sealed class DaxDeviceFilter
{
    /// <summary>Selects by the host's labels, in Kubernetes' grammar.</summary>
    [FromQuery(Name = "labelSelector")]
    public LabelSelector? LabelSelector { get; init; }

    /// <summary><c>enabled</c> or <c>disabled</c>.</summary>
    [FromQuery(Name = "state")]
    [AllowedValues("enabled", "disabled", null)]
    public string? State { get; init; }

    /// <summary>Granule: 4 KiB, 2 MiB or 1 GiB.</summary>
    [FromQuery(Name = "align")]
    public Contracts.ByteSize? Align { get; init; }
}

/// <summary>The only way from dax regions and devices to the wire.</summary>
public static class DaxProjection
{
    public static async Task<ListPage<DaxDeviceDto>> PageAsync(
        FleetDbContext db, HttpContext http, ListQuery query, DaxDeviceFilter filter, string? host, CancellationToken cancellationToken)
    {
        var after = PlaceCursor.Of(query, 2);
        var (name, region, number) = (after.Host, (int)after.Numbers[0], (int)after.Numbers[1]);
        var align = filter.Align?.Value;
        var found = await (
            from row in Devices(db, HostSelection.Select(db, host, filter.LabelSelector))
            where string.Compare(row.Host, name) >= 0
                && (string.Compare(row.Host, name) > 0 || row.Device.RegionNumber > region || (row.Device.RegionNumber == region && row.Device.Number > number))
                && (filter.State == null || row.Device.Enabled == (filter.State == "enabled"))
                && (align == null || row.Device.Align == align)
            orderby row.Host, row.Device.RegionNumber, row.Device.Number
            select row).Take(query.Limit + 1).AsNoTracking().ToListAsync(cancellationToken);
        List<DaxDeviceDto> dtos = found.ConvertAll(ToDto);
        return query.ToPage(
            dtos, dto => found.First(row => row.Device.Id == dto.Id).Device is var device ? PlaceCursor.Key(dto.Host, device.RegionNumber, device.Number) : string.Empty, http);
    }

    public static async Task<Tagged<DaxDeviceDto>?> FindAsync(FleetDbContext db, string host, string device, CancellationToken cancellationToken)
    {
        if (DeviceName.Pair(device, "dax") is not var (region, number))
        {
            return null;
        }

        var row = await Devices(db, HostSelection.Select(db, host, null))
            .SingleOrDefaultAsync(found => found.Device.RegionNumber == region && found.Device.Number == number, cancellationToken);
        return row is null ? null : new Tagged<DaxDeviceDto>(ToDto(row), Etag.Of(row.Device.Id, row.Device.Version));
    }

    /// <summary>All dax regions of a host: as many as it has devdax namespaces.</summary>
    public static async Task<ListPage<DaxRegionDto>> RegionsAsync(FleetDbContext db, string host, CancellationToken cancellationToken)
    {
        var rows = await Devices(db, HostSelection.Select(db, host, null))
            .OrderBy(row => row.Device.RegionNumber).ThenBy(row => row.Device.Number).ToListAsync(cancellationToken);
        return new ListPage<DaxRegionDto> { Items = rows.ConvertAll(row => ToRegionDto(row, rows)).DistinctBy(region => region.Devices[0]).ToList() };
    }

    public static async Task<Tagged<DaxRegionDto>?> FindRegionAsync(FleetDbContext db, string host, string device, CancellationToken cancellationToken)
    {
        if (DeviceName.Pair(device, "dax") is not var (region, number))
        {
            return null;
        }

        var rows = await Devices(db, HostSelection.Select(db, host, null)).Where(row => row.Device.RegionNumber == region).ToListAsync(cancellationToken);
        return rows.Find(row => row.Device.Number == number) is { } row
            ? new Tagged<DaxRegionDto>(ToRegionDto(row, rows), Etag.Of(row.Region.Id, row.Region.Version))
            : null;
    }

    /// <summary>From an aggregate.</summary>
    public static Tagged<DaxDeviceDto> Of(HostAggregate host, DaxDeviceRow device)
    {
        var region = host.Rows.DaxRegions.First(row => row.Id == device.DaxRegionId);
        var space = host.Rows.Namespaces.Find(row => row.Id == region.NamespaceId);
        return new Tagged<DaxDeviceDto>(
            ToDto(new DaxColumns { Host = host.Name, Region = region, Device = device, NamespaceNumber = space?.Number, NamespaceRegion = device.RegionNumber }),
            Etag.Of(device.Id, device.Version));
    }

    private static IQueryable<DaxColumns> Devices(FleetDbContext db, IQueryable<HostRow> hosts) =>
        from owner in hosts
        join device in db.Set<DaxDeviceRow>() on owner.Id equals device.HostId
        join region in db.Set<DaxRegionRow>() on new { device.HostId, Id = device.DaxRegionId } equals new { region.HostId, region.Id }
        join found in db.Set<NamespaceRow>() on new { region.HostId, Id = region.NamespaceId } equals new { found.HostId, Id = (Guid?)found.Id } into spaces
        from space in spaces.DefaultIfEmpty()
        select new DaxColumns
        {
            Host = owner.Name,
            Region = region,
            Device = device,
            NamespaceNumber = space == null ? null : space.Number,
            NamespaceRegion = db.Set<RegionRow>().Where(row => row.HostId == space!.HostId && row.Id == space.RegionId).Select(row => (int?)row.Number).FirstOrDefault(),
        };

    private static DaxDeviceDto ToDto(DaxColumns row) => new()
    {
        Id = row.Device.Id,
        Host = row.Host,
        Name = row.Device.Name,
        DaxRegion = row.Region.Number,
        Namespace = NamespaceOf(row),
        Size = row.Device.Size,
        Align = row.Device.Align,
        Mode = row.Device.Mode,
        OnlineMemblocks = row.Device.Mode == DaxBindings.SystemRam ? row.Device.OnlineBlocks : null,
        TotalMemblocks = row.Device.Mode == DaxBindings.SystemRam ? DaxBindings.Of(row.Device).WholeBlocks : null,
        TargetNode = row.Region.TargetNode,
        State = row.Device.Enabled ? "enabled" : "disabled",
        Extents = [new DaxExtentDto { PageOffset = 0, Start = $"0x{row.Device.Start:x}", End = $"0x{row.Device.Start + row.Device.Size - 1:x}" }],
    };

    private static DaxRegionDto ToRegionDto(DaxColumns row, IEnumerable<DaxColumns> all) => new()
    {
        Host = row.Host,
        Id = row.Region.Number,
        Namespace = NamespaceOf(row),
        Size = row.Region.Size,
        Align = row.Region.Align,
        Devices = [.. all.Where(other => other.Region.Id == row.Region.Id).Select(other => other.Device.Name)],
    };

    private static string? NamespaceOf(DaxColumns row) =>
        row is { NamespaceNumber: { } number, NamespaceRegion: { } region } ? $"namespace{region}.{number}" : null;

    private sealed class DaxColumns
    {
        public required string Host { get; init; }

        public required DaxRegionRow Region { get; init; }

        public required DaxDeviceRow Device { get; init; }

        public int? NamespaceNumber { get; init; }

        public int? NamespaceRegion { get; init; }
    }
}
