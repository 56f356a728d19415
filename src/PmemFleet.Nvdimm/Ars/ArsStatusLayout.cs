namespace PmemFleet.Nvdimm.Ars;

/// <summary>
/// Offsets of the ARS_STATUS payload (spec 60 section 5), little-endian. Its length field does not count the status word before it, so
/// a header of 48 bytes reads as the 44 that the specification names, and n records as 44 + 24 n.
/// </summary>
internal static class ArsStatusLayout
{
    public const int Status = 0;
    public const int OutLength = 4;
    public const int Address = 8;
    public const int Length = 16;
    public const int RestartAddress = 24;
    public const int RestartLength = 32;
    public const int Type = 40;
    public const int Flags = 42;
    public const int RecordCount = 44;
    public const int Records = 48;

    /// <summary>What <see cref="OutLength"/> says of a payload without records.</summary>
    public const int CountedHeaderBytes = Records - OutLength;

    public const int RecordBytes = 24;
    public const int RecordAddress = 8;
    public const int RecordLength = 16;

    /// <summary>Status words: the high half is ARS's own.</summary>
    public const uint Done = 0;
    public const uint Busy = 1u << 16;
    public const uint NoneSinceBoot = 2u << 16;
    public const uint Interrupted = 3u << 16;

    /// <summary>Flag: not all records fitted.</summary>
    public const ushort OverflowFlag = 1;
}
