namespace PmemFleet.Nvdimm.Labels;

/// <summary>Byte offsets of a label; version 1.1 ends at 128 (spec 10 section 7).</summary>
internal static class LabelLayout
{
    public const int Uuid = 0;
    public const int Name = 16;
    public const int NameBytes = 64;
    public const int Flags = 80;
    public const int LabelCount = 84;
    public const int Position = 86;
    public const int Cookie = 88;
    public const int SectorSize = 96;
    public const int Dpa = 104;
    public const int RawSize = 112;
    public const int Slot = 120;
    public const int TypeGuid = 128;
    public const int AbstractionGuid = 144;
    public const int Checksum = 248;
}
