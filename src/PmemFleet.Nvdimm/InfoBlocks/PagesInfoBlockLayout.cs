namespace PmemFleet.Nvdimm.InfoBlocks;

/// <summary>Offsets of a PFN or DAX info block (spec 40 section 1); 4096 bytes at namespace offset 4096, little-endian.</summary>
internal static class PagesInfoBlockLayout
{
    public const int SizeBytes = 4096;
    public const int NamespaceOffset = 4096;

    public const int Signature = 0;
    public const int SignatureBytes = 16;
    public const int Uuid = 16;
    public const int ParentUuid = 32;
    public const int Flags = 48;
    public const int VersionMajor = 52;
    public const int VersionMinor = 54;
    public const int DataOffset = 56;
    public const int PageCount = 64;
    public const int Mode = 72;
    public const int StartPad = 76;
    public const int EndTrunc = 80;
    public const int Align = 84;
    public const int PageSize = 88;
    public const int PageStructSize = 92;
    public const int Checksum = 4088;

    public static ReadOnlySpan<byte> PfnSignature => "NVDIMM_PFN_INFO\0"u8;

    public static ReadOnlySpan<byte> DaxSignature => "NVDIMM_DAX_INFO\0"u8;
}
