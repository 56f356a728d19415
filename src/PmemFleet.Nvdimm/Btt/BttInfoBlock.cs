using System.Buffers.Binary;
using PmemFleet.Nvdimm.Primitives;
using Layout = PmemFleet.Nvdimm.Btt.BttInfoBlockLayout;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>The info block of one BTT arena (spec 30 section 4).</summary>
public sealed record BttInfoBlock
{
    /// <summary>Bytes of the block.</summary>
    public const int SizeBytes = Layout.SizeBytes;

    /// <summary>Where the namespace's uuid is in it.</summary>
    public const int ParentUuidOffset = Layout.ParentUuid;

    /// <summary>Flag: the arena is in error, writes to it are EIO.</summary>
    public const uint ErrorFlag = 1;

    /// <summary>The BTT's uuid, the same in all its arenas.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>The namespace's uuid; zero when label-less.</summary>
    public required Guid ParentUuid { get; init; }

    /// <summary>Flags; bit 0 is <see cref="ErrorFlag"/>.</summary>
    public uint Flags { get; init; }

    /// <summary>1.1 or 2.0.</summary>
    public required Version Version { get; init; }

    /// <summary>The arena's geometry.</summary>
    public required BttGeometry Geometry { get; init; }

    /// <summary>From this arena's start to the next one's; 0 for the last.</summary>
    public required long NextOffset { get; init; }

    /// <summary>True where the signature, the checksum and the parent uuid serve: a null parent serves any namespace.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, Guid parentUuid, out BttInfoBlock block)
    {
        block = null!;
        if (source.Length < SizeBytes
            || !source[..Layout.SignatureBytes].SequenceEqual(Layout.SignatureText)
            || BinaryPrimitives.ReadUInt64LittleEndian(source[Layout.Checksum..]) != Fletcher64.ComputeSkipping(source[..SizeBytes], Layout.Checksum))
        {
            return false;
        }

        var parent = MediaUuid.ReadRfc(source[Layout.ParentUuid..]);
        if (parent != Guid.Empty && parent != parentUuid)
        {
            return false;
        }

        block = new BttInfoBlock
        {
            Uuid = MediaUuid.ReadRfc(source[Layout.Uuid..]),
            ParentUuid = parent,
            Flags = BinaryPrimitives.ReadUInt32LittleEndian(source[Layout.Flags..]),
            Version = new Version(BinaryPrimitives.ReadUInt16LittleEndian(source[Layout.VersionMajor..]), BinaryPrimitives.ReadUInt16LittleEndian(source[Layout.VersionMinor..])),
            NextOffset = BinaryPrimitives.ReadInt64LittleEndian(source[Layout.NextOffset..]),
            Geometry = new BttGeometry
            {
                ExternalLbaSize = BinaryPrimitives.ReadUInt32LittleEndian(source[Layout.ExternalLbaSize..]),
                ExternalLbaCount = BinaryPrimitives.ReadUInt32LittleEndian(source[Layout.ExternalLbaCount..]),
                InternalLbaSize = BinaryPrimitives.ReadUInt32LittleEndian(source[Layout.InternalLbaSize..]),
                InternalLbaCount = BinaryPrimitives.ReadUInt32LittleEndian(source[Layout.InternalLbaCount..]),
                FreeCount = BinaryPrimitives.ReadUInt32LittleEndian(source[Layout.FreeCount..]),
                DataOffset = BinaryPrimitives.ReadInt64LittleEndian(source[Layout.DataOffset..]),
                MapOffset = BinaryPrimitives.ReadInt64LittleEndian(source[Layout.MapOffset..]),
                LogOffset = BinaryPrimitives.ReadInt64LittleEndian(source[Layout.LogOffset..]),
                Info2Offset = BinaryPrimitives.ReadInt64LittleEndian(source[Layout.Info2Offset..]),
            },
        };
        return true;
    }

    /// <summary>The block's bytes, checksum included.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[SizeBytes];
        var span = bytes.AsSpan();
        Layout.SignatureText.CopyTo(span);
        MediaUuid.WriteRfc(span[Layout.Uuid..], Uuid);
        MediaUuid.WriteRfc(span[Layout.ParentUuid..], ParentUuid);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.Flags..], Flags);
        BinaryPrimitives.WriteUInt16LittleEndian(span[Layout.VersionMajor..], (ushort)Version.Major);
        BinaryPrimitives.WriteUInt16LittleEndian(span[Layout.VersionMinor..], (ushort)Version.Minor);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.ExternalLbaSize..], Geometry.ExternalLbaSize);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.ExternalLbaCount..], Geometry.ExternalLbaCount);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.InternalLbaSize..], Geometry.InternalLbaSize);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.InternalLbaCount..], Geometry.InternalLbaCount);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.FreeCount..], Geometry.FreeCount);
        BinaryPrimitives.WriteUInt32LittleEndian(span[Layout.InfoSize..], SizeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(span[Layout.NextOffset..], NextOffset);
        BinaryPrimitives.WriteInt64LittleEndian(span[Layout.DataOffset..], Geometry.DataOffset);
        BinaryPrimitives.WriteInt64LittleEndian(span[Layout.MapOffset..], Geometry.MapOffset);
        BinaryPrimitives.WriteInt64LittleEndian(span[Layout.LogOffset..], Geometry.LogOffset);
        BinaryPrimitives.WriteInt64LittleEndian(span[Layout.Info2Offset..], Geometry.Info2Offset);
        BinaryPrimitives.WriteUInt64LittleEndian(span[Layout.Checksum..], Fletcher64.ComputeSkipping(bytes, Layout.Checksum));
        return bytes;
    }
}
