using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Worker.Media;

/// <summary>A DIMM from a byte on, to be looked at without its drivers: poison is not consumed, nothing is stored.</summary>
/// <param name="dimm">The DIMM.</param>
/// <param name="dpa">Its first byte here.</param>
internal sealed class DimmWindow(DimmMedia dimm, long dpa) : IMedia
{
    public long Length => dimm.Layout.Capacity - dpa;

    public bool TryRead(long offset, Span<byte> destination)
    {
        dimm.Read(dpa + offset, destination);
        return true;
    }

    public void Write(long offset, ReadOnlySpan<byte> source) => throw new NotSupportedException("read only");

    public void Zero(long offset, long length) => throw new NotSupportedException("read only");

    public long ClearPoison(long offset, long length) => throw new NotSupportedException("read only");

    public void Flush()
    {
    }

    public bool IsKnownBad(long offset, long length) => false;
}
