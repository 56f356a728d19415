using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.MediaErrors;

namespace PmemFleet.Api.MediaErrors;

/// <summary>All errors of some hosts, as the answer of an inject or a clear; the list has the rest where there are more.</summary>
public sealed class ErrorsOfHosts
{
    private const int MostInAnswer = 1000;
    private readonly ILookup<Guid, MediaErrorRow> _errors;
    private readonly Dictionary<Guid, ListPage<MediaErrorDto>> _pages = [];

    private ErrorsOfHosts(IEnumerable<MediaErrorRow> errors) => _errors = errors.ToLookup(error => error.HostId);

    /// <summary>One statement, however many hosts there are.</summary>
    public static async Task<ErrorsOfHosts> LoadAsync(FleetDbContext db, IReadOnlyList<HostRows> hosts, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. hosts.Select(rows => rows.Host.Id)];
        return new ErrorsOfHosts(ids.Length == 0 ? [] : await (
            from host in db.Hosts
            where ids.Contains(host.Id)
            from error in db.Set<MediaErrorRow>().Where(error => error.HostId == host.Id && ids.Contains(error.HostId)).OrderBy(error => error.DimmId).ThenBy(error => error.Dpa).Take(MostInAnswer)
            select error).AsNoTracking().ToListAsync(cancellationToken));
    }

    /// <summary>By DIMM and DPA. Several changes of one host that ended together have one answer.</summary>
    public ListPage<MediaErrorDto> Of(HostRows rows)
    {
        if (!_pages.TryGetValue(rows.Host.Id, out var page))
        {
            var number = rows.Dimms.Select(dimm => (dimm.Id, dimm.Number))
                .Concat(rows.Regions.Where(region => region.IsLegacy).Select(region => (region.Id, region.Number)))
                .ToDictionary(media => media.Id, media => media.Number);
            _pages[rows.Host.Id] = page = new ListPage<MediaErrorDto>
            {
                Items =
                [
                    .. _errors[rows.Host.Id].OrderBy(error => number[error.DimmId]).ThenBy(error => error.Dpa)
                        .Select(error => MediaErrorProjection.ToDto(rows, error)),
                ],
            };
        }

        return page;
    }
}
