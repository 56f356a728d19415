using System.Buffers.Binary;
using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>Reads a map a piece at a time: an arena's map may be gigabytes. The check takes an entry as mapped where either flag is set.</summary>
internal sealed class BttMapReader(IMedia media, long start, BttGeometry geometry)
{
    private const int PieceBytes = 1 << 16;
    private const int PieceEntries = PieceBytes / BttMapEntry.SizeBytes;

    private readonly byte[] _piece = new byte[PieceBytes];
    private long _loaded = -1;

    public BttGeometry Geometry => geometry;

    /// <summary>A read met poison: what was read since is not to be used.</summary>
    public bool IsUnreadable { get; private set; }

    public uint BlockOf(uint lba)
    {
        var (piece, at) = Math.DivRem(lba, (uint)PieceEntries);
        if (piece != _loaded)
        {
            var entries = Math.Min(PieceEntries, geometry.ExternalLbaCount - ((long)piece * PieceEntries));
            var bytes = _piece.AsSpan(0, (int)Math.Max(entries, 0) * BttMapEntry.SizeBytes);
            IsUnreadable |= MetadataAccess.Read(media, start + geometry.MapOffset + ((long)piece * PieceBytes), bytes) is not null;
            _loaded = piece;
        }

        return new BttMapEntry(BinaryPrimitives.ReadUInt32LittleEndian(_piece.AsSpan((int)at * BttMapEntry.SizeBytes))).BlockOf(lba);
    }

    /// <summary>The media changed.</summary>
    public void Forget() => _loaded = -1;
}
