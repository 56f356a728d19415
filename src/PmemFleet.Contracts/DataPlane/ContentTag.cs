using System.Security.Cryptography;

namespace PmemFleet.Contracts.DataPlane;

/// <summary>The ETag of what a worker keeps. It keeps no versions, so the tag is a digest of what readers are shown.</summary>
public static class ContentTag
{
    /// <summary>The tag, with its quotes.</summary>
    /// <param name="json">The resource as <see cref="FleetJsonContext"/> writes it.</param>
    public static string Of(ReadOnlySpan<byte> json) => $"\"{Convert.ToHexStringLower(SHA256.HashData(json).AsSpan(0, 12))}\"";
}
