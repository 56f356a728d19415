namespace PmemFleet.Nvdimm.Media;

/// <summary>What a block device has done, as <c>/sys/block/pmemX/stat</c> counts it (seed row 44).</summary>
/// <param name="Reads">Read requests completed.</param>
/// <param name="ReadSectors">512-byte sectors read.</param>
/// <param name="ReadTicks">Time spent reading, in the caller's clock.</param>
/// <param name="Writes">Write requests completed.</param>
/// <param name="WriteSectors">512-byte sectors written.</param>
/// <param name="WriteTicks">Time spent writing, in the caller's clock.</param>
public readonly record struct IoCounts(long Reads, long ReadSectors, TimeSpan ReadTicks, long Writes, long WriteSectors, TimeSpan WriteTicks);

/// <summary>Counts requests; may be used from several threads. A request that failed is counted too, as Linux does.</summary>
public sealed class IoStatistics
{
    private long _reads;
    private long _readSectors;
    private long _readTicks;
    private long _writes;
    private long _writeSectors;
    private long _writeTicks;

    /// <summary>The counts now.</summary>
    public IoCounts Counts => new(
        Volatile.Read(ref _reads), Volatile.Read(ref _readSectors), new TimeSpan(Volatile.Read(ref _readTicks)),
        Volatile.Read(ref _writes), Volatile.Read(ref _writeSectors), new TimeSpan(Volatile.Read(ref _writeTicks)));

    /// <summary>Counts a read of so many bytes.</summary>
    public void CountRead(long bytes, TimeSpan elapsed = default)
    {
        Interlocked.Increment(ref _reads);
        Interlocked.Add(ref _readSectors, bytes / SectorSpan.SectorBytes);
        Interlocked.Add(ref _readTicks, elapsed.Ticks);
    }

    /// <summary>Counts a write of so many bytes.</summary>
    public void CountWrite(long bytes, TimeSpan elapsed = default)
    {
        Interlocked.Increment(ref _writes);
        Interlocked.Add(ref _writeSectors, bytes / SectorSpan.SectorBytes);
        Interlocked.Add(ref _writeTicks, elapsed.Ticks);
    }
}
