namespace PmemFleet.Nvdimm.Allocation;

/// <summary>The part of a DIMM that a region uses.</summary>
/// <param name="Start">First DPA.</param>
/// <param name="Size">Bytes.</param>
public readonly record struct DpaMapping(long Start, long Size)
{
    /// <summary>First DPA after the part.</summary>
    public long End => Start + Size;
}
