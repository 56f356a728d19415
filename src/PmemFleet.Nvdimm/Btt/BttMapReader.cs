using System.Buffers.Binary;
using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>
/// Reads a map a piece at a time: an arena's map may be gigabytes. The check takes an entry as mapped where either flag is set. ndctl
/// maps the map up to the log: entries behind that are read from what its address space has there, the arena's data, which it mapped
/// before (golden n_bttdmg, kind mapoff).
/// </summary>
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
            IsUnreadable |= !TryRead((long)piece * PieceBytes, bytes);
            _loaded = piece;
        }

        return new BttMapEntry(BinaryPrimitives.ReadUInt32LittleEndian(_piece.AsSpan((int)at * BttMapEntry.SizeBytes))).BlockOf(lba);
    }

    private bool TryRead(long at, Span<byte> bytes)
    {
        var mapped = Math.Max(0, geometry.LogOffset - geometry.MapOffset);
        var inside = (int)Math.Clamp(mapped - at, 0, bytes.Length);
        return MetadataAccess.Read(media, start + geometry.MapOffset + at, bytes[..inside]) is null
            && MetadataAccess.Read(media, start + geometry.DataOffset + Math.Max(0, at - mapped), bytes[inside..]) is null;
    }

    /// <summary>The media changed.</summary>
    public void Forget() => _loaded = -1;
}
