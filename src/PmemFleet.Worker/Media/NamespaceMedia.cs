using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Worker.Media;

/// <summary>A namespace's range of the host's memory, as its driver reaches it, with the driver's own badblocks (spec 60 section 1).</summary>
/// <param name="memory">The host's memory.</param>
/// <param name="start">System physical address of the namespace's first byte.</param>
/// <param name="length">Bytes.</param>
internal sealed class NamespaceMedia(SystemMemory memory, long start, long length) : IMedia
{
    private BadblockTable _badblocks = new();
    private (long Resets, long Notifications) _seen = (-1, -1);

    public long Start => start;

    public long Length => length;

    /// <summary>The driver's table, in sectors from the namespace's start: filled when it is first looked at, and added to when the bus was told of errors.</summary>
    public BadblockTable Badblocks
    {
        get
        {
            var now = (memory.Resets, memory.Notifications);
            if (_seen.Resets != now.Resets)
            {
                _badblocks = new BadblockTable();
            }

            if (_seen != now && memory.RegionOf(start) is { } region)
            {
                _ = region.Populate(_badblocks, start, length);
                _seen = now;
            }

            return _badblocks;
        }
    }

    public bool TryRead(long offset, Span<byte> destination)
    {
        if (memory.FirstPoison(start + offset, destination.Length) is not null)
        {
            memory.Consume(start + offset, destination.Length);
            return false;
        }

        memory.Read(start + offset, destination);
        return true;
    }

    public void Write(long offset, ReadOnlySpan<byte> source) => memory.Write(start + offset, source);

    public void Zero(long offset, long length) => memory.Zero(start + offset, length);

    /// <summary>What was cleared leaves the driver's table in whole sectors, and nothing else does.</summary>
    public long ClearPoison(long offset, long length)
    {
        var badblocks = Badblocks;
        var cleared = memory.ClearUnits(start + offset, length);
        if (cleared >= SectorSpan.SectorBytes)
        {
            _ = badblocks.Clear(offset / SectorSpan.SectorBytes, cleared / SectorSpan.SectorBytes);
        }

        return cleared;
    }

    public void Flush() => memory.Flush(start, length);

    /// <summary>
    /// Nothing to do: what a worker's process stored stays in order when the process is killed, which is the power cut that a worker knows. The flush at
    /// the end of a request is what makes the disk keep it; an operating system that crashes before that may keep any part of what nobody was answered.
    /// </summary>
    public void Order()
    {
    }

    public bool IsKnownBad(long offset, long length)
    {
        var sectors = SectorSpan.Of(offset, length);
        return length > 0 && Badblocks.Check(sectors.First, sectors.Count, out _) != BadblockMatch.None;
    }
}
