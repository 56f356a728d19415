using System.Collections.Immutable;
using PmemFleet.Nvdimm.Allocation;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>What an NFIT says is wrong with a DIMM.</summary>
[Flags]
public enum DimmConditions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The last save failed.</summary>
    SaveFailed = 1,

    /// <summary>The last restore failed.</summary>
    RestoreFailed = 2,

    /// <summary>The last flush failed.</summary>
    FlushFailed = 4,

    /// <summary>Not armed: its regions start read-only.</summary>
    NotArmed = 8,

    /// <summary>Health events before the operating system started.</summary>
    SmartEvent = 16,

    /// <summary>The platform could not map it.</summary>
    MapFailed = 32,
}

/// <summary>A DIMM.</summary>
public sealed record DimmSnapshot
{
    /// <summary>The number N of <c>nmemN</c>.</summary>
    public required int Id { get; init; }

    /// <summary>The caller's stable id.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>Bytes of device-physical address space.</summary>
    public required Bytes Capacity { get; init; }

    /// <summary>Bytes of the label area; null where the DIMM has none.</summary>
    public int? LabelAreaBytes { get; init; }

    /// <summary>What the label area keeps.</summary>
    public ImmutableArray<LabelChunk> LabelChunks { get; init; } = [];

    /// <summary>NFIT device handle.</summary>
    public uint Handle { get; init; }

    /// <summary>SMBIOS physical id.</summary>
    public ushort PhysicalId { get; init; }

    /// <summary>Serial number as it is in the NFIT's memory.</summary>
    public uint SerialNumber { get; init; }

    /// <summary>Vendor as it is in the NFIT's memory; sysfs shows it byte-swapped.</summary>
    public ushort VendorId { get; init; }

    /// <summary>Manufacturing date as it is in the NFIT's memory; 0 with location 0 is "not given".</summary>
    public ushort ManufacturingDate { get; init; }

    /// <summary>Manufacturing location.</summary>
    public byte ManufacturingLocation { get; init; }

    /// <summary>NFIT conditions.</summary>
    public DimmConditions Conditions { get; init; }

    /// <summary>Security state text as sysfs shows it, or null where the DIMM has no security.</summary>
    public string? Security { get; init; }

    /// <summary>Data cannot be reached: <c>security</c> is locked.</summary>
    public bool Locked { get; init; }

    /// <summary>The platform says the DIMM aliases, which makes its regions labelled whether an index is there or not.</summary>
    public bool Aliases { get; init; }

    /// <summary>The driver is bound.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>The driver found a valid index since power-on; stays set until the next one (golden a_label_init).</summary>
    public bool Labelling { get; init; }

    /// <summary>Ranges that labels reserve, in order; also those of labels without a namespace.</summary>
    public ImmutableArray<DpaExtent> Extents { get; init; } = [];
}
