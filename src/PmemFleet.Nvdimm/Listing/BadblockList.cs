using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Listing;

/// <summary>Bad blocks in a listing: counted always, listed with -M, offsets from the data's start (spec 20 section 10).</summary>
internal static class BadblockList
{
    private const int SectorBytes = 512;

    /// <summary>ndctl clips the region's list to the data of a claim it can see; to a raw or disabled namespace it gives the whole list (spec 60 section 1, case n_nfit_test).</summary>
    public static List<RegionBadblock> Of(ListOptions options, PmemNamespace device) => device.Claim?.Bound switch
    {
        BindOutcome.Pages pages => Within(options, device.Region, device.Start + pages.StartPad.Value + pages.DataOffset.Value, pages.Size.Value),
        BindOutcome.Btt => Within(options, device.Region, device.Start, device.Size),
        _ => Within(options, device.Region, device.Region.Start, device.Region.Size),
    };

    public static List<RegionBadblock> Within(ListOptions options, Region region, long start, long size)
    {
        var found = new List<RegionBadblock>();
        if (options.Badblocks.TryGetValue(region.Name, out var all))
        {
            var (first, last) = ((start - region.Start) / SectorBytes, (start - region.Start + size) / SectorBytes);
            foreach (var bad in all)
            {
                var (from, to) = (Math.Max(bad.Sector, first), Math.Min(bad.Sector + bad.Count, last));
                if (from < to)
                {
                    found.Add(bad with { Sector = from - first, Count = to - from });
                }
            }
        }

        return found;
    }

    public static void Add(JsonObject listed, ListOptions options, List<RegionBadblock> bad, bool countOnly = false)
    {
        if (bad.Count == 0)
        {
            return;
        }

        listed["badblock_count"] = bad.Sum(b => b.Count);
        if (!options.MediaErrors || countOnly)
        {
            return;
        }

        listed["badblocks"] = new JsonArray([.. bad.Select(b =>
        {
            var one = new JsonObject { ["offset"] = b.Sector, ["length"] = b.Count };
            if (b.Dimms.Length > 0)
            {
                one["dimms"] = new JsonArray([.. b.Dimms.Select(d => (JsonNode)d)]);
            }

            return (JsonNode)one;
        })]);
    }
}
