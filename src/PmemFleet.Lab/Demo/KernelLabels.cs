using System.IO.Compression;

namespace PmemFleet.Lab.Demo;

/// <summary>
/// A 2 MiB label area that Linux 6.1 wrote (golden vector c_multi, state "four": four namespaces on a 1 GiB DIMM), and what
/// ndctl 76.1 printed of it on that machine.
/// </summary>
internal static class KernelLabels
{
    /// <summary>The DIMM's serial number; with the region offset it makes the interleave-set cookie that the labels carry.</summary>
    public const string SerialNumber = "0x123456";

    private const string Resource = "PmemFleet.Lab.Demo.c_multi_four.label.gz";

    /// <summary>What ndctl printed.</summary>
    public static IReadOnlyList<Printed> PrintedByNdctl { get; } =
    [
        new("namespace0.0", "alpha", new("00000301-0000-4000-8000-000000000301"), 134217728, 0),
        new("namespace0.1", "beta", new("00000302-0000-4000-8000-000000000302"), 268435456, 134217728),
        new("namespace0.2", "gamma", new("00000303-0000-4000-8000-000000000303"), 134217728, 402653184),
        new("namespace0.3", "delta", new("00000304-0000-4000-8000-000000000304"), 67108864, 536870912),
    ];

    /// <summary>The bytes.</summary>
    public static async Task<byte[]> AreaAsync(CancellationToken cancellation)
    {
        await using var packed = typeof(KernelLabels).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"{Resource} is not embedded");
        await using var unpacked = new GZipStream(packed, CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        await unpacked.CopyToAsync(bytes, cancellation);
        return bytes.ToArray();
    }

    /// <summary>A line of ndctl's list and dpa from read-labels.</summary>
    /// <param name="Name">Device name.</param>
    /// <param name="AltName">Name for people.</param>
    /// <param name="Uuid">The namespace's own uuid (raw_uuid).</param>
    /// <param name="Size">Bytes allocated.</param>
    /// <param name="Dpa">First byte on the DIMM.</param>
    internal sealed record Printed(string Name, string AltName, Guid Uuid, long Size, long Dpa);
}
