using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Badblocks;

/// <summary>The clear-error command of a bus and the rules around it (spec 60 sections 4 and 8).</summary>
public static class ErrorClearing
{
    /// <summary>Sends one command: ENXIO where the range is not whole clear-error units or the unit is no power of two.</summary>
    /// <param name="address">System physical address.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="unit">The device's clear-error unit, from ARS_CAP.</param>
    /// <param name="command">The device: bytes cleared, or a negative errno.</param>
    /// <returns>Bytes cleared, or a negative errno: the sign is looked at before anything is accounted (seed row 31).</returns>
    public static long Clear(long address, long length, int unit, Func<long, long, long> command)
    {
        ArgumentNullException.ThrowIfNull(command);
        if (unit <= 0 || !int.IsPow2(unit) || address % unit != 0 || length % unit != 0)
        {
            return -(long)Errno.ENXIO;
        }

        var cleared = command(address, length);
        return cleared == 0 ? -(long)Errno.EIO : Math.Min(cleared, length);
    }

    /// <summary>
    /// <c>ndctl clear-errors</c>: each of the region's badblocks that lies wholly inside the data is cleared, one that straddles its
    /// edge is skipped; a clear that falls short is ENXIO and ends it. Returns the entries cleared.
    /// </summary>
    /// <param name="region">The region's table.</param>
    /// <param name="dataOffset">Where the data begins, in bytes from the region's start.</param>
    /// <param name="dataLength">Bytes of data.</param>
    /// <param name="clear">Clears bytes from the region's start: bytes cleared or a negative errno.</param>
    public static Outcome<int> ClearAll(BadblockTable region, long dataOffset, long dataLength, Func<long, long, long> clear)
    {
        ArgumentNullException.ThrowIfNull(region);
        ArgumentNullException.ThrowIfNull(clear);
        var (first, last) = (dataOffset / SectorSpan.SectorBytes, (dataOffset + dataLength) / SectorSpan.SectorBytes);
        var done = 0;
        foreach (var entry in region.Entries.Where(entry => entry.Start >= first && entry.End <= last).ToList())
        {
            var length = (long)entry.Length * SectorSpan.SectorBytes;
            var cleared = clear(entry.Start * SectorSpan.SectorBytes, length);
            if (cleared != length)
            {
                return new Refusal(Errno.ENXIO, "clear-short", "the device did not clear the whole range").With("sector", entry.Start).With("length", length).With("cleared", cleared);
            }

            done++;
        }

        return done;
    }
}
