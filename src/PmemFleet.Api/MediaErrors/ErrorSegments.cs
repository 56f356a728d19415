using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.MediaErrors;

/// <summary>Poison and known errors of a DIMM overlap; cut where either changes, they are rows that do not.</summary>
public static class ErrorSegments
{
    public static IEnumerable<MediaErrorRow> Of(DimmObservation seen, Guid? legacyRegion)
    {
        var edges = new SortedDictionary<long, (int Poison, int Known)>();
        foreach (var range in seen.Poison)
        {
            Add(edges, range, 1, 0);
        }

        foreach (var range in seen.BadRanges)
        {
            Add(edges, range, 0, 1);
        }

        var (start, poison, known) = (0L, 0, 0);
        MediaErrorRow? open = null;
        foreach (var (dpa, (poisonStep, knownStep)) in edges)
        {
            if (poison + known > 0 && dpa > start)
            {
                if (open is not null && open.Dpa + open.Length == start && open.Poisoned == poison > 0 && open.Known == known > 0)
                {
                    open.Length += dpa - start;
                }
                else
                {
                    if (open is not null)
                    {
                        yield return open;
                    }

                    open = new MediaErrorRow
                    {
                        HostId = seen.HostId,
                        DimmId = seen.DimmId,
                        RegionId = legacyRegion,
                        Dpa = start,
                        Length = dpa - start,
                        Poisoned = poison > 0,
                        Known = known > 0,
                    };
                }
            }

            (start, poison, known) = (dpa, poison + poisonStep, known + knownStep);
        }

        if (open is not null)
        {
            yield return open;
        }
    }

    private static void Add(SortedDictionary<long, (int Poison, int Known)> edges, DpaRange range, int poison, int known)
    {
        var at = edges.GetValueOrDefault(range.Dpa);
        edges[range.Dpa] = (at.Poison + poison, at.Known + known);
        var end = edges.GetValueOrDefault(range.Dpa + range.Length);
        edges[range.Dpa + range.Length] = (end.Poison - poison, end.Known - known);
    }
}
