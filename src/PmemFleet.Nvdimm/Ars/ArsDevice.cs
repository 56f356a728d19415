using System.Buffers.Binary;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Primitives;
using Layout = PmemFleet.Nvdimm.Ars.ArsStatusLayout;

namespace PmemFleet.Nvdimm.Ars;

/// <summary>What kind of scan is asked for.</summary>
public enum ArsKind
{
    /// <summary>What the platform already knows, at once.</summary>
    ShortScan,

    /// <summary>The media is read.</summary>
    LongScan,
}

/// <summary>How a platform scans.</summary>
public sealed record ArsCapability
{
    /// <summary>Records that one status payload holds: <c>max_ars_out</c> in records.</summary>
    public int MaxRecords { get; init; } = 169;

    /// <summary>Bytes of media read in a second by a long scan.</summary>
    public long BytesPerSecond { get; init; } = 4 * Bytes.GiB;

    /// <summary>Time of a short scan of any length.</summary>
    public TimeSpan ShortTime { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>Looks for poison: the first ranges of a span of system physical addresses, in order, at most so many of them.</summary>
/// <param name="start">The span's first byte.</param>
/// <param name="length">Its bytes.</param>
/// <param name="most">The most ranges.</param>
public delegate IReadOnlyList<ByteRange> PoisonScan(long start, long length, int most);

/// <summary>
/// The firmware's side of address range scrub: one scan at a time, a bounded result buffer, and a restart address where it overflows
/// (spec 60 section 5). Time is the caller's, as a span since any fixed moment.
/// </summary>
public sealed class ArsDevice(ArsCapability capability)
{
    private (long Start, long Length, ArsKind Kind, TimeSpan Begins, TimeSpan Ends)? _scan;
    private byte[] _results = [];

    /// <summary>Starts a scan. EBUSY while one runs; the value is the time it will take.</summary>
    public Outcome<TimeSpan> Start(long spa, long length, ArsKind kind, TimeSpan now)
    {
        if (_scan is { } running && _results.Length == 0 && now < running.Ends)
        {
            return new Refusal(Errno.EBUSY, "ars-busy", "an address range scrub is running");
        }

        var time = kind == ArsKind.ShortScan ? capability.ShortTime : TimeSpan.FromSeconds((double)length / capability.BytesPerSecond);
        _scan = (spa, length, kind, now, now + time);
        _results = [];
        return time;
    }

    /// <summary>The status payload now; results are those of the moment the scan ended first being asked for.</summary>
    /// <param name="now">The caller's time.</param>
    /// <param name="poison">What is poisoned, in system physical addresses.</param>
    public ReadOnlyMemory<byte> Status(TimeSpan now, PoisonList poison)
    {
        ArgumentNullException.ThrowIfNull(poison);
        return Status(now, poison.Within);
    }

    /// <summary>The status payload now. A long scan ends early where its result buffer is full.</summary>
    /// <param name="now">The caller's time.</param>
    /// <param name="poison">What is poisoned.</param>
    /// <param name="recorded">What the platform has recorded of it, for a short scan; null: all of it.</param>
    public ReadOnlyMemory<byte> Status(TimeSpan now, PoisonScan poison, PoisonScan? recorded = null)
    {
        ArgumentNullException.ThrowIfNull(poison);
        if (_scan is not { } scan)
        {
            return Header(Layout.NoneSinceBoot);
        }

        if (_results.Length > 0)
        {
            return _results;
        }

        if (now < scan.Ends)
        {
            var read = scan.Kind == ArsKind.LongScan ? Math.Min(scan.Length, (long)((now - scan.Begins).TotalSeconds * capability.BytesPerSecond)) : 0;
            if (read == 0 || poison(scan.Start, read, capability.MaxRecords + 1).Count <= capability.MaxRecords)
            {
                return Header(Layout.Busy);
            }
        }

        _results = Results(scan.Start, scan.Length, scan.Kind == ArsKind.ShortScan ? recorded ?? poison : poison);
        return _results;
    }

    /// <summary>How much of the running scan is done, 0 to 1; 1 where none runs.</summary>
    public double Progress(TimeSpan now) => _scan is { } scan && _results.Length == 0 && now < scan.Ends && scan.Ends > scan.Begins
        ? (now - scan.Begins) / (scan.Ends - scan.Begins)
        : 1;

    private static byte[] Header(uint status)
    {
        var bytes = new byte[Layout.Records];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Layout.Status), status);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Layout.OutLength), Layout.CountedHeaderBytes);
        return bytes;
    }

    private byte[] Results(long start, long length, PoisonScan poison)
    {
        var found = poison(start, length, capability.MaxRecords + 1);
        var records = Math.Min(found.Count, capability.MaxRecords);
        var bytes = new byte[Layout.Records + (records * Layout.RecordBytes)];
        var overflow = found.Count > records;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Layout.Status), overflow ? Layout.Interrupted : Layout.Done);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Layout.OutLength), (uint)(bytes.Length - Layout.OutLength));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(Layout.Address), start);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(Layout.Length), length);
        if (overflow)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(Layout.RestartAddress), found[records].Start);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(Layout.RestartLength), start + length - found[records].Start);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(Layout.Flags), Layout.OverflowFlag);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Layout.RecordCount), (uint)records);
        for (var number = 0; number < records; number++)
        {
            var record = bytes.AsSpan(Layout.Records + (number * Layout.RecordBytes));
            BinaryPrimitives.WriteInt64LittleEndian(record[Layout.RecordAddress..], found[number].Start);
            BinaryPrimitives.WriteInt64LittleEndian(record[Layout.RecordLength..], found[number].Length);
        }

        return bytes;
    }
}
