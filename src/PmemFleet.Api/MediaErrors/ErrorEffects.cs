using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.MediaErrors;

namespace PmemFleet.Api.MediaErrors;

/// <summary>What an error of a DIMM hurts: the region's bytes over it, and in each namespace what lies there.</summary>
public static class ErrorEffects
{
    private const int MostShown = 64;
    private const long SectorBytes = 512;

    public static (IReadOnlyList<MediaErrorEffectDto> Effects, bool More) Of(HostRows rows, MediaErrorRow error)
    {
        List<MediaErrorEffectDto> effects =
        [
            .. (from mapping in rows.MediaMappings()
                where mapping.DimmId == error.DimmId
                let region = rows.Regions.First(row => row.Id == mapping.RegionId)
                let ways = region.IsLegacy ? 1 : rows.Mappings.Count(other => other.RegionId == mapping.RegionId)
                from range in InterleaveLines.ToRegion(mapping, ways, Shown(new ByteRange(error.Dpa, error.Length), mapping))
                from effect in OfRange(rows, region, range)
                select effect).Take(MostShown + 1),
        ];
        return effects.Count > MostShown ? (effects[..MostShown], true) : (effects, ShownBytes(error.Length) < error.Length);
    }

    /// <summary>No more of a long error is looked at than can be shown.</summary>
    private static ByteRange Shown(ByteRange dpa, RegionMappingRow mapping)
    {
        var start = Math.Max(dpa.Start, mapping.DpaStart);
        return start >= dpa.End ? dpa : new ByteRange(start, ShownBytes(dpa.End - start));
    }

    private static long ShownBytes(long length) => Math.Min(length, (MostShown + 1) * InterleaveLines.LineBytes);

    private static IEnumerable<MediaErrorEffectDto> OfRange(HostRows rows, RegionRow region, ByteRange range)
    {
        var isInNone = true;
        foreach (var space in rows.Namespaces.Where(row => row.RegionId == region.Id && row.Start is not null && row.Size > 0))
        {
            var start = Math.Max(range.Start + region.Start, space.Start!.Value) - space.Start.Value;
            var end = Math.Min(range.End + region.Start, space.Start.Value + space.Size) - space.Start.Value;
            if (start >= end)
            {
                continue;
            }

            isInNone = false;
            foreach (var part in NamespaceParts.Cut(rows, space, new ByteRange(start, end - start)))
            {
                yield return ToDto(region, space, part);
            }
        }

        if (isInNone)
        {
            yield return new MediaErrorEffectDto { Region = region.Name, RegionOffset = range.Start, Length = range.Length };
        }
    }

    private static MediaErrorEffectDto ToDto(RegionRow region, NamespaceRow space, NamespacePart part)
    {
        var name = $"{region.Number}.{space.Number}";
        var isEnabled = space.State == "enabled";
        var isData = part.Hurts is "data";
        var isBlock = part.Mode is "raw" or "fsdax";
        return new MediaErrorEffectDto
        {
            Region = region.Name,
            RegionOffset = space.Start!.Value + part.Range.Start - region.Start,
            Length = part.Range.Length,
            Namespace = $"namespace{name}",
            Offset = part.Range.Start,
            Hurts = part.Hurts,
            BlockDevice = isEnabled && isData && isBlock ? $"pmem{(space.Number == 0 ? region.Number.ToString(System.Globalization.CultureInfo.InvariantCulture) : name)}" : null,
            Sector = isData && isBlock ? (part.Range.Start - part.DataStart) / SectorBytes : null,
            DaxDevice = isEnabled && isData && part.Mode == "devdax" ? $"dax{name}" : null,
            Consequence = part.Consequence,
        };
    }
}
