using System.IO.Compression;

namespace PmemFleet.Api.Tests.Support;

/// <summary>Bytes that a real kernel wrote (Vectors/PROVENANCE.md).</summary>
public static class Vectors
{
    public static byte[] Read(string name)
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Vectors", $"{name}.gz"));
        using var unzipped = new GZipStream(file, CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        unzipped.CopyTo(bytes);
        return bytes.ToArray();
    }
}
