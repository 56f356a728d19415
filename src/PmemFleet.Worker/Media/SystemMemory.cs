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
internal sealed class SystemMemory(IReadOnlyList<RegionLayout> regions, IReadOnlyDictionary<Guid, DimmMedia> dimms, MediaFence fence)
{
    /// <summary>Consecutive lines of this size go to the set's DIMMs in turn.</summary>
    public const int InterleaveLine = 4096;

    private IReadOnlyList<RegionLayout> _regions = regions;

    /// <summary>Every DIMM.</summary>
    public IEnumerable<DimmMedia> Dimms => dimms.Values;

    /// <summary>Changed state since the last <see cref="TakeChanged"/>, for the reply that is on its way.</summary>
    private readonly HashSet<DimmMedia> _changed = [];

    /// <summary>The regions from now on; namespaces that are bound see them too.</summary>
    public void Rearrange(IReadOnlyList<RegionLayout> arranged) => _regions = arranged;

    public DimmMedia? FindDimm(Guid id) => dimms.GetValueOrDefault(id);

    /// <summary>True where all of a range is persistent memory of one region.</summary>
    public bool Covers(long spa, long length) => RegionOf(spa) is { } region && length >= 0 && length <= region.Start + region.Size - spa;

    /// <summary>The runs of a range, in its order.</summary>
    public IEnumerable<DimmRun> Runs(long spa, long length)
    {
        while (length > 0)
        {
            var region = RegionOf(spa) ?? throw new InvalidOperationException($"0x{spa:x} is in no region");
            var offset = spa - region.Start;
            var ways = region.Mappings.Count;
            var line = offset / InterleaveLine;
            var mapping = region.Mappings[(int)(line % ways)];
            var dpa = ways == 1 ? mapping.DpaStart + offset : mapping.DpaStart + (line / ways * InterleaveLine) + (offset % InterleaveLine);
            var run = Math.Min(length, ways == 1 ? region.Size - offset : InterleaveLine - (offset % InterleaveLine));
            yield return new DimmRun(dimms[mapping.DimmId], dpa, run);
            spa += run;
            length -= run;
        }
    }

    public void Read(long spa, Span<byte> destination)
    {
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
        foreach (var dimm in RegionOf(spa)!.Mappings.Select(mapping => dimms[mapping.DimmId]).Distinct().Take(length > 0 ? int.MaxValue : 0))
        {
            dimm.Flush();
        }
    }

    /// <summary>The first poisoned byte of a range.</summary>
    public long? FirstPoison(long spa, long length)
    {
        foreach (var run in Runs(spa, length))
        {
            if (run.Dimm.Poison.Ranges.Count > 0 && run.Dimm.Poison.Overlaps(run.Dpa, run.Length).FirstOrDefault() is { } found)
            {
                return spa + (found.Dpa - run.Dpa);
            }

            spa += run.Length;
        }

        return null;
    }

    /// <summary>The bus lists a byte of the range.</summary>
    public bool IsKnownBad(long spa, long length)
    {
        foreach (var run in Runs(spa, length))
        {
            if (run.Dimm.Bad.Ranges.Count > 0 && run.Dimm.Bad.Contains(run.Dpa, run.Length))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What the bus lists of the region around an address: bytes from the region's start, by position in the set, then by DPA.</summary>
    public IEnumerable<(long Offset, long Length)> KnownBadOf(RegionLayout region)
    {
        var ways = region.Mappings.Count;
        for (var position = 0; position < ways; position++)
        {
            var mapping = region.Mappings[position];
            foreach (var bad in dimms[mapping.DimmId].Bad.Overlaps(mapping.DpaStart, mapping.Length))
            {
                var end = bad.Dpa - mapping.DpaStart + bad.Length;
                for (var at = bad.Dpa - mapping.DpaStart; at < end;)
                {
                    var length = ways == 1 ? end - at : Math.Min(end - at, InterleaveLine - (at % InterleaveLine));
                    yield return ((((at / InterleaveLine * ways) + position) * InterleaveLine) + (at % InterleaveLine), length);
                    at += length;
                }
            }
        }
    }

    /// <summary>A machine check named this range: the bus lists it from now on.</summary>
    public void MakeKnown(long spa, long length)
    {
        foreach (var run in Runs(spa, length))
        {
            Change(run.Dimm, (_, bad) => bad.Add(run.Dpa, run.Length));
        }
    }

    /// <summary>What is poisoned in a range is known from now on.</summary>
    public void MakePoisonKnown(long spa, long length)
    {
        foreach (var run in Runs(spa, length))
        {
            Change(run.Dimm, (poison, bad) =>
            {
                var changed = false;
                foreach (var found in poison.Overlaps(run.Dpa, run.Length).ToList())
                {
                    changed |= bad.Add(found.Dpa, found.Length);
                }

                return changed;
            });
        }
    }

    /// <summary>The CLEAR_ERROR command as a driver sends it: bytes cleared, or -ENXIO where the range is not whole clear-error units (spec 60 section 4).</summary>
    public long ClearUnits(long spa, long length) => ErrorClearing.Clear(spa, length, ClearErrorUnit(spa), (address, bytes) =>
    {
        Clear(address, bytes);
        return bytes;
    });

    /// <summary>The CLEAR_ERROR command: poison and what is known of it leave the range.</summary>
    public void Clear(long spa, long length)
    {
        foreach (var run in Runs(spa, length))
        {
            Change(run.Dimm, (poison, bad) => poison.Remove(run.Dpa, run.Length) | bad.Remove(run.Dpa, run.Length));
        }
    }

    /// <summary>Changes a DIMM's state and remembers that it changed.</summary>
    public void Change(DimmMedia dimm, Func<DpaRangeSet, DpaRangeSet, bool> change)
    {
        if (dimm.Change(change))
        {
            _changed.Add(dimm);
        }
    }

    /// <summary>Remembers that a DIMM's state changed by another way.</summary>
    public void NoteChanged(DimmMedia dimm) => _changed.Add(dimm);

    /// <summary>The DIMMs whose state changed since the last call.</summary>
    public IReadOnlyList<DimmMedia> TakeChanged()
    {
        DimmMedia[] changed = [.. _changed];
        _changed.Clear();
        return changed;
    }

    /// <summary>Bytes one clear-error command covers at an address: the largest unit among the DIMMs there.</summary>
    public int ClearErrorUnit(long spa) => RegionOf(spa)!.Mappings.Max(mapping => dimms[mapping.DimmId].Layout.ClearErrorUnit);

    public RegionLayout? RegionOf(long spa)
    {
        foreach (var region in _regions)
        {
            if (spa >= region.Start && spa < region.Start + region.Size)
            {
                return region;
            }
        }

        return null;
    }

    /// <summary>The same bytes as <see cref="Runs"/>, but one run for each DIMM where the range is whole stripes.</summary>
    private IEnumerable<DimmRun> WholeShares(long spa, long length)
    {
        var region = RegionOf(spa)!;
        var ways = region.Mappings.Count;
        var stripe = (long)ways * InterleaveLine;
        if (ways == 1 || (spa - region.Start) % stripe != 0 || length % stripe != 0)
        {
            return Runs(spa, length);
        }

        return region.Mappings.Select(mapping => new DimmRun(dimms[mapping.DimmId], mapping.DpaStart + ((spa - region.Start) / ways), length / ways));
    }
}
