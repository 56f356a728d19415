using System.Collections.Immutable;

namespace PmemFleet.Nvdimm.Labels;

/// <summary>A stored piece of a label area. Bytes of pieces that were never written are zero.</summary>
/// <param name="Index">The piece's offset divided by <see cref="LabelArea.ChunkBytes"/>.</param>
/// <param name="Content">Up to <see cref="LabelArea.ChunkBytes"/> bytes; the last piece of an area may be shorter.</param>
public sealed record LabelChunk(int Index, ImmutableArray<byte> Content);

/// <summary>
/// The label storage area of one DIMM, kept sparse: only pieces that were ever written take room.
/// A piece that came from a snapshot is copied before its first change, so a snapshot never moves.
/// </summary>
public sealed class LabelArea
{
    /// <summary>Bytes of a stored piece.</summary>
    public const int ChunkBytes = 4096;

    private readonly byte[]?[] _chunks;
    private readonly ulong[] _owned;
    private readonly ulong[] _changed;

    /// <summary>An area that was never written.</summary>
    /// <param name="size">Bytes of the area.</param>
    public LabelArea(int size)
    {
        Size = size;
        var count = (size + ChunkBytes - 1) / ChunkBytes;
        _chunks = new byte[]?[count];
        _owned = new ulong[(count + 63) / 64];
        _changed = new ulong[(count + 63) / 64];
    }

    /// <summary>An area with what <paramref name="chunks"/> kept.</summary>
    public LabelArea(int size, IEnumerable<LabelChunk> chunks)
        : this(size)
    {
        foreach (var chunk in chunks)
        {
            _chunks[chunk.Index] = System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsArray(chunk.Content);
        }
    }

    /// <summary>Bytes of the area.</summary>
    public int Size { get; }

    /// <summary>Stored pieces in order. The caller may keep them: later writes go to copies.</summary>
    public ImmutableArray<LabelChunk> Chunks()
    {
        var stored = ImmutableArray.CreateBuilder<LabelChunk>();
        for (var i = 0; i < _chunks.Length; i++)
        {
            if (_chunks[i] is { } bytes)
            {
                stored.Add(new LabelChunk(i, System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(bytes)));
            }
        }

        Array.Clear(_owned);
        return stored.ToImmutable();
    }

    /// <summary>Indexes of pieces written since this object was made, in order: what a store has to save.</summary>
    public IEnumerable<int> ChangedChunks()
    {
        for (var i = 0; i < _chunks.Length; i++)
        {
            if (Has(_changed, i))
            {
                yield return i;
            }
        }
    }

    /// <summary>Reads at <paramref name="offset"/> into all of <paramref name="destination"/>.</summary>
    public void Read(int offset, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            var at = offset % ChunkBytes;
            var count = Math.Min(destination.Length, ChunkBytes - at);
            if (_chunks[offset / ChunkBytes] is { } bytes)
            {
                bytes.AsSpan(at, count).CopyTo(destination);
            }
            else
            {
                destination[..count].Clear();
            }

            destination = destination[count..];
            offset += count;
        }
    }

    /// <summary>Writes all of <paramref name="source"/> at <paramref name="offset"/>.</summary>
    public void Write(int offset, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            var at = offset % ChunkBytes;
            var count = Math.Min(source.Length, ChunkBytes - at);
            source[..count].CopyTo(Writable(offset / ChunkBytes).AsSpan(at));
            source = source[count..];
            offset += count;
        }
    }

    /// <summary>Zeroes <paramref name="length"/> bytes; whole pieces keep being stored, as zeroes.</summary>
    public void Clear(int offset, int length)
    {
        while (length > 0)
        {
            var at = offset % ChunkBytes;
            var count = Math.Min(length, ChunkBytes - at);
            if (_chunks[offset / ChunkBytes] is not null)
            {
                Writable(offset / ChunkBytes).AsSpan(at, count).Clear();
            }

            offset += count;
            length -= count;
        }
    }

    /// <summary>The whole area as it would be on the media.</summary>
    public byte[] ToArray()
    {
        var all = new byte[Size];
        Read(0, all);
        return all;
    }

    private static bool Has(ulong[] set, int index) => (set[index / 64] & (1UL << (index % 64))) != 0;

    private byte[] Writable(int index)
    {
        var bit = 1UL << (index % 64);
        if ((_owned[index / 64] & bit) == 0)
        {
            var copy = new byte[Math.Min(ChunkBytes, Size - (index * ChunkBytes))];
            _chunks[index]?.CopyTo(copy, 0);
            _chunks[index] = copy;
            _owned[index / 64] |= bit;
        }

        _changed[index / 64] |= bit;
        return _chunks[index]!;
    }
}
