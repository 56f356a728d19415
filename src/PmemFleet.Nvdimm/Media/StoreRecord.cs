namespace PmemFleet.Nvdimm.Media;

/// <summary>The stores made to media, in order, in the pieces of at most 8 aligned bytes that memory stores at once.</summary>
public sealed class StoreRecord
{
    private const int AtomicBytes = 8;

    private readonly List<(long Offset, int Length, ulong Bytes)> _stores = [];

    /// <summary>Pieces so far.</summary>
    public int Count => _stores.Count;

    /// <summary>Adds a store.</summary>
    public void Add(long offset, ReadOnlySpan<byte> source)
    {
        Span<byte> piece = stackalloc byte[AtomicBytes];
        while (source.Length > 0)
        {
            var run = (int)Math.Min(source.Length, AtomicBytes - (offset % AtomicBytes));
            piece.Clear();
            source[..run].CopyTo(piece);
            _stores.Add((offset, run, BitConverter.ToUInt64(piece)));
            source = source[run..];
            offset += run;
        }
    }

    /// <summary>Adds a store of zeroes.</summary>
    public void AddZeroes(long offset, long length)
    {
        var zeroes = new byte[Math.Min(length, 4096)];
        for (; length > 0; length -= zeroes.Length, offset += zeroes.Length)
        {
            Add(offset, zeroes.AsSpan(0, (int)Math.Min(length, zeroes.Length)));
        }
    }

    /// <summary>Repeats the pieces from one number to another on other media: what a power cut between them leaves.</summary>
    /// <param name="media">The media as it was before the recording and the pieces before <paramref name="first"/>.</param>
    /// <param name="first">The first piece.</param>
    /// <param name="count">Pieces.</param>
    public void Replay(IMedia media, int first, int count)
    {
        ArgumentNullException.ThrowIfNull(media);
        Span<byte> piece = stackalloc byte[AtomicBytes];
        for (var number = first; number < first + count; number++)
        {
            var (offset, length, bytes) = _stores[number];
            BitConverter.TryWriteBytes(piece, bytes);
            media.Write(offset, piece[..length]);
        }
    }
}
