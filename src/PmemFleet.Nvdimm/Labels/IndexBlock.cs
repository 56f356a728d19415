using System.Buffers.Binary;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Labels;

/// <summary>The header of an index block as it stands on the media, valid or not.</summary>
public readonly record struct IndexBlock
{
    /// <summary>Text up to the first NUL, at most 15 bytes; empty for a zeroed block.</summary>
    public required string Signature { get; init; }

    /// <summary>Bytes of one label: 128 shifted by the block's label size byte (by x86's rule for large counts).</summary>
    public required int LabelBytes { get; init; }

    /// <summary>The whole 32-bit sequence field; only its low two bits count.</summary>
    public required uint Sequence { get; init; }

    /// <summary>Slots the block's writer laid out.</summary>
    public required uint SlotCount { get; init; }

    /// <summary>Major version; not checked for validity, but it selects the cookie (golden e_major_9).</summary>
    public required ushort Major { get; init; }

    /// <summary>Minor version.</summary>
    public required ushort Minor { get; init; }

    /// <summary>Both versions as one number: 101 for 1.1.</summary>
    public int Version => (Major * 100) + Minor;

    /// <summary>Reads the header at the start of <paramref name="block"/>.</summary>
    public static IndexBlock Read(ReadOnlySpan<byte> block)
    {
        var text = block[..(IndexLayout.SignatureText.Length - 1)];
        var end = text.IndexOf((byte)0);
        return new IndexBlock
        {
            Signature = System.Text.Encoding.UTF8.GetString(end < 0 ? text : text[..end]),
            LabelBytes = 1 << ((7 + block[IndexLayout.LabelSize]) & 31),
            Sequence = BinaryPrimitives.ReadUInt32LittleEndian(block[IndexLayout.Sequence..]),
            SlotCount = BinaryPrimitives.ReadUInt32LittleEndian(block[IndexLayout.SlotCount..]),
            Major = BinaryPrimitives.ReadUInt16LittleEndian(block[IndexLayout.Major..]),
            Minor = BinaryPrimitives.ReadUInt16LittleEndian(block[IndexLayout.Minor..]),
        };
    }

    /// <summary>Why block <paramref name="which"/> is invalid for <paramref name="geometry"/>, or null where it is valid (spec 10 section 6).</summary>
    public static string? Fault(ReadOnlySpan<byte> block, int which, LabelGeometry geometry)
    {
        if (!block[..IndexLayout.SignatureText.Length].SequenceEqual(IndexLayout.SignatureText))
        {
            return "signature";
        }

        var header = Read(block);
        var sizeByte = block[IndexLayout.LabelSize];
        if (header.Version >= 102 ? sizeByte > 1 || 128 << sizeByte != geometry.LabelBytes : geometry.LabelBytes != 128)
        {
            return "label-size";
        }

        var stored = BinaryPrimitives.ReadUInt64LittleEndian(block[IndexLayout.Checksum..]);
        if (stored != Fletcher64.ComputeSkipping(block[..geometry.IndexBytes], IndexLayout.Checksum))
        {
            return "checksum";
        }

        if ((header.Sequence & 3) == 0)
        {
            return "sequence";
        }

        var index = (ulong)geometry.IndexBytes;
        if (Offset(block, IndexLayout.MyOffset) != (ulong)which * index
            || Offset(block, IndexLayout.OtherOffset) != (ulong)(1 - which) * index
            || Offset(block, IndexLayout.LabelOffset) != 2 * index)
        {
            return "offset";
        }

        var size = Offset(block, IndexLayout.MySize);
        if (size < IndexLayout.Free || size > index)
        {
            return "size";
        }

        return ((ulong)header.SlotCount * (ulong)geometry.LabelBytes) + (2 * index) > (ulong)geometry.AreaBytes ? "slot-count" : null;
    }

    private static ulong Offset(ReadOnlySpan<byte> block, int at) => BinaryPrimitives.ReadUInt64LittleEndian(block[at..]);
}
