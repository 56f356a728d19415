using System.Buffers.Binary;
using System.Text;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Labels;

/// <summary>Bits of a label's flags field.</summary>
[Flags]
public enum LabelStates
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Read-only; ignored when read.</summary>
    ReadOnly = 1,

    /// <summary>A BLK label; ignored by Linux 6.1.</summary>
    Local = 2,

    /// <summary>The first pass of an update; it does not hide the label.</summary>
    Updating = 8,
}

/// <summary>One label: the part of a namespace that is on one DIMM (spec 10 section 7).</summary>
public readonly record struct NamespaceLabel
{
    /// <summary>The namespace's uuid.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>The namespace's free-form name, at most 63 bytes of UTF-8.</summary>
    public required string Name { get; init; }

    /// <summary>State bits.</summary>
    public LabelStates Flags { get; init; }

    /// <summary>DIMMs of the interleave set.</summary>
    public required ushort LabelCount { get; init; }

    /// <summary>This DIMM's index in the set.</summary>
    public required ushort Position { get; init; }

    /// <summary>The interleave-set cookie the label was written with.</summary>
    public required ulong Cookie { get; init; }

    /// <summary>Sector size of the block device, 0, 512 or 4096.</summary>
    public ulong SectorSize { get; init; }

    /// <summary>First DPA.</summary>
    public required ulong Dpa { get; init; }

    /// <summary>Bytes on this DIMM.</summary>
    public required ulong RawSize { get; init; }

    /// <summary>The slot the label says it is in.</summary>
    public uint Slot { get; init; }

    /// <summary>v1.2: the kind of range, in EFI byte order.</summary>
    public Guid TypeGuid { get; init; }

    /// <summary>v1.2: the personality, in EFI byte order.</summary>
    public Guid AbstractionGuid { get; init; }

    /// <summary>Reads a label of <paramref name="source"/>'s length (128 or 256).</summary>
    public static NamespaceLabel Read(ReadOnlySpan<byte> source)
    {
        var name = source.Slice(LabelLayout.Name, LabelLayout.NameBytes);
        var end = name.IndexOf((byte)0);
        var v12 = source.Length > LabelGeometry.LabelBytesOf(LabelVersion.V11);
        return new NamespaceLabel
        {
            Uuid = MediaUuid.ReadRfc(source[LabelLayout.Uuid..]),
            Name = Encoding.UTF8.GetString(end < 0 ? name[..^1] : name[..end]),
            Flags = (LabelStates)BinaryPrimitives.ReadUInt32LittleEndian(source[LabelLayout.Flags..]),
            LabelCount = BinaryPrimitives.ReadUInt16LittleEndian(source[LabelLayout.LabelCount..]),
            Position = BinaryPrimitives.ReadUInt16LittleEndian(source[LabelLayout.Position..]),
            Cookie = BinaryPrimitives.ReadUInt64LittleEndian(source[LabelLayout.Cookie..]),
            SectorSize = BinaryPrimitives.ReadUInt64LittleEndian(source[LabelLayout.SectorSize..]),
            Dpa = BinaryPrimitives.ReadUInt64LittleEndian(source[LabelLayout.Dpa..]),
            RawSize = BinaryPrimitives.ReadUInt64LittleEndian(source[LabelLayout.RawSize..]),
            Slot = BinaryPrimitives.ReadUInt32LittleEndian(source[LabelLayout.Slot..]),
            TypeGuid = v12 ? MediaUuid.ReadEfi(source[LabelLayout.TypeGuid..]) : Guid.Empty,
            AbstractionGuid = v12 ? MediaUuid.ReadEfi(source[LabelLayout.AbstractionGuid..]) : Guid.Empty,
        };
    }

    /// <summary>A slot's label counts only if it names its own slot and, for v1.2, its checksum is right.</summary>
    public static bool IsUsable(ReadOnlySpan<byte> source, int slot) =>
        BinaryPrimitives.ReadUInt32LittleEndian(source[LabelLayout.Slot..]) == (uint)slot
        && (source.Length == LabelGeometry.LabelBytesOf(LabelVersion.V11)
            || BinaryPrimitives.ReadUInt64LittleEndian(source[LabelLayout.Checksum..]) == Fletcher64.ComputeSkipping(source, LabelLayout.Checksum));

    /// <summary>Writes the label into all of <paramref name="destination"/> (128 or 256 bytes), with its checksum for v1.2.</summary>
    public void Write(Span<byte> destination)
    {
        destination.Clear();
        MediaUuid.WriteRfc(destination[LabelLayout.Uuid..], Uuid);
        Encoding.UTF8.GetBytes(Name, destination.Slice(LabelLayout.Name, LabelLayout.NameBytes - 1));
        BinaryPrimitives.WriteUInt32LittleEndian(destination[LabelLayout.Flags..], (uint)Flags);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[LabelLayout.LabelCount..], LabelCount);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[LabelLayout.Position..], Position);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[LabelLayout.Cookie..], Cookie);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[LabelLayout.SectorSize..], SectorSize);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[LabelLayout.Dpa..], Dpa);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[LabelLayout.RawSize..], RawSize);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[LabelLayout.Slot..], Slot);
        if (destination.Length == LabelGeometry.LabelBytesOf(LabelVersion.V11))
        {
            return;
        }

        MediaUuid.WriteEfi(destination[LabelLayout.TypeGuid..], TypeGuid);
        MediaUuid.WriteEfi(destination[LabelLayout.AbstractionGuid..], AbstractionGuid);
        BinaryPrimitives.WriteUInt64LittleEndian(
            destination[LabelLayout.Checksum..], Fletcher64.ComputeSkipping(destination, LabelLayout.Checksum));
    }
}
