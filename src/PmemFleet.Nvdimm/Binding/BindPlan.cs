using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Binding;

/// <summary>The three personalities that can claim a namespace.</summary>
public enum PersonalityKind
{
    /// <summary>Sector atomicity: block translation table.</summary>
    Btt,

    /// <summary>fsdax.</summary>
    Pfn,

    /// <summary>devdax.</summary>
    Dax,
}

/// <summary>Where the struct pages of a PFN or DAX personality live.</summary>
public enum MapLocation
{
    /// <summary>ndctl's <c>--map=mem</c>, the info block's mode 1.</summary>
    Ram = 1,

    /// <summary>ndctl's <c>--map=dev</c>, the info block's mode 2.</summary>
    Pmem = 2,
}

/// <summary>A personality that was configured (uuid, attributes, namespace) and is to be started by a bind.</summary>
public sealed record ConfiguredPersonality
{
    /// <summary>Which.</summary>
    public required PersonalityKind Kind { get; init; }

    /// <summary>The personality's own uuid, which the info block carries.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>PFN and DAX: where struct pages go.</summary>
    public MapLocation? Map { get; init; }

    /// <summary>PFN and DAX: 4 KiB, 2 MiB or 1 GiB.</summary>
    public Bytes? Align { get; init; }

    /// <summary>BTT: external sector size (512, 520, 528, 4096, 4104, 4160, 4224).</summary>
    public Bytes? SectorSize { get; init; }
}

/// <summary>
/// What the device model decided about a bind before the media is read. A worker carries it out on the media and
/// answers with a <see cref="BindOutcome"/>, so the model itself never does I/O (spec 20 section 5).
/// </summary>
public sealed record BindPlan
{
    /// <summary>The device name, such as <c>namespace0.1</c>.</summary>
    public required string Namespace { get; init; }

    /// <summary>Where the namespace starts.</summary>
    public required Spa Start { get; init; }

    /// <summary>The namespace's whole size.</summary>
    public required Bytes Size { get; init; }

    /// <summary>The namespace's own uuid; null for a label-less one.</summary>
    public Guid? ParentUuid { get; init; }

    /// <summary>What the label allows.</summary>
    public required ClaimClass ClaimClass { get; init; }

    /// <summary>Bytes of a logical block of the namespace's block device: 512 or 4096.</summary>
    public int LogicalBlockBytes { get; init; } = 512;

    /// <summary>Info blocks are not looked at.</summary>
    public bool ForceRaw { get; init; }

    /// <summary>The region is read-only: nothing may be initialised.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The platform has 1 GiB pages, so 1 GiB is a supported alignment.</summary>
    public bool SupportsPud { get; init; } = true;

    /// <summary>The personality to start; null when the namespace itself is bound and info blocks decide.</summary>
    public ConfiguredPersonality? Configured { get; init; }
}
