using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Regions;

/// <summary>
/// The media of a legacy range, which has no DIMM. Workers keep it as they keep a DIMM's media, in a file of the same kind under the region's
/// id, so everything that holds for the media of a DIMM holds for it. The media begins with the region and has its size: it is the only
/// mapping of the region.
/// </summary>
public static class LegacyMedia
{
    /// <summary>The bus has no clear-error command, and Linux takes a clear of any length as done (spec 60 section 4).</summary>
    private const int ClearErrorUnit = 1;

    public static DimmLayout Layout(RegionRow region) => new()
    {
        DimmId = region.Id,
        Name = region.Name,
        Capacity = region.Size,
        ClearErrorUnit = ClearErrorUnit,
    };

    /// <summary>The range on its media. The row is never stored.</summary>
    public static RegionMappingRow Mapping(RegionRow region) => new()
    {
        HostId = region.HostId,
        RegionId = region.Id,
        Index = 0,
        DimmId = region.Id,
        DpaStart = 0,
        Length = region.Size,
        Position = 0,
        RegionOffset = 0,
    };
}
