using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Worker.Media;

/// <summary>A namespace's range of the host's memory, as its driver reaches it.</summary>
/// <param name="memory">The host's memory.</param>
/// <param name="start">System physical address of the namespace's first byte.</param>
/// <param name="length">Bytes.</param>
internal sealed class NamespaceMedia(SystemMemory memory, long start, long length) : IMedia
{
    public long Length => length;

    public bool TryRead(long offset, Span<byte> destination)
    {
        if (memory.FirstPoison(start + offset, destination.Length) is not null)
        {
            memory.MakePoisonKnown(start + offset, destination.Length);
            return false;
        }

        memory.Read(start + offset, destination);
        return true;
    }

    public void Write(long offset, ReadOnlySpan<byte> source) => memory.Write(start + offset, source);

    public void Zero(long offset, long length) => memory.Zero(start + offset, length);

    /// <summary>Refused with -ENXIO where the range is not whole clear-error units (spec 60 section 4).</summary>
    public long ClearPoison(long offset, long length)
    {
        var unit = memory.ClearErrorUnit(start + offset);
        if ((start + offset) % unit != 0 || length % unit != 0)
        {
            return -(long)Errno.ENXIO;
        }

        memory.Clear(start + offset, length);
        return length;
    }

    public void Flush() => memory.Flush(start, length);

    public bool IsKnownBad(long offset, long length) => memory.IsKnownBad(start + offset, length);
}
