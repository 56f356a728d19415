using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>A namespace's part of its region's media.</summary>
internal sealed class RangeMedia(MemoryMedia region, long start, long length) : IMedia
{
    public long Length => length;

    public bool TryRead(long offset, Span<byte> destination) => region.TryRead(Inside(offset, destination.Length), destination);

    public void Write(long offset, ReadOnlySpan<byte> source) => region.Write(Inside(offset, source.Length), source);

    public void Zero(long offset, long bytes) => region.Zero(Inside(offset, bytes), bytes);

    public long ClearPoison(long offset, long bytes) => region.ClearPoison(Inside(offset, bytes), bytes);

    public void Flush()
    {
    }

    public void Order()
    {
    }

    public bool IsKnownBad(long offset, long bytes) => region.IsKnownBad(Inside(offset, bytes), bytes);

    private long Inside(long offset, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, length - bytes);
        return start + offset;
    }
}
