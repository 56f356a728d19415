using System.Collections.Immutable;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Nvdimm.Listing;

namespace PmemFleet.Api.MediaErrors;

/// <summary>What hosts know to be bad, seen from regions and namespaces: badblocks.</summary>
public sealed class KnownErrors
{
    private const long SectorBytes = 512;
    private readonly ILookup<Guid, RegionMappingRow> _mappings;
    private readonly ILookup<Guid, MediaErrorRow> _errors;

    public KnownErrors(IEnumerable<RegionMappingRow> mappings, IEnumerable<MediaErrorRow> errors)
    {
        _mappings = mappings.OrderBy(mapping => mapping.Position).ToLookup(mapping => mapping.RegionId);
        _errors = errors.Where(error => error.Known).ToLookup(error => error.DimmId);
    }

    /// <summary>The errors under these mappings.</summary>
    public static async Task<KnownErrors> LoadAsync(FleetDbContext db, IReadOnlyList<RegionMappingRow> mappings, CancellationToken cancellationToken)
    {
        var errors = mappings.Count == 0 ? [] : await db.OfPairs<MediaErrorRow>("dimm_id", mappings.Select(mapping => (mapping.HostId, mapping.DimmId))).AsNoTracking()
            .Where(error => error.Known).ToListAsync(cancellationToken);
        return new KnownErrors(mappings, errors);
    }

    /// <summary>Bad sectors of a part of a region, counted from the part's start: a sector is bad as a whole.</summary>
    public IReadOnlyList<BadblockDto> Badblocks(Guid regionId, ByteRange part)
    {
        IReadOnlyList<RegionMappingRow> mappings = [.. _mappings[regionId]];
        var sectors = from mapping in mappings
                      from error in _errors[mapping.DimmId]
                      from bad in InterleaveLines.ToRegion(mapping, mappings.Count, new ByteRange(error.Dpa, error.Length))
                      let start = Math.Max(bad.Start, part.Start) - part.Start
                      let end = Math.Min(bad.End, part.End) - part.Start
                      where start < end
                      select (First: start / SectorBytes, End: (end + SectorBytes - 1) / SectorBytes);
        return Merge(sectors.Order());
    }

    /// <summary>A region's bad sectors with the DIMMs they are on, as ndctl lists them.</summary>
    public ImmutableArray<RegionBadblock> OfRegion(Guid regionId, long size, IReadOnlyList<DimmRow> dimms)
    {
        IReadOnlyList<RegionMappingRow> mappings = [.. _mappings[regionId]];
        var whole = new ByteRange(0, size);
        var byDimm = mappings.Select(mapping => (
            mapping.DimmId,
            Sectors: new KnownErrors(mappings, _errors[mapping.DimmId]).Badblocks(regionId, whole))).ToList();
        return
        [
            .. Badblocks(regionId, whole).Select(bad => new RegionBadblock(
                bad.Offset,
                bad.Length,
                [
                    .. from dimm in dimms
                       where byDimm.Exists(share => share.DimmId == dimm.Id
                           && share.Sectors.Any(sector => sector.Offset < bad.Offset + bad.Length && bad.Offset < sector.Offset + sector.Length))
                       orderby dimm.Number
                       select dimm.Name,
                ])),
        ];
    }

    private static List<BadblockDto> Merge(IEnumerable<(long First, long End)> ordered)
    {
        var merged = new List<BadblockDto>();
        foreach (var (first, end) in ordered)
        {
            if (merged.Count > 0 && merged[^1] is var last && last.Offset + last.Length >= first)
            {
                merged[^1] = last with { Length = Math.Max(last.Length, end - last.Offset) };
            }
            else
            {
                merged.Add(new BadblockDto { Offset = first, Length = end - first });
            }
        }

        return merged;
    }
}
