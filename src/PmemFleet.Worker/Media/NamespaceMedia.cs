using PmemFleet.Nvdimm.Media;

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

    public long ClearPoison(long offset, long length) => memory.ClearUnits(start + offset, length);

    public void Flush() => memory.Flush(start, length);

    public bool IsKnownBad(long offset, long length) => memory.IsKnownBad(start + offset, length);
}
