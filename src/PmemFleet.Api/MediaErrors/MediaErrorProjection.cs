using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
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
    private const int MostInAnswer = 1000;

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
        var hosts = await HostRows.LoadAsync(db, [.. found.Select(row => row.Host).DistinctBy(row => row.Id)], tracked: false, withLabels: false, cancellationToken);
        var rowsOf = hosts.ToDictionary(rows => rows.Host.Id);
        List<MediaErrorDto> dtos = found.ConvertAll(row => ToDto(rowsOf[row.Host.Id], row.DimmNumber, row.Error));
        return query.ToPage(dtos, dto => PlaceCursor.Key(dto.Host, DeviceName.Number(dto.Dimm, "nmem")!.Value, dto.Dpa), http);
    }

    /// <summary>All of a host, as the answer of an inject or a clear; the list has the rest where there are more.</summary>
    public static async Task<ListPage<MediaErrorDto>> OfHostAsync(FleetDbContext db, HostRows rows, CancellationToken cancellationToken)
    {
        var number = rows.Dimms.ToDictionary(dimm => dimm.Id, dimm => dimm.Number);
        var errors = await db.Set<MediaErrorRow>().Where(error => error.HostId == rows.Host.Id).AsNoTracking().Take(MostInAnswer).ToListAsync(cancellationToken);
        return new ListPage<MediaErrorDto>
        {
            Items = [.. errors.OrderBy(error => number[error.DimmId]).ThenBy(error => error.Dpa).Select(error => ToDto(rows, number[error.DimmId], error))],
        };
    }

    private static MediaErrorDto ToDto(HostRows rows, int dimm, MediaErrorRow error)
    {
        var range = new ByteRange(error.Dpa, error.Length);
        var hit = (from mapping in rows.Mappings
                   where mapping.DimmId == error.DimmId
                   let ways = rows.Mappings.Count(other => other.RegionId == mapping.RegionId)
                   let start = Math.Max(range.Start, mapping.DpaStart)
                   where start < range.End && start < mapping.DpaStart + mapping.Length
                   select (mapping.RegionId, Offset: InterleaveLines.ToRegion(mapping, ways, new ByteRange(start, 1))[0].Start)).FirstOrDefault();
        var region = rows.Regions.Find(row => row.Id == hit.RegionId);
        var space = region is null ? null : rows.Namespaces.Find(row =>
            row.RegionId == region.Id && row.Start is { } from && region.Start + hit.Offset >= from && region.Start + hit.Offset < from + row.Size);
        return new MediaErrorDto
        {
            Host = rows.Host.Name,
            Dimm = $"nmem{dimm}",
            Dpa = error.Dpa,
            Length = error.Length,
            Poisoned = error.Poisoned,
            Known = error.Known,
            Region = region?.Name,
            RegionOffset = region is null ? null : hit.Offset,
            Namespace = space is null ? null : $"namespace{region!.Number}.{space.Number}",
            Hurts = space is null ? null : Hurts(rows, space, region!.Start + hit.Offset - space.Start!.Value),
        };
    }

    /// <summary>What is at an offset of a namespace (spec 30 and 40: info blocks first, then the page map, then data).</summary>
    private static string Hurts(HostRows rows, NamespaceRow space, long offset)
    {
        const long infoBlocks = 8192;
        var claim = rows.Personalities.Find(row => row.RegionId == space.RegionId && row.NamespaceNumber == space.Number);
        return claim switch
        {
            null => "data",
            { Kind: PersonalityRow.Btt } => offset < infoBlocks ? "info-block" : "btt-metadata",
            { Bound: { } bound } when offset < (bound.StartPad ?? 0) + (bound.DataOffset ?? 0) => offset < infoBlocks ? "info-block" : "memmap",
            _ => "data",
        };
    }
}
