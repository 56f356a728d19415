using PmemFleet.Contracts.Sync;

namespace PmemFleet.Worker.Media;

/// <summary>A piece of system physical memory that lies on one DIMM in one run.</summary>
/// <param name="Dimm">The DIMM.</param>
/// <param name="Dpa">Its first byte there.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct DimmRun(DimmMedia Dimm, long Dpa, long Length);

/// <summary>The host's persistent memory by system physical address: regions over interleaved DIMMs.</summary>
/// <param name="regions">The regions.</param>
/// <param name="dimms">The DIMMs by id.</param>
internal sealed class SystemMemory(IReadOnlyList<RegionLayout> regions, IReadOnlyDictionary<Guid, DimmMedia> dimms)
{
    /// <summary>Consecutive lines of this size go to the set's DIMMs in turn.</summary>
    public const int InterleaveLine = 4096;

    /// <summary>Every DIMM.</summary>
    public IEnumerable<DimmMedia> Dimms => dimms.Values;

    /// <summary>Changed state since the last <see cref="TakeChanged"/>, for the reply that is on its way.</summary>
    private readonly HashSet<DimmMedia> _changed = [];

    public DimmMedia? FindDimm(Guid id) => dimms.GetValueOrDefault(id);

    /// <summary>True where all of a range is persistent memory of one region.</summary>
    public bool Covers(long spa, long length) => RegionOf(spa) is { } region && spa + length <= region.Start + region.Size;

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

    public void Write(long spa, ReadOnlySpan<byte> source)
    {
        foreach (var run in Runs(spa, source.Length))
        {
            run.Dimm.Write(run.Dpa, source[..(int)run.Length]);
            source = source[(int)run.Length..];
        }
    }

    public void Zero(long spa, long length)
    {
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

    /// <summary>The DIMMs whose state changed since the last call.</summary>
    public IReadOnlyList<DimmMedia> TakeChanged()
    {
        DimmMedia[] changed = [.. _changed];
        _changed.Clear();
        return changed;
    }

    /// <summary>Bytes one clear-error command covers at an address: the largest unit among the DIMMs there.</summary>
    public int ClearErrorUnit(long spa) => RegionOf(spa)!.Mappings.Max(mapping => dimms[mapping.DimmId].Layout.ClearErrorUnit);

    private RegionLayout? RegionOf(long spa)
    {
        foreach (var region in regions)
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
