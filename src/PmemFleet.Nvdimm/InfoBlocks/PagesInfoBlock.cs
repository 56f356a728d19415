using System.Buffers.Binary;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;
using Layout = PmemFleet.Nvdimm.InfoBlocks.PagesInfoBlockLayout;

namespace PmemFleet.Nvdimm.InfoBlocks;

/// <summary>A PFN (fsdax) or DAX (devdax) info block; the two differ in their signature only (spec 40 section 1).</summary>
public sealed record PagesInfoBlock
{
    /// <summary>Bytes of the block.</summary>
    public const int SizeBytes = Layout.SizeBytes;

    /// <summary>Where it lies in its namespace.</summary>
    public const int NamespaceOffset = Layout.NamespaceOffset;

    /// <summary>Bytes of a struct page on x86-64.</summary>
    public const int StructPageBytes = 64;

    /// <summary>Bytes of the platform's smallest page.</summary>
    public const int PageBytes = 4096;

    /// <summary>The page sizes of x86-64, which are the alignments that a dax device can have.</summary>
    public static IReadOnlyList<long> Alignments { get; } = [PageBytes, 2 * Bytes.MiB, Bytes.GiB];

    /// <summary><see cref="PersonalityKind.Pfn"/> or <see cref="PersonalityKind.Dax"/>.</summary>
    public required PersonalityKind Kind { get; init; }

    /// <summary>The personality's uuid.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>The namespace's uuid; zero when label-less.</summary>
    public required Guid ParentUuid { get; init; }

    /// <summary>1.</summary>
    public int VersionMajor { get; init; } = 1;

    /// <summary>0 to 4; 4 is written.</summary>
    public int VersionMinor { get; init; } = 4;

    /// <summary>From the namespace's base to the data, start pad not included.</summary>
    public required long DataOffset { get; init; }

    /// <summary>4 KiB pages of data.</summary>
    public required long PageCount { get; init; }

    /// <summary>The mode as stored: 1 RAM, 2 PMEM; others are invalid.</summary>
    public required uint Mode { get; init; }

    /// <summary>Bytes skipped at the start (minor 1 and later).</summary>
    public uint StartPad { get; init; }

    /// <summary>Bytes cut off at the end (minor 1 and later).</summary>
    public uint EndTrunc { get; init; }

    /// <summary>Alignment (minor 2 and later).</summary>
    public required uint Align { get; init; }

    /// <summary>The block stores no alignment (or 0), and <see cref="Align"/> is the largest power of two in the data offset.</summary>
    public bool AlignIsDerived { get; init; }

    /// <summary>Page size (minor 4 and later).</summary>
    public uint PageSize { get; init; } = PageBytes;

    /// <summary>Struct page size (minor 4 and later).</summary>
    public int PageStructSize { get; init; } = StructPageBytes;

    /// <summary>
    /// Reads a block. False where the signature of the kind or the checksum is wrong. Members that the block's minor version does
    /// not have get the values the kernel assumes (spec 40 section 4).
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> source, PersonalityKind kind, out PagesInfoBlock block)
    {
        block = null!;
        if (source.Length < SizeBytes
            || !source[..Layout.SignatureBytes].SequenceEqual(SignatureOf(kind))
            || BinaryPrimitives.ReadUInt64LittleEndian(source[Layout.Checksum..]) != Fletcher64.ComputeSkipping(source[..SizeBytes], Layout.Checksum))
        {
            return false;
        }

        var minor = BinaryPrimitives.ReadUInt16LittleEndian(source[Layout.VersionMinor..]);
        var dataOffset = BinaryPrimitives.ReadInt64LittleEndian(source[Layout.DataOffset..]);
        var align = minor < 2 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(source[Layout.Align..]);
        block = new PagesInfoBlock
        {
            Kind = kind,
            Uuid = MediaUuid.ReadRfc(source[Layout.Uuid..]),
            ParentUuid = MediaUuid.ReadRfc(source[Layout.ParentUuid..]),
            VersionMajor = BinaryPrimitives.ReadUInt16LittleEndian(source[Layout.VersionMajor..]),
            VersionMinor = minor,
            DataOffset = dataOffset,
            PageCount = BinaryPrimitives.ReadInt64LittleEndian(source[Layout.PageCount..]),
            Mode = BinaryPrimitives.ReadUInt32LittleEndian(source[Layout.Mode..]),
            StartPad = minor < 1 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(source[Layout.StartPad..]),
            EndTrunc = minor < 1 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(source[Layout.EndTrunc..]),
            Align = align != 0 || dataOffset <= 0 ? align : (uint)Math.Min(1UL << (63 - System.Numerics.BitOperations.LeadingZeroCount((ulong)dataOffset)), 1UL << 31),
            AlignIsDerived = align == 0,
            PageSize = minor < 4 ? PageBytes : BinaryPrimitives.ReadUInt32LittleEndian(source[Layout.PageSize..]),
            PageStructSize = minor < 4 ? StructPageBytes : BinaryPrimitives.ReadUInt16LittleEndian(source[Layout.PageStructSize..]),
        };
        return true;
    }

    /// <summary>The block's bytes, checksum included.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[SizeBytes];
        var span = bytes.AsSpan();
        SignatureOf(Kind).CopyTo(span);
        MediaUuid.WriteRfc(span[Layout.Uuid..], Uuid);
        MediaUuid.WriteRfc(span[Layout.ParentUuid..], ParentUuid);
        BinaryPrimitives.WriteUInt16LittleEndian(span[Layout.VersionMajor..], (ushort)VersionMajor);
        BinaryPrimitives.WriteUInt16LittleEndian(span[Layout.VersionMinor..], (ushort)VersionMinor);
        BinaryPrimitives.WriteInt64LittleEndian(span[Layout.DataOffset..], DataOffset);
        BinaryPrimitives.WriteInt64LittleEndian(span[Layout.PageCount..], PageCount);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.Mode..], Mode);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.StartPad..], StartPad);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.EndTrunc..], EndTrunc);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.Align..], Align);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.PageSize..], PageSize);
        BinaryPrimitives.WriteUInt16LittleEndian(span[Layout.PageStructSize..], (ushort)PageStructSize);
        BinaryPrimitives.WriteUInt64LittleEndian(span[Layout.Checksum..], Fletcher64.ComputeSkipping(bytes, Layout.Checksum));
        return bytes;
    }

    private static ReadOnlySpan<byte> SignatureOf(PersonalityKind kind) => kind == PersonalityKind.Pfn ? Layout.PfnSignature : Layout.DaxSignature;
}
