using System.Globalization;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.DataPlane;

namespace PmemFleet.Api.Namespaces;

/// <summary>
/// A namespace and what holds it, as one statement saw them: looked at one after the other, a reconfiguration between the two would give a namespace that
/// never was.
/// </summary>
/// <param name="Row">The namespace.</param>
/// <param name="Claim">What holds it.</param>
/// <param name="RegionReadOnly">The region's <c>read_only</c>: no block device of it takes a write.</param>
public sealed record NamespaceLook(NamespaceRow Row, PersonalityRow? Claim, bool RegionReadOnly)
{
    /// <summary>A bind is awaited: the worker may have it still as it was, or already as it will be.</summary>
    public bool IsBeingBound => Row.State == NamespaceRow.Pending;

    /// <summary>
    /// What the worker compares with what it has bound, as the rest of a query. Names change with a boot, addresses do not; a uuid is not used twice, where
    /// there are labels to keep it and no caller chooses it again; and the form tells one mode from another, where all of these stayed. A worker of the
    /// version before does not look at the form.
    /// </summary>
    public string Identity => string.Concat(
        Row.Start is { } start ? string.Create(CultureInfo.InvariantCulture, $"&start={start}") : string.Empty,
        Row.Uuid is { } uuid ? $"&uuid={uuid:D}" : string.Empty,
        Form is { } form ? $"&form={form}" : string.Empty);

    private string? Form => (Row.State, Claim) switch
    {
        (NamespaceRow.Enabled, null) => NamespaceForm.Raw,
        (NamespaceRow.Enabled, { Kind: var kind, Bound: { } bound }) =>
            NamespaceForm.Of(kind, bound.Uuid, bound.Size, bound.SectorSize, (bound.DataOffset ?? 0) + (bound.StartPad ?? 0)),
        _ => null,
    };

    public static async Task<NamespaceLook?> FindAsync(FleetDbContext db, string host, string @namespace, CancellationToken cancellationToken)
    {
        if (DeviceName.Pair(@namespace, "namespace") is not var (regionNumber, number))
        {
            return null;
        }

        var found = await (from owner in db.Hosts
                           join region in db.Set<RegionRow>() on owner.Id equals region.HostId
                           join row in db.Set<NamespaceRow>() on new { region.HostId, region.Id } equals new { row.HostId, Id = row.RegionId }
                           where owner.Name == host && region.Number == regionNumber && row.Number == number
                           select new
                           {
                               Row = row,
                               region.ReadOnly,
                               Claim = db.Set<PersonalityRow>().FirstOrDefault(
                                   claim => claim.HostId == row.HostId && claim.RegionId == row.RegionId && claim.NamespaceNumber == row.Number),
                           }).AsNoTracking().SingleOrDefaultAsync(cancellationToken);
        return found is null ? null : new NamespaceLook(found.Row, found.Claim, found.ReadOnly);
    }
}
