using System.Buffers.Binary;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>An entry of the log (flog): 16 bytes (spec 30 section 6).</summary>
/// <param name="Lba">The sector that was written.</param>
/// <param name="OldMap">The block that became free.</param>
/// <param name="NewMap">The block that holds the data.</param>
/// <param name="Sequence">1, 2, 3, 1 …; 0 in an entry that was never used.</param>
internal readonly record struct BttLogEntry(uint Lba, uint OldMap, uint NewMap, uint Sequence)
{
    public const int SizeBytes = 16;

    public bool IsZero => this == default;

    public static BttLogEntry Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(source),
        BinaryPrimitives.ReadUInt32LittleEndian(source[4..]),
        BinaryPrimitives.ReadUInt32LittleEndian(source[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(source[12..]));

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Lba);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], OldMap);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], NewMap);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], Sequence);
    }
}

/// <summary>Which two of a group's four entries are used: (0,1), or (0,2) as kernels before 4.15 did.</summary>
/// <param name="First">Index of the first.</param>
/// <param name="Second">Index of the second.</param>
internal readonly record struct BttLogPadding(int First, int Second)
{
    public const string Undeduced = "Unable to deduce log/padding indices";

    private const int EntriesPerGroup = 4;
    private const int None = -1;
    private const string Unknown = "Found an unknown padding scheme";

    /// <summary>
    /// The scheme of a whole log. Entries are taken in order: the first in use and the next in use at another index name the scheme,
    /// wherever they are; from there on every group must use the first index and may use the second, and no other. A log that was
    /// never written to is (0,1). ENXIO with the messages of Linux where the groups contradict each other.
    /// </summary>
    public static Outcome<BttLogPadding> Deduce(ReadOnlySpan<byte> log)
    {
        var (first, second) = (None, None);
        for (var lane = 0; lane < log.Length / BttGeometry.LogGroupBytes; lane++)
        {
            for (var index = 0; index < EntriesPerGroup; index++)
            {
                var inUse = !BttLogEntry.Read(log[((lane * BttGeometry.LogGroupBytes) + (index * BttLogEntry.SizeBytes))..]).IsZero;
                if (second != None)
                {
                    if (inUse ? index != first && index != second : index == first)
                    {
                        return Refuse(Undeduced).With("lane", lane);
                    }
                }
                else if (inUse && first == None)
                {
                    first = index;
                }
                else if (inUse && index != first)
                {
                    second = index;
                }
            }
        }

        return (first, second) switch
        {
            (0, None) => new BttLogPadding(0, 1),
            (0, 1 or 2) => new BttLogPadding(first, second),
            _ => Refuse($"{Unknown}\n{Undeduced}"),
        };
    }

    private static Refusal Refuse(string messages) => new(Errno.ENXIO, "log-padding", messages);
}

/// <summary>The newest entry of a lane's group, and the slot that the next write uses.</summary>
/// <param name="Newest">The newest entry.</param>
/// <param name="OldSlot">0 or 1: which of the two entries is older.</param>
internal readonly record struct BttLogGroup(BttLogEntry Newest, int OldSlot)
{
    /// <summary>Decides which entry is newer; EIO where the sequence numbers contradict (spec 30 section 6).</summary>
    public static Outcome<BttLogGroup> Read(ReadOnlySpan<byte> group, BttLogPadding padding, int lane)
    {
        var first = BttLogEntry.Read(group[(padding.First * BttLogEntry.SizeBytes)..]);
        var second = BttLogEntry.Read(group[(padding.Second * BttLogEntry.SizeBytes)..]);
        var (s0, s1) = (first.Sequence, second.Sequence);
        if (s0 == 0)
        {
            return new BttLogGroup(second, 0);
        }

        if (s0 == s1 || (ulong)s0 + s1 > 5)
        {
            return new Refusal(Errno.EIO, "log-corruption", $"log corruption (-22): lane {lane} seq [{s0}, {s1}]").With("lane", lane);
        }

        var firstIsOld = s0 < s1 ? s1 - s0 == 1 : s0 - s1 != 1;
        return firstIsOld ? new BttLogGroup(second, 0) : new BttLogGroup(first, 1);
    }

    /// <summary>The sequence number after another: 1, 2, 3, 1 …; a lane whose log is all zero stays at 0.</summary>
    public static uint Next(uint sequence) => sequence switch { 0 => 0, 1 => 2, 2 => 3, _ => 1 };
}
