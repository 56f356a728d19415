using System.ComponentModel.DataAnnotations;
using System.Linq.Expressions;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Api.Workers;
using PmemFleet.Contracts.Hosts;

namespace PmemFleet.Api.Hosts;

/// <summary>Which hosts to list.</summary>
public sealed class HostFilter
{
    /// <summary>Kubernetes' grammar: <c>tier=gold,rack in (r1,r2),!old</c>.</summary>
    [FromQuery(Name = "labelSelector")]
    public LabelSelector? LabelSelector { get; init; }

    /// <summary><c>on</c> or <c>off</c>.</summary>
    [FromQuery(Name = "power")]
    [AllowedValues("on", "off", null)]
    public string? Power { get; init; }

    /// <summary><c>pending</c>, <c>booting</c> or <c>ready</c>.</summary>
    [FromQuery(Name = "state")]
    [AllowedValues("pending", "booting", "ready", null)]
    public string? State { get; init; }

    /// <summary>The media pool.</summary>
    [FromQuery(Name = "mediaPool")]
    public string? MediaPool { get; init; }
}

/// <summary>The only way from a host's row to the wire.</summary>
public static class HostProjection
{
    public static Task<bool> ExistsAsync(FleetDbContext db, string host, CancellationToken cancellationToken) =>
        db.Hosts.AnyAsync(row => row.Name == host, cancellationToken);

    public static async Task<Tagged<HostDto>?> FindAsync(FleetDbContext db, string host, CancellationToken cancellationToken) =>
        await db.Hosts.AsNoTracking().Where(row => row.Name == host).Select(Columns(db)).SingleOrDefaultAsync(cancellationToken) is { } found
            ? new Tagged<HostDto>(ToDto(found), Etag.Of(found.Row.Id, found.Row.Version))
            : null;

    /// <summary>One host more than the limit.</summary>
    public static async Task<List<HostDto>> ListAsync(FleetDbContext db, ListQuery query, HostFilter filter, CancellationToken cancellationToken)
    {
        var after = query.AfterKey() ?? string.Empty;
        var hosts = HostSelection.Select(db, null, filter.LabelSelector)
            .Where(row => string.Compare(row.Name, after) > 0
                && (filter.Power == null || row.Power == filter.Power)
                && (filter.State == null || row.State == filter.State)
                && (filter.MediaPool == null || row.MediaPool == filter.MediaPool));
        var found = await hosts.OrderBy(row => row.Name).Take(query.Limit + 1).Select(Columns(db)).ToListAsync(cancellationToken);
        return found.ConvertAll(ToDto);
    }

    /// <summary>From an aggregate: its counts are newer than the database's.</summary>
    public static HostDto ToDto(HostRows rows, string? worker) => ToDto(new HostColumns(
        rows.Host, worker, null, rows.Dimms.Count, rows.Regions.Count, rows.Namespaces.Count(row => row.Size > 0)));

    private static Expression<Func<HostRow, HostColumns>> Columns(FleetDbContext db) => row => new HostColumns(
        row,
        db.Workers.Where(worker => worker.Id == row.WorkerId).Select(worker => worker.Name).FirstOrDefault(),
        db.Set<HostFailureRow>().Where(failure => failure.HostId == row.Id)
            .Select(failure => new HostFailureDto { Code = failure.Code, Message = failure.Message, Since = failure.Since }).FirstOrDefault(),
        db.Set<DimmRow>().Count(dimm => dimm.HostId == row.Id),
        db.Set<RegionRow>().Count(region => region.HostId == row.Id),
        db.Set<NamespaceRow>().Count(space => space.HostId == row.Id && space.Size > 0));

    private static HostDto ToDto(HostColumns found) => new()
    {
        Id = found.Row.Id,
        Name = found.Row.Name,
        Labels = found.Row.Labels,
        Provider = found.Row.Provider,
        Platform = new PlatformDto
        {
            SupportsPud = found.Row.SupportsPud,
            PageTableLevels = found.Row.PageTableLevels,
            Profile = found.Row.Profile,
            DeviceDax = found.Row.DeviceDax,
        },
        MediaPool = found.Row.MediaPool,
        Power = found.Row.Power,
        State = found.Row.State,
        Worker = found.Worker,
        Failure = found.Failure,
        Epoch = found.Row.Epoch,
        BootCount = found.Row.BootCount,
        DimmCount = found.Dimms,
        RegionCount = found.Regions,
        NamespaceCount = found.Namespaces,
        CreatedAt = found.Row.CreatedAt,
    };

    private sealed record HostColumns(HostRow Row, string? Worker, HostFailureDto? Failure, int Dimms, int Regions, int Namespaces);
}
