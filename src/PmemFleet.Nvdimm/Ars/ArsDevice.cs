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

/// <summary>
/// The firmware's side of address range scrub: one scan at a time, a bounded result buffer, and a restart address where it overflows
/// (spec 60 section 5). Time is the caller's, as a span since any fixed moment.
/// </summary>
public sealed class ArsDevice(ArsCapability capability)
{
    private (long Start, long Length, ArsKind Kind, TimeSpan Ends)? _scan;
    private byte[] _results = [];

    /// <summary>Starts a scan. EBUSY while one runs; the value is the time it will take.</summary>
    public Outcome<TimeSpan> Start(long spa, long length, ArsKind kind, TimeSpan now)
    {
        if (_scan is { } running && now < running.Ends)
        {
            return new Refusal(Errno.EBUSY, "ars-busy", "an address range scrub is running");
        }

        var time = kind == ArsKind.ShortScan ? capability.ShortTime : TimeSpan.FromSeconds((double)length / capability.BytesPerSecond);
        _scan = (spa, length, kind, now + time);
        _results = [];
        return time;
    }

    /// <summary>The status payload now; results are those of the moment the scan ended first being asked for.</summary>
    /// <param name="now">The caller's time.</param>
    /// <param name="poison">What is poisoned, in system physical addresses.</param>
    public ReadOnlyMemory<byte> Status(TimeSpan now, PoisonList poison)
    {
        ArgumentNullException.ThrowIfNull(poison);
        if (_scan is not { } scan)
        {
            return Header(Layout.NoneSinceBoot);
        }

        if (now < scan.Ends)
        {
            return Header(Layout.Busy);
        }

        if (_results.Length == 0)
        {
            _results = Results(scan.Start, scan.Length, poison);
        }

        return _results;
    }

    private static byte[] Header(uint status)
    {
        var bytes = new byte[Layout.Records];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Layout.Status), status);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Layout.OutLength), Layout.CountedHeaderBytes);
        return bytes;
    }

    private byte[] Results(long start, long length, PoisonList poison)
    {
        var found = poison.Within(start, length);
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
