using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
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
            join dimm in db.Set<DimmRow>() on owner.Id equals dimm.HostId
            join error in db.Set<MediaErrorRow>() on new { dimm.HostId, dimm.Id } equals new { error.HostId, Id = error.DimmId }
            where string.Compare(owner.Name, name) >= 0
                && (string.Compare(owner.Name, name) > 0 || dimm.Number > number || (dimm.Number == number && error.Dpa > dpa))
                && (filter.Known == null || error.Known == filter.Known)
                && (filter.Poisoned == null || error.Poisoned == filter.Poisoned)
                && (onDimm == null || dimm.Number == onDimm)
            orderby owner.Name, dimm.Number, error.Dpa
            select new { Host = owner, DimmNumber = dimm.Number, Error = error }).Take(query.Limit + 1).AsNoTracking().ToListAsync(cancellationToken);
        var hosts = await HostRows.LoadAsync(db, [.. found.Select(row => row.Host).DistinctBy(row => row.Id)], withLabels: false, cancellationToken);
        var rowsOf = hosts.ToDictionary(rows => rows.Host.Id);
        List<MediaErrorDto> dtos = found.ConvertAll(row => ToDto(rowsOf[row.Host.Id], row.DimmNumber, row.Error));
        return query.ToPage(dtos, dto => PlaceCursor.Key(dto.Host, DeviceName.Number(dto.Dimm, "nmem")!.Value, dto.Dpa), http);
    }

    /// <summary>The error at an address of a DIMM, with its host; null where there is none.</summary>
    public static async Task<(HostRows Rows, MediaErrorRow Error, MediaErrorDto Dto)?> FindAsync(
        FleetDbContext db, string host, string dimm, long dpa, CancellationToken cancellationToken)
    {
        var number = DeviceName.Number(dimm, "nmem") ?? -1;
        var owner = await db.Hosts.AsNoTracking().SingleOrDefaultAsync(row => row.Name == host, cancellationToken);
        if (owner is null)
        {
            return null;
        }

        var error = await (
            from row in db.Set<MediaErrorRow>()
            join device in db.Set<DimmRow>() on new { row.HostId, Id = row.DimmId } equals new { device.HostId, device.Id }
            where row.HostId == owner.Id && device.Number == number && row.Dpa <= dpa && row.Dpa + row.Length > dpa
            select row).AsNoTracking().FirstOrDefaultAsync(cancellationToken);
        if (error is null)
        {
            return null;
        }

        var rows = (await HostRows.LoadAsync(db, [owner], withLabels: false, cancellationToken))[0];
        return (rows, error, ToDto(rows, number, error));
    }

    public static MediaErrorDto ToDto(HostRows rows, int dimm, MediaErrorRow error)
    {
        var (effects, more) = ErrorEffects.Of(rows, error);
        var first = effects.Count > 0 ? effects[0] : null;
        return new MediaErrorDto
        {
            Host = rows.Host.Name,
            Dimm = $"nmem{dimm}",
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
