namespace PmemFleet.Nvdimm.Campaigns;

/// <summary>What happened.</summary>
public enum CampaignEventKind : byte
{
    /// <summary>An error came up.</summary>
    Injected,

    /// <summary>The platform told the host of it.</summary>
    Announced,

    /// <summary>A load of a mapping met it: SIGBUS.</summary>
    MappingHit,

    /// <summary>A read of a block device met it: EIO.</summary>
    SectorHit,

    /// <summary>A scrub found it.</summary>
    Scrubbed,

    /// <summary>A write of its sector cleared it.</summary>
    ClearedByWrite,

    /// <summary>It was cleared after it was known.</summary>
    Repaired,

    /// <summary>The whole DIMM failed.</summary>
    DimmFailed,
}

/// <summary>An event of one DIMM.</summary>
/// <param name="Microseconds">Simulated time.</param>
/// <param name="Sequence">Position among the events of the DIMM.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Area">Index of the area it is in; -1 for none.</param>
/// <param name="Dpa">First byte.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct CampaignEvent(long Microseconds, int Sequence, CampaignEventKind Kind, int Area, long Dpa, long Length);
