using System.Buffers.Binary;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Primitives;
using Layout = PmemFleet.Nvdimm.Ars.ArsStatusLayout;

namespace PmemFleet.Nvdimm.Ars;

/// <summary>A status payload as the bus driver reads it (spec 60 section 5).</summary>
public sealed record ArsStatus
{
    /// <summary>Null when done, EBUSY while it runs, EAGAIN when there was none since boot, ENOSPC when results overflowed, EIO for a failed command.</summary>
    public required Errno? State { get; init; }

    /// <summary>The records that are there whole.</summary>
    public required IReadOnlyList<ByteRange> Records { get; init; }

    /// <summary>The payload ends before its last record.</summary>
    public required bool IsTruncated { get; init; }

    /// <summary>Where to go on after an overflow.</summary>
    public ByteRange Restart { get; init; }

    /// <summary>Reads a payload of any length; what is missing reads as zero.</summary>
    public static ArsStatus Read(ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[Layout.Records];
        payload[..Math.Min(payload.Length, header.Length)].CopyTo(header);
        var status = BinaryPrimitives.ReadUInt32LittleEndian(header);
        var outLength = BinaryPrimitives.ReadUInt32LittleEndian(header[Layout.OutLength..]);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(header[Layout.RecordCount..]);
        var whole = Math.Min(Math.Min(outLength, (uint)Math.Max(payload.Length - Layout.OutLength, 0)), int.MaxValue);
        var records = new List<ByteRange>();
        for (var number = 0; number < count && whole >= Layout.CountedHeaderBytes + (Layout.RecordBytes * (number + 1L)); number++)
        {
            var record = payload[(Layout.Records + (number * Layout.RecordBytes))..];
            records.Add(new ByteRange(BinaryPrimitives.ReadInt64LittleEndian(record[Layout.RecordAddress..]), BinaryPrimitives.ReadInt64LittleEndian(record[Layout.RecordLength..])));
        }

        return new ArsStatus
        {
            State = StateOf(status, outLength, BinaryPrimitives.ReadUInt16LittleEndian(header[Layout.Flags..])),
            Records = records,
            IsTruncated = records.Count < count,
            Restart = new ByteRange(BinaryPrimitives.ReadInt64LittleEndian(header[Layout.RestartAddress..]), BinaryPrimitives.ReadInt64LittleEndian(header[Layout.RestartLength..])),
        };
    }

    private static Errno? StateOf(uint status, uint outLength, ushort flags)
    {
        const int LengthThatHasFlags = 40;
        return status switch
        {
            Layout.Busy => Errno.EBUSY,
            Layout.NoneSinceBoot => Errno.EAGAIN,
            Layout.Interrupted => outLength >= LengthThatHasFlags && (flags & Layout.OverflowFlag) != 0 ? Errno.ENOSPC : null,
            _ => (status & 0xffff) != 0 || status >> 16 != 0 ? Errno.EIO : null,
        };
    }
}
