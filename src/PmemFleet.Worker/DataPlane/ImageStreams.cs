using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.DataPlane;

/// <summary>A DIMM's bytes out to a stream and in from one, a piece at a time. Holes are neither read nor stored.</summary>
internal static class ImageStreams
{
    private const int PieceBytes = 1 << 20;
    private const int PageBytes = 4096;

    private static readonly byte[] Zeroes = new byte[PieceBytes];

    public static async Task WriteAsync(DimmMedia dimm, Stream output, CancellationToken cancellation)
    {
        var piece = new byte[PieceBytes];
        for (var dpa = 0L; dpa < dimm.Layout.Capacity;)
        {
            var stored = dimm.NextStored(dpa) ?? new Contracts.Sync.DpaRange(dimm.Layout.Capacity, 0);
            for (; dpa < stored.Dpa; dpa += Step(dpa, stored.Dpa))
            {
                await output.WriteAsync(Zeroes.AsMemory(0, Step(dpa, stored.Dpa)), cancellation);
            }

            var end = stored.Dpa + stored.Length;
            for (int count; dpa < end; dpa += count)
            {
                count = Step(dpa, end);
                dimm.Read(dpa, piece.AsSpan(0, count));
                await output.WriteAsync(piece.AsMemory(0, count), cancellation);
            }
        }
    }

    /// <summary>Stores a stream in a file that has <paramref name="length"/> bytes from the start; runs of zeroes stay holes.</summary>
    /// <returns>The stream's bytes; where there are more than <paramref name="length"/>, some number above it.</returns>
    public static async Task<long> ReadAsync(Stream input, string path, long length, MediaRoom? room, CancellationToken cancellation)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        RandomAccess.SetLength(file, length);
        var piece = new byte[PieceBytes];
        var received = 0L;
        while (true)
        {
            var count = await input.ReadAtLeastAsync(piece, PieceBytes, throwOnEndOfStream: false, cancellation);
            if (received + count > length)
            {
                return received + count;
            }

            room?.Demand(count);
            Store(file, received, piece.AsSpan(0, count));
            received += count;
            if (count < PieceBytes)
            {
                RandomAccess.FlushToDisk(file);
                return received;
            }
        }
    }

    /// <summary>Whole pages of zeroes are left out.</summary>
    private static void Store(Microsoft.Win32.SafeHandles.SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes)
    {
        for (var start = 0; start < bytes.Length;)
        {
            var end = start;
            while (end < bytes.Length && PageAt(bytes, end).ContainsAnyExcept((byte)0))
            {
                end += PageAt(bytes, end).Length;
            }

            if (end > start)
            {
                RandomAccess.Write(file, bytes[start..end], offset + start);
            }

            start = end < bytes.Length ? end + PageAt(bytes, end).Length : end;
        }
    }

    private static ReadOnlySpan<byte> PageAt(ReadOnlySpan<byte> bytes, int at) => bytes.Slice(at, Math.Min(PageBytes, bytes.Length - at));

    private static int Step(long from, long to) => (int)Math.Min(PieceBytes, to - from);
}
