namespace PmemFleet.Nvdimm.Allocation;

/// <summary>A range of a DIMM that a label reserves; the resource's name is <c>pmem-</c> and the uuid.</summary>
/// <param name="Start">First DPA.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Owner">The label's uuid.</param>
public readonly record struct DpaExtent(long Start, long Length, Guid Owner)
{
    /// <summary>First DPA after the range.</summary>
    public long End => Start + Length;
}
