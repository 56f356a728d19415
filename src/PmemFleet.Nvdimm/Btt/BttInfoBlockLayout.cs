namespace PmemFleet.Nvdimm.Btt;

/// <summary>Offsets of a BTT info block (spec 30 section 4); 4096 bytes, little-endian.</summary>
internal static class BttInfoBlockLayout
{
    public const int SizeBytes = 4096;

    public const int Signature = 0;
    public const int SignatureBytes = 16;
    public const int Uuid = 16;
    public const int ParentUuid = 32;
    public const int Flags = 48;
    public const int VersionMajor = 52;
    public const int VersionMinor = 54;
    public const int ExternalLbaSize = 56;
    public const int ExternalLbaCount = 60;
    public const int InternalLbaSize = 64;
    public const int InternalLbaCount = 68;
    public const int FreeCount = 72;
    public const int InfoSize = 76;
    public const int NextOffset = 80;
    public const int DataOffset = 88;
    public const int MapOffset = 96;
    public const int LogOffset = 104;
    public const int Info2Offset = 112;
    public const int Checksum = 4088;

    public static ReadOnlySpan<byte> SignatureText => "BTT_ARENA_INFO\0\0"u8;
}
