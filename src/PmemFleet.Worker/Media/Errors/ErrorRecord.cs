using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using PmemFleet.Nvdimm.Badblocks;

namespace PmemFleet.Worker.Media.Errors;

/// <summary>The kinds of records in a DIMM's journal.</summary>
internal enum ErrorRecordKind : byte
{
    /// <summary>The whole state; the first record of a file, and only that.</summary>
    Checkpoint = 1,

    /// <summary>Changes of the lists, and the attributes where they changed with them.</summary>
    Change = 2,
}

/// <summary>
/// A record of a DIMM's journal, little-endian: magic u32, length of the payload u32, SHA-256 of the payload cut to 16 bytes, of these 24 bytes to 8
/// bytes, payload. Payload:
/// kind u8, version i64, length of the attributes i32 (-1: none), attributes; then a checkpoint's poison and known ranges (count i32, then start and
/// length i64 each), or the changes (count i32, then <see cref="ErrorChange.SizeBytes"/> each).
/// </summary>
internal static class ErrorRecord
{
    public const int HeaderBytes = CheckedBytes + 8;

    private const int ChecksumBytes = 16;
    private const int CheckedBytes = 4 + 4 + ChecksumBytes;
    private const int FixedBytes = 1 + 8 + 4;
    private const int RangeBytes = 16;

    private static ReadOnlySpan<byte> Magic => "PMEJ"u8;

    public static byte[] Checkpoint(long version, DimmAttributes attributes, PoisonList poison, PoisonList known)
    {
        var text = attributes.ToBytes();
        var record = new byte[HeaderBytes + FixedBytes + text.Length + 8 + ((poison.Count + known.Count) * RangeBytes)];
        var at = Begin(record, ErrorRecordKind.Checkpoint, version, text);
        foreach (var list in (PoisonList[])[poison, known])
        {
            BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(at), list.Count);
            at += 4;
            foreach (var range in list.Ranges)
            {
                BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(at), range.Start);
                BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(at + 8), range.Length);
                at += RangeBytes;
            }
        }

        return Seal(record);
    }

    public static byte[] Changes(long version, DimmAttributes? attributes, ReadOnlySpan<ErrorChange> changes)
    {
        var text = attributes?.ToBytes();
        var record = new byte[HeaderBytes + FixedBytes + (text?.Length ?? 0) + 4 + (changes.Length * ErrorChange.SizeBytes)];
        var at = Begin(record, ErrorRecordKind.Change, version, text);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(at), changes.Length);
        at += 4;
        foreach (var change in changes)
        {
            change.Write(record.AsSpan(at));
            at += ErrorChange.SizeBytes;
        }

        return Seal(record);
    }

    /// <summary>The whole record at the beginning of some bytes; 0 bytes where they end before it does, -1 where it is not one.</summary>
    public static int Measure(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderBytes)
        {
            return 0;
        }

        if (!IsHeader(bytes))
        {
            return -1;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        if (bytes.Length - HeaderBytes < length)
        {
            return 0;
        }

        var payload = bytes.Slice(HeaderBytes, (int)length);
        return SHA256.HashData(payload).AsSpan(0, ChecksumBytes).SequenceEqual(bytes.Slice(8, ChecksumBytes)) ? HeaderBytes + (int)length : -1;
    }

    /// <summary>
    /// True where bytes that are no record may be the last one, cut short: a power cut may leave a file longer than what of it reached the disk. Then
    /// the record that was begun is the file's last, or nothing of it is there at all.
    /// </summary>
    public static bool IsCutShort(ReadOnlySpan<byte> tail) =>
        tail.TrimEnd((byte)0).Length < HeaderBytes || (IsHeader(tail) && BinaryPrimitives.ReadUInt32LittleEndian(tail[4..]) >= tail.Length - HeaderBytes);

    /// <summary>Applies a whole record to a state.</summary>
    public static void Replay(ReadOnlySpan<byte> record, DimmErrorState state)
    {
        var payload = record[HeaderBytes..];
        state.Version = BinaryPrimitives.ReadInt64LittleEndian(payload[1..]);
        var text = BinaryPrimitives.ReadInt32LittleEndian(payload[9..]);
        var at = FixedBytes + Math.Max(text, 0);
        if (text >= 0)
        {
            state.Attributes = DimmAttributes.Read(payload.Slice(FixedBytes, text));
        }

        if ((ErrorRecordKind)payload[0] == ErrorRecordKind.Checkpoint)
        {
            state.Poison = ReadRanges(payload, ref at);
            state.Known = ReadRanges(payload, ref at);
            return;
        }

        var count = BinaryPrimitives.ReadInt32LittleEndian(payload[at..]);
        at += 4;
        for (var number = 0; number < count; number++, at += ErrorChange.SizeBytes)
        {
            ErrorChange.Read(payload[at..]).Apply(state.Poison, state.Known);
        }
    }

    public static ErrorRecordKind KindOf(ReadOnlySpan<byte> record) => (ErrorRecordKind)record[HeaderBytes];

    private static bool IsHeader(ReadOnlySpan<byte> bytes) =>
        bytes[..4].SequenceEqual(Magic) && SHA256.HashData(bytes[..CheckedBytes]).AsSpan(0, 8).SequenceEqual(bytes.Slice(CheckedBytes, 8));

    private static PoisonList ReadRanges(ReadOnlySpan<byte> payload, ref int at)
    {
        var list = new PoisonList();
        var count = BinaryPrimitives.ReadInt32LittleEndian(payload[at..]);
        at += 4;
        foreach (var words in MemoryMarshal.Cast<byte, (long Start, long Length)>(payload.Slice(at, count * RangeBytes)))
        {
            list.Add(words.Start, words.Length);
        }

        at += count * RangeBytes;
        return list;
    }

    private static int Begin(Span<byte> record, ErrorRecordKind kind, long version, byte[]? attributes)
    {
        var payload = record[HeaderBytes..];
        payload[0] = (byte)kind;
        BinaryPrimitives.WriteInt64LittleEndian(payload[1..], version);
        BinaryPrimitives.WriteInt32LittleEndian(payload[9..], attributes?.Length ?? -1);
        attributes?.CopyTo(payload[FixedBytes..]);
        return HeaderBytes + FixedBytes + (attributes?.Length ?? 0);
    }

    private static byte[] Seal(byte[] record)
    {
        Magic.CopyTo(record);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), (uint)(record.Length - HeaderBytes));
        SHA256.HashData(record.AsSpan(HeaderBytes)).AsSpan(0, ChecksumBytes).CopyTo(record.AsSpan(8));
        SHA256.HashData(record.AsSpan(0, CheckedBytes)).AsSpan(0, 8).CopyTo(record.AsSpan(CheckedBytes));
        return record;
    }
}
