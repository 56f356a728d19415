namespace PmemFleet.Nvdimm.Primitives;

/// <summary>The two byte orders in which the formats keep a UUID.</summary>
public static class MediaUuid
{
    /// <summary>Bytes a UUID takes on the media.</summary>
    public const int SizeBytes = 16;

    /// <summary>RFC 4122 text order: label, BTT, PFN and DAX uuids (spec 10 section 7).</summary>
    public static Guid ReadRfc(ReadOnlySpan<byte> source) => new(source[..SizeBytes], bigEndian: true);

    /// <inheritdoc cref="ReadRfc"/>
    public static void WriteRfc(Span<byte> destination, Guid value) => value.TryWriteBytes(destination, bigEndian: true, out _);

    /// <summary>EFI mixed-endian order: type and abstraction GUIDs (spec 10 sections 8 and 10).</summary>
    public static Guid ReadEfi(ReadOnlySpan<byte> source) => new(source[..SizeBytes], bigEndian: false);

    /// <inheritdoc cref="ReadEfi"/>
    public static void WriteEfi(Span<byte> destination, Guid value) => value.TryWriteBytes(destination, bigEndian: false, out _);
}
