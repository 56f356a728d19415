using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Problems;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Binding;

namespace PmemFleet.Api.MediaErrors;

/// <summary><c>ndctl inject-error --status</c>: what is poisoned in a namespace's data, by blocks.</summary>
public static class InjectionStatus
{
    public static async Task<(InjectionStatusDto? Status, RefusalDto? Refusal)> FindAsync(
        FleetDbContext db, string host, string name, CancellationToken cancellationToken)
    {
        var owner = await db.Hosts.AsNoTracking().SingleOrDefaultAsync(row => row.Name == host, cancellationToken);
        if (owner is null)
        {
            return (null, ProblemResults.NotFound("host", host));
        }

        var rows = (await HostRows.LoadAsync(db, [owner], withLabels: false, cancellationToken))[0];
        var space = rows.Namespaces.Find(row => $"namespace{rows.Regions.First(region => region.Id == row.RegionId).Number}.{row.Number}" == name);
        if (space is null)
        {
            return (null, ProblemResults.NotFound("namespace", name));
        }

        var claim = rows.Personalities.Find(row => row.RegionId == space.RegionId && row.NamespaceNumber == space.Number);
        if (claim?.Kind == PersonalityRow.Btt || owner.Provider != Providers.Nfit)
        {
            return (null, new RefusalDto { Errno = "EOPNOTSUPP", Code = "sector-mode", Message = $"{name}: injection is not supported here.", Subject = "namespace" });
        }

        if (space.Start is not { } start || space.Size == 0 || NamespaceProjection.DataOf(space, claim) is not { } data)
        {
            return (null, Refusals.Invalid("namespace-empty", "namespace", $"{name} has no data range.") with { Errno = "ENXIO" });
        }

        var region = rows.Regions.First(row => row.Id == space.RegionId);
        Guid[] dimms = [.. rows.Mappings.Where(mapping => mapping.RegionId == region.Id).Select(mapping => mapping.DimmId)];
        var errors = await db.Set<MediaErrorRow>().AsNoTracking().Where(error => error.HostId == owner.Id && dimms.Contains(error.DimmId) && error.Poisoned).ToListAsync(cancellationToken);
        var injected = from error in errors
                       from mapping in rows.Mappings
                       where mapping.RegionId == region.Id && mapping.DimmId == error.DimmId
                       from range in InterleaveLines.ToRegion(mapping, dimms.Length, new ByteRange(error.Dpa, error.Length))
                       select new Nvdimm.Badblocks.ByteRange(range.Start + region.Start, range.Length);
        PersonalityKind? kind = claim is null ? null : claim.Kind == PersonalityRow.Pfn ? PersonalityKind.Pfn : PersonalityKind.Dax;
        var blocks = ErrorInjection.Status(injected, new InjectionTarget(kind, start + data.Start, data.Length, rows.Dimms.Max(dimm => dimm.ClearErrorUnit)));
        return (new InjectionStatusDto { Badblocks = [.. blocks.Select(one => new InjectedBlocksDto { Block = one.Block, Count = one.Count })] }, null);
    }
}
