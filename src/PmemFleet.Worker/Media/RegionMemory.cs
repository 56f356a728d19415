using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Worker.Media;

/// <summary>A region: where its bytes lie on its DIMMs, and its badblocks.</summary>
internal sealed class RegionMemory
{
    private const int Batch = 1024;
    private long _populated = -1;

    public RegionMemory(RegionLayout layout, IReadOnlyDictionary<Guid, DimmMedia> dimms)
    {
        (Layout, Dimms) = (layout, [.. layout.Mappings.Select(mapping => dimms[mapping.DimmId])]);
        Geometry = new InterleaveGeometry(layout.Mappings.Select(mapping => mapping.DpaStart));
    }

    public RegionLayout Layout { get; }

    /// <summary>By position in the set.</summary>
    public IReadOnlyList<DimmMedia> Dimms { get; }

    public InterleaveGeometry Geometry { get; }

    /// <summary>Bytes one clear-error command covers: the largest unit among the DIMMs.</summary>
    public int ClearErrorUnit => Dimms.Max(dimm => dimm.Layout.ClearErrorUnit);

    private BadblockTable Table { get; set; } = new();

    /// <summary>The region's table: what the bus lists is added to it whenever the bus was told of something (spec 60 section 1).</summary>
    /// <param name="notifications">How often the bus was told.</param>
    public BadblockTable Badblocks(long notifications)
    {
        if (_populated != notifications)
        {
            _ = Populate(Table, Layout.Start, Layout.Size);
            _populated = notifications;
        }

        return Table;
    }

    /// <summary>The region is enabled anew: its table begins empty.</summary>
    public void ResetBadblocks() => (Table, _populated) = (new BadblockTable(), -1);

    public IEnumerable<DimmRun> Runs(long spa, long length) =>
        Geometry.Split(spa - Layout.Start, length).Select(run => new DimmRun(Dimms[run.Position], run.Dpa, run.Length));

    /// <summary>Adds to a table what the bus lists of a part of the region, in sectors from the part's start. False where the table is full.</summary>
    public bool Populate(BadblockTable table, long spa, long length)
    {
        for (var position = 0; position < Dimms.Count; position++)
        {
            if (Dimms[position].Known.Count == 0)
            {
                continue;
            }

            foreach (var bad in OfList(position, Dimms[position].Known, spa - Layout.Start, length))
            {
                var start = Math.Max(bad.Start, spa - Layout.Start) - (spa - Layout.Start);
                var end = Math.Min(bad.End, spa - Layout.Start + length) - (spa - Layout.Start);
                var sectors = SectorSpan.Of(start, end - start);
                if (!table.Set(sectors.First, sectors.Count))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>What a DIMM's list has of a part of the region: bytes from the region's start, in order.</summary>
    public IEnumerable<ByteRange> OfList(int position, PoisonList list, long offset, long length)
    {
        var mapping = Layout.Mappings[position];
        var stripe = (long)Geometry.Ways * InterleaveGeometry.LineBytes;
        var from = mapping.DpaStart + (Geometry.Ways == 1 ? offset : offset / stripe * InterleaveGeometry.LineBytes);
        var to = Math.Min(mapping.DpaStart + mapping.Length, Geometry.Ways == 1 ? from + length : mapping.DpaStart + ((offset + length + stripe - 1) / stripe * InterleaveGeometry.LineBytes));
        while (from < to)
        {
            var some = list.Within(from, to - from, Batch);
            foreach (var range in some)
            {
                foreach (var part in Geometry.SplitDimm(new DimmAddress(position, range.Start), range.Length))
                {
                    if (part.End > offset && part.Start < offset + length)
                    {
                        yield return part;
                    }
                }
            }

            if (some.Count < Batch)
            {
                yield break;
            }

            from = some[^1].End;
        }
    }
}
