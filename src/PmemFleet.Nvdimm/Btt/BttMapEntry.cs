namespace PmemFleet.Nvdimm.Btt;

/// <summary>An entry of the map: 30 bits of internal block, bit 31 zeroed, bit 30 error (spec 30 section 5).</summary>
/// <param name="Raw">As stored.</param>
internal readonly record struct BttMapEntry(uint Raw)
{
    public const int SizeBytes = 4;
    public const uint ZeroFlag = 1u << 31;
    public const uint ErrorFlag = 1u << 30;
    public const uint Flags = ZeroFlag | ErrorFlag;

    /// <summary>Reads as zeroes without touching its block.</summary>
    public bool IsZeroed => (Raw & Flags) == ZeroFlag;

    /// <summary>Reads as EIO.</summary>
    public bool IsError => (Raw & Flags) == ErrorFlag;

    /// <summary>A sector that was written.</summary>
    public static BttMapEntry Normal(uint block) => new(block | Flags);

    /// <summary>A sector whose block failed.</summary>
    public static BttMapEntry Error(uint block) => new(block | ErrorFlag);

    /// <summary>The block without flags.</summary>
    public static uint Strip(uint raw) => raw & ~Flags;

    /// <summary>The block behind a sector: an entry without flags was never written and is its own sector's.</summary>
    public uint BlockOf(uint lba) => (Raw & Flags) == 0 ? lba : Strip(Raw);
}
