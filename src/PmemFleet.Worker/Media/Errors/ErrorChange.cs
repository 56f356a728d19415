using System.Buffers.Binary;
using PmemFleet.Nvdimm.Badblocks;

namespace PmemFleet.Worker.Media.Errors;

/// <summary>Which list of a DIMM changes, and how.</summary>
internal enum ErrorChangeKind : byte
{
    /// <summary>The media is poisoned.</summary>
    Poison = 0,

    /// <summary>Poison leaves the media.</summary>
    Heal = 1,

    /// <summary>The bus lists the range.</summary>
    Know = 2,

    /// <summary>The bus forgets the range.</summary>
    Forget = 3,
}

/// <summary>A change of a DIMM's error lists: <paramref name="Count"/> ranges of <paramref name="Length"/> bytes, each <paramref name="Stride"/> bytes behind the one before it.</summary>
/// <param name="Kind">What changes.</param>
/// <param name="Dpa">First byte of the first range.</param>
/// <param name="Length">Bytes of each range.</param>
/// <param name="Count">Ranges.</param>
/// <param name="Stride">Bytes from one range to the next.</param>
internal readonly record struct ErrorChange(ErrorChangeKind Kind, long Dpa, long Length, int Count = 1, long Stride = 0)
{
    /// <summary>Bytes of a change in a record, little-endian: kind, DPA, length, count, stride.</summary>
    public const int SizeBytes = 1 + 8 + 8 + 4 + 8;

    public static ErrorChange Poison(long dpa, long length) => new(ErrorChangeKind.Poison, dpa, length);

    public static ErrorChange Heal(long dpa, long length) => new(ErrorChangeKind.Heal, dpa, length);

    public static ErrorChange Know(long dpa, long length) => new(ErrorChangeKind.Know, dpa, length);

    public static ErrorChange Forget(long dpa, long length) => new(ErrorChangeKind.Forget, dpa, length);

    /// <summary>True where the lists are not yet as the change makes them.</summary>
    public bool Alters(PoisonList poison, PoisonList known)
    {
        var list = Kind is ErrorChangeKind.Poison or ErrorChangeKind.Heal ? poison : known;
        var adds = Kind is ErrorChangeKind.Poison or ErrorChangeKind.Know;
        for (var number = 0; number < Count; number++)
        {
            var start = Dpa + (number * Stride);
            if (adds ? !list.Covers(start, Length) : list.Overlaps(start, Length))
            {
                return true;
            }
        }

        return false;
    }

    public void Apply(PoisonList poison, PoisonList known)
    {
        var list = Kind is ErrorChangeKind.Poison or ErrorChangeKind.Heal ? poison : known;
        for (var number = 0; number < Count; number++)
        {
            var start = Dpa + (number * Stride);
            _ = Kind is ErrorChangeKind.Poison or ErrorChangeKind.Know ? list.Add(start, Length) : list.Remove(start, Length);
        }
    }

    public void Write(Span<byte> at)
    {
        at[0] = (byte)Kind;
        BinaryPrimitives.WriteInt64LittleEndian(at[1..], Dpa);
        BinaryPrimitives.WriteInt64LittleEndian(at[9..], Length);
        BinaryPrimitives.WriteInt32LittleEndian(at[17..], Count);
        BinaryPrimitives.WriteInt64LittleEndian(at[21..], Stride);
    }

    public static ErrorChange Read(ReadOnlySpan<byte> at) => new(
        (ErrorChangeKind)at[0],
        BinaryPrimitives.ReadInt64LittleEndian(at[1..]),
        BinaryPrimitives.ReadInt64LittleEndian(at[9..]),
        BinaryPrimitives.ReadInt32LittleEndian(at[17..]),
        BinaryPrimitives.ReadInt64LittleEndian(at[21..]));
}
