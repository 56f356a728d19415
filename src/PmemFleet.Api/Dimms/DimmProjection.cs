using System.ComponentModel.DataAnnotations;
using System.Linq.Expressions;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Health;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.MediaErrors;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Health;
using PmemFleet.Contracts.Lists;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Dimms;

/// <summary>Which DIMMs to list.</summary>
public sealed class DimmFilter
{
    /// <summary>Selects by the host's labels, in Kubernetes' grammar.</summary>
    [FromQuery(Name = "labelSelector")]
    public LabelSelector? LabelSelector { get; init; }

    /// <summary><c>enabled</c> or <c>disabled</c>.</summary>
    [FromQuery(Name = "state")]
    [AllowedValues("enabled", "disabled", null)]
    public string? State { get; init; }

    /// <summary><c>1.1</c>, <c>1.2</c> or <c>none</c>.</summary>
    [FromQuery(Name = "labelVersion")]
    [AllowedValues("1.1", "1.2", "none", null)]
    public string? LabelVersion { get; init; }

    /// <summary>Only those with errors that the host knows of, or only those without.</summary>
    [FromQuery(Name = "poisoned")]
    public bool? Poisoned { get; init; }
}

/// <summary>The only way from a DIMM's row to the wire.</summary>
public static class DimmProjection
{
    public static async Task<ListPage<DimmDto>> PageAsync(
        FleetDbContext db, HttpContext http, ListQuery query, DimmFilter filter, string? host, CancellationToken cancellationToken)
    {
        var after = PlaceCursor.Of(query, 1);
        var (name, number) = (after.Host, (int)after.Numbers[0]);
        var version = filter.LabelVersion == "none" ? null : filter.LabelVersion;
        var found = await (
            from owner in HostSelection.Select(db, host, filter.LabelSelector)
            join dimm in db.Set<DimmRow>() on owner.Id equals dimm.HostId
            where string.Compare(owner.Name, name) >= 0 && (string.Compare(owner.Name, name) > 0 || dimm.Number > number)
                && (filter.State == null || dimm.Enabled == (filter.State == "enabled"))
                && (filter.LabelVersion == null || dimm.LabelVersion == version)
                && (filter.Poisoned == null
                    || db.Set<MediaErrorRow>().Any(error => error.HostId == dimm.HostId && error.DimmId == dimm.Id && error.Known) == filter.Poisoned)
            orderby owner.Name, dimm.Number
            select new { Host = owner.Name, Dimm = dimm }).Take(query.Limit + 1).AsNoTracking().ToListAsync(cancellationToken);
        var media = await MediaOf(db, found.Select(row => row.Dimm), cancellationToken);
        List<DimmDto> dtos = found.ConvertAll(row => ToDto(row.Host, row.Dimm, media.GetValueOrDefault(row.Dimm.Id)));
        return query.ToPage(dtos, dto => PlaceCursor.Key(dto.Host, found.First(row => row.Dimm.Id == dto.Id).Dimm.Number), http);
    }

    public static async Task<Tagged<DimmDto>?> FindAsync(FleetDbContext db, string host, string dimm, CancellationToken cancellationToken)
    {
        var row = await FindRowAsync(db, host, dimm, cancellationToken);
        if (row is null)
        {
            return null;
        }

        var media = await MediaOf(db, [row], cancellationToken);
        return new Tagged<DimmDto>(ToDto(host, row, media.GetValueOrDefault(row.Id)), Etag.Of(row.Id, row.Version));
    }

    public static async Task<DimmRow?> FindRowAsync(FleetDbContext db, string host, string dimm, CancellationToken cancellationToken) =>
        DeviceName.Number(dimm, "nmem") is { } number
            ? await (from owner in db.Hosts
                     join row in db.Set<DimmRow>() on owner.Id equals row.HostId
                     where owner.Name == host && row.Number == number
                     select row).AsNoTracking().SingleOrDefaultAsync(cancellationToken)
            : null;

    /// <summary>What workers saw of DIMMs.</summary>
    public static Task<Dictionary<Guid, DimmMedia>> MediaOf(FleetDbContext db, IEnumerable<DimmRow> dimms, CancellationToken cancellationToken) =>
        db.OfPairs<DimmMediaRow>("dimm_id", dimms.Select(dimm => (dimm.HostId, dimm.Id))).Select(ToMedia()).ToDictionaryAsync(media => media.DimmId, cancellationToken);

    public static DimmDto ToDto(string host, DimmRow row, DimmMedia? media) => new()
    {
        Id = row.Id,
        Host = host,
        Name = row.Name,
        UniqueId = row.UniqueId,
        Handle = row.Handle,
        PhysicalId = row.PhysicalId,
        Capacity = row.Capacity,
        LabelSize = row.LabelSize,
        LabelVersion = row.LabelVersion,
        AvailableSlots = row.AvailableSlots,
        State = row.Enabled ? "enabled" : "disabled",
        Labelling = row.Labelling,
        Armed = !((DimmConditions)row.Conditions).HasFlag(DimmConditions.NotArmed),
        SerialNumber = $"0x{row.SerialNumber:x8}",
        DirtyShutdownCount = media?.DirtyShutdownCount ?? 0,
        Security = SecurityOf(row, media?.Health),
        HealthState = media?.Health?.HealthState,
        SparesPercentage = media?.Health?.SparesPercentage,
        KnownPoisonBytes = media?.KnownBytes ?? 0,
    };

    private static string SecurityOf(DimmRow row, DimmHealthDto? health) => health?.Security switch
    {
        null => row.Security ?? "disabled",
        { Frozen: true, State: "disabled" or "unlocked" } => "frozen",
        { State: var state } => state,
    };

    private static Expression<Func<DimmMediaRow, DimmMedia>> ToMedia() => row => new DimmMedia(
        row.DimmId,
        row.DirtyShutdownCount,
        row.KnownBytes,
        row.Health);
}

/// <summary>What a worker saw of a DIMM, as far as the DIMM itself shows it.</summary>
public sealed record DimmMedia(Guid DimmId, long DirtyShutdownCount, long KnownBytes, string? HealthText)
{
    /// <summary>Health, firmware and security; null before the worker's first report.</summary>
    public DimmHealthDto? Health => HealthJson.Read(HealthText);
}
