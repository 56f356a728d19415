namespace PmemFleet.Nvdimm.Badblocks;

/// <summary>A place on a DIMM of an interleave set.</summary>
/// <param name="Position">The DIMM's position in the set, from 0.</param>
/// <param name="Dpa">DIMM physical address.</param>
public readonly record struct DimmAddress(int Position, long Dpa);

/// <summary>A run of bytes on one DIMM of an interleave set.</summary>
/// <param name="Position">The DIMM's position in the set.</param>
/// <param name="Dpa">The run's first byte.</param>
/// <param name="Length">Bytes.</param>
/// <param name="RegionOffset">The same byte's offset in the region.</param>
public readonly record struct DimmRange(int Position, long Dpa, long Length, long RegionOffset);

/// <summary>How a region's bytes lie on its DIMMs: consecutive lines of 4096 bytes go to the set's DIMMs in turn (spec 20 section 2).</summary>
public sealed class InterleaveGeometry
{
    /// <summary>Bytes of a line.</summary>
    public const int LineBytes = 4096;

    private readonly long[] _starts;

    /// <summary>A geometry.</summary>
    /// <param name="dpaStarts">Where the region begins on each DIMM, by position; one or more.</param>
    public InterleaveGeometry(params IEnumerable<long> dpaStarts)
    {
        _starts = [.. dpaStarts];
        ArgumentOutOfRangeException.ThrowIfZero(_starts.Length, nameof(dpaStarts));
    }

    /// <summary>DIMMs in the set.</summary>
    public int Ways => _starts.Length;

    /// <summary>Where a byte of the region lies.</summary>
    public DimmAddress ToDimm(long regionOffset)
    {
        var (line, within) = Math.DivRem(regionOffset, LineBytes);
        var (row, position) = Math.DivRem(line, Ways);
        return new DimmAddress((int)position, _starts[position] + (row * LineBytes) + within);
    }

    /// <summary>Which byte of the region lies at an address of a DIMM.</summary>
    public long ToRegion(DimmAddress address)
    {
        var (row, within) = Math.DivRem(address.Dpa - _starts[address.Position], LineBytes);
        return (((row * Ways) + address.Position) * LineBytes) + within;
    }

    /// <summary>The runs of a range of the region, in its order.</summary>
    public IEnumerable<DimmRange> Split(long regionOffset, long length)
    {
        while (length > 0)
        {
            var at = ToDimm(regionOffset);
            var run = Ways == 1 ? length : Math.Min(length, LineBytes - (regionOffset % LineBytes));
            yield return new DimmRange(at.Position, at.Dpa, run, regionOffset);
            regionOffset += run;
            length -= run;
        }
    }

    /// <summary>The runs in the region of a range of one DIMM, in its order.</summary>
    public IEnumerable<ByteRange> SplitDimm(DimmAddress address, long length)
    {
        while (length > 0)
        {
            var run = Ways == 1 ? length : Math.Min(length, LineBytes - ((address.Dpa - _starts[address.Position]) % LineBytes));
            yield return new ByteRange(ToRegion(address), run);
            address = address with { Dpa = address.Dpa + run };
            length -= run;
        }
    }
}
