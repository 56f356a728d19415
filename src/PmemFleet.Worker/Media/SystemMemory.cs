using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Badblocks;

namespace PmemFleet.Worker.Media;

/// <summary>A piece of system physical memory that lies on one DIMM in one run.</summary>
/// <param name="Dimm">The DIMM.</param>
/// <param name="Dpa">Its first byte there.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct DimmRun(DimmMedia Dimm, long Dpa, long Length);

/// <summary>The host's persistent memory by system physical address: regions over interleaved DIMMs.</summary>
/// <param name="regions">The regions.</param>
/// <param name="dimms">The DIMMs by id; its owner plugs and unplugs them.</param>
/// <param name="fence">Asked before each batch of stores.</param>
internal sealed partial class SystemMemory(IReadOnlyList<RegionLayout> regions, IReadOnlyDictionary<Guid, DimmMedia> dimms, MediaFence fence)
{
    private List<RegionMemory> _regions = [.. regions.Select(region => new RegionMemory(region, dimms))];

    /// <summary>Every DIMM.</summary>
    public IEnumerable<DimmMedia> Dimms => dimms.Values;

    /// <summary>Every region.</summary>
    public IReadOnlyList<RegionMemory> Regions => _regions;

    /// <summary>The regions from now on; namespaces that are bound see them too.</summary>
    public void Rearrange(IReadOnlyList<RegionLayout> arranged)
    {
        _regions = [.. arranged.Select(region => new RegionMemory(region, dimms))];
        Notifications++;
    }

    public DimmMedia? FindDimm(Guid id) => dimms.GetValueOrDefault(id);

    /// <summary>True where all of a range is persistent memory of one region.</summary>
    public bool Covers(long spa, long length) => RegionOf(spa) is { Layout: var region } && length >= 0 && length <= region.Start + region.Size - spa;

    /// <summary>The runs of a range, in its order.</summary>
    public IEnumerable<DimmRun> Runs(long spa, long length) =>
        length <= 0 ? [] : (RegionOf(spa) ?? throw new InvalidOperationException($"0x{spa:x} is in no region")).Runs(spa, length);

    public void Read(long spa, Span<byte> destination)
    {
        if (IsOneRun(spa, destination.Length, out var one))
        {
            one.Dimm.Read(one.Dpa, destination);
            return;
        }

        foreach (var run in Runs(spa, destination.Length))
        {
            run.Dimm.Read(run.Dpa, destination[..(int)run.Length]);
            destination = destination[(int)run.Length..];
        }
    }

    /// <exception cref="FencedException">The epoch is over; nothing was stored.</exception>
    public void Write(long spa, ReadOnlySpan<byte> source)
    {
        fence.Demand();
        if (IsOneRun(spa, source.Length, out var one))
        {
            one.Dimm.Write(one.Dpa, source);
            return;
        }

        foreach (var run in Runs(spa, source.Length))
        {
            run.Dimm.Write(run.Dpa, source[..(int)run.Length]);
            source = source[(int)run.Length..];
        }
    }

    /// <exception cref="FencedException">The epoch is over; nothing was stored.</exception>
    public void Zero(long spa, long length)
    {
        fence.Demand();
        foreach (var (dimm, dpa, run) in WholeShares(spa, length))
        {
            dimm.Zero(dpa, run);
        }
    }

    public void Flush(long spa, long length)
    {
        foreach (var dimm in RegionOf(spa)!.Dimms.Distinct().Take(length > 0 ? int.MaxValue : 0))
        {
            dimm.Flush();
        }
    }

    public RegionMemory? RegionOf(long spa)
    {
        foreach (var region in _regions)
        {
            if (spa >= region.Layout.Start && spa < region.Layout.Start + region.Layout.Size)
            {
                return region;
            }
        }

        return null;
    }

    /// <summary>True where a range lies on one DIMM in one run, as nearly all do.</summary>
    public bool IsOneRun(long spa, long length, out DimmRun run)
    {
        if (length > 0 && RegionOf(spa) is { } region)
        {
            var offset = spa - region.Layout.Start;
            if (region.Geometry.Ways == 1 ? length <= region.Layout.Size - offset : length <= InterleaveGeometry.LineBytes - (offset % InterleaveGeometry.LineBytes))
            {
                var at = region.Geometry.ToDimm(offset);
                run = new DimmRun(region.Dimms[at.Position], at.Dpa, length);
                return true;
            }
        }

        run = default;
        return false;
    }

    /// <summary>The same bytes as <see cref="Runs"/>, but one run for each DIMM where the range is whole stripes.</summary>
    private IEnumerable<DimmRun> WholeShares(long spa, long length)
    {
        var region = RegionOf(spa)!;
        var ways = region.Geometry.Ways;
        var stripe = (long)ways * InterleaveGeometry.LineBytes;
        var offset = spa - region.Layout.Start;
        return ways == 1 || offset % stripe != 0 || length % stripe != 0
            ? Runs(spa, length)
            : region.Dimms.Select((dimm, position) => new DimmRun(dimm, region.Layout.Mappings[position].DpaStart + (offset / ways), length / ways));
    }
}
