namespace PmemFleet.Nvdimm.Media;

/// <summary>The whole 512-byte sectors that hold a byte range: computed once for a request, then used for every question about it (seed row 36).</summary>
/// <param name="First">The first sector.</param>
/// <param name="Count">Sectors.</param>
public readonly record struct SectorSpan(long First, long Count)
{
    /// <summary>Bytes of a sector, the unit of badblocks.</summary>
    public const int SectorBytes = 512;

    /// <summary>Where the first sector begins.</summary>
    public long Offset => First * SectorBytes;

    /// <summary>Bytes of all the sectors.</summary>
    public long Length => Count * SectorBytes;

    /// <summary>The sectors of a range: the first byte's to the last byte's (spec 60 section 1).</summary>
    public static SectorSpan Of(long offset, long length)
    {
        var first = offset / SectorBytes;
        return new SectorSpan(first, ((offset + length + SectorBytes - 1) / SectorBytes) - first);
    }
}
