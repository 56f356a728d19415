namespace PmemFleet.Nvdimm.Labels;

/// <summary>Byte offsets of an index block (spec 10 section 3).</summary>
internal static class IndexLayout
{
    public const int Signature = 0;
    public const int Flags = 16;
    public const int LabelSize = 19;
    public const int Sequence = 20;
    public const int MyOffset = 24;
    public const int MySize = 32;
    public const int OtherOffset = 40;
    public const int LabelOffset = 48;
    public const int SlotCount = 56;
    public const int Major = 60;
    public const int Minor = 62;
    public const int Checksum = 64;
    public const int Free = 72;

    public static ReadOnlySpan<byte> SignatureText => "NAMESPACE_INDEX\0"u8;
}
