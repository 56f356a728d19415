using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.MediaErrors;

namespace PmemFleet.Api.MediaErrors;

/// <summary>Which media errors to list.</summary>
public sealed class MediaErrorFilter
{
    /// <summary>Selects by the host's labels, in Kubernetes' grammar.</summary>
    [FromQuery(Name = "labelSelector")]
    public LabelSelector? LabelSelector { get; init; }

    /// <summary>Only what the host knows of, or only what is latent.</summary>
    [FromQuery(Name = "known")]
    public bool? Known { get; init; }

    /// <summary>Only what is poisoned on the media now, or only what is not any more.</summary>
    [FromQuery(Name = "poisoned")]
    public bool? Poisoned { get; init; }

    /// <summary>The DIMM's name.</summary>
    [FromQuery(Name = "dimm")]
    public string? Dimm { get; init; }
}

/// <summary>The only way from media errors to the wire.</summary>
public static class MediaErrorProjection
{
    public static async Task<ListPage<MediaErrorDto>> PageAsync(
        FleetDbContext db, HttpContext http, ListQuery query, MediaErrorFilter filter, string? host, CancellationToken cancellationToken)
    {
        var after = PlaceCursor.Of(query, 2);
        var (name, number, dpa) = (after.Host, (int)after.Numbers[0], after.Numbers[1]);
        int? onDimm = filter.Dimm is null ? null : DeviceName.Number(filter.Dimm, "nmem") ?? -1;
        var found = await (
            from owner in HostSelection.Select(db, host, filter.LabelSelector)
            join error in db.Set<MediaErrorRow>() on owner.Id equals error.HostId
            from dimm in db.Set<DimmRow>().Where(row => row.HostId == error.HostId && row.Id == error.DimmId).DefaultIfEmpty()
            from region in db.Set<RegionRow>().Where(row => row.HostId == error.HostId && row.Id == error.RegionId).DefaultIfEmpty()
            let place = dimm == null ? region.Number : dimm.Number
            where string.Compare(owner.Name, name) >= 0
                && (string.Compare(owner.Name, name) > 0 || place > number || (place == number && error.Dpa > dpa))
                && (filter.Known == null || error.Known == filter.Known)
                && (filter.Poisoned == null || error.Poisoned == filter.Poisoned)
                && (onDimm == null || dimm!.Number == onDimm)
            orderby owner.Name, place, error.Dpa
            select new { Host = owner, Error = error }).Take(query.Limit + 1).AsNoTracking().ToListAsync(cancellationToken);
        var hosts = await HostRows.LoadAsync(db, [.. found.Select(row => row.Host).DistinctBy(row => row.Id)], withLabels: false, cancellationToken);
        var rowsOf = hosts.ToDictionary(rows => rows.Host.Id);
        List<MediaErrorDto> dtos = found.ConvertAll(row => ToDto(rowsOf[row.Host.Id], row.Error));
        return query.ToPage(dtos, dto => PlaceCursor.Key(dto.Host, PlaceOf(dto), dto.Dpa), http);
    }

    /// <summary>The error at an address of a DIMM or of a legacy region, with its host; null where there is none.</summary>
    public static async Task<(HostRows Rows, MediaErrorRow Error, MediaErrorDto Dto)?> FindAsync(
        FleetDbContext db, string host, string media, long dpa, CancellationToken cancellationToken)
    {
        var owner = await db.Hosts.AsNoTracking().SingleOrDefaultAsync(row => row.Name == host, cancellationToken);
        if (owner is null)
        {
            return null;
        }

        var rows = (await HostRows.LoadAsync(db, [owner], withLabels: false, cancellationToken))[0];
        var id = rows.Dimms.Find(dimm => dimm.Name == media)?.Id ?? rows.Regions.Find(region => region.IsLegacy && region.Name == media)?.Id;
        var error = await db.Set<MediaErrorRow>().Where(row => row.HostId == owner.Id && row.DimmId == id && row.Dpa <= dpa && row.Dpa + row.Length > dpa)
            .AsNoTracking().FirstOrDefaultAsync(cancellationToken);
        return error is null ? null : (rows, error, ToDto(rows, error));
    }

    /// <summary>The number of the DIMM, or of the legacy region. A host has only one of the two kinds.</summary>
    private static int PlaceOf(MediaErrorDto error) =>
        (error.Dimm is { } dimm ? DeviceName.Number(dimm, "nmem") : DeviceName.Number(error.Region!, "region"))!.Value;

    public static MediaErrorDto ToDto(HostRows rows, MediaErrorRow error)
    {
        var (effects, more) = ErrorEffects.Of(rows, error);
        var first = effects.Count > 0 ? effects[0] : null;
        return new MediaErrorDto
        {
            Host = rows.Host.Name,
            Dimm = error.RegionId is null ? rows.Dimms.First(dimm => dimm.Id == error.DimmId).Name : null,
            Dpa = error.Dpa,
            Length = error.Length,
            Poisoned = error.Poisoned,
            Known = error.Known,
            Region = first?.Region,
            RegionOffset = first?.RegionOffset,
            Namespace = first?.Namespace,
            Hurts = first?.Hurts,
            Effects = effects,
            MoreEffects = more,
        };
    }
}
