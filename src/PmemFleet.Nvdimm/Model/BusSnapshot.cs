using System.Collections.Immutable;
using PmemFleet.Nvdimm.Allocation;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>Everything of one libnvdimm bus, as plain values: what a store keeps, and what a <see cref="Bus"/> is loaded from.</summary>
public sealed record BusSnapshot
{
    /// <summary><c>ACPI.NFIT</c>, <c>e820</c>, <c>nfit_test.0</c>, …</summary>
    public required string Provider { get; init; }

    /// <summary>The bus's number: <c>ndbusN</c>.</summary>
    public int Id { get; init; }

    /// <summary>The bus's parent in sysfs, as <c>daxctl list</c> prints it.</summary>
    public string DevicePath { get; init; } = "/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00";

    /// <summary>The platform maps 1 GiB pages.</summary>
    public bool SupportsPud { get; init; } = true;

    /// <summary>Whether the bus reports a scrub, and its state.</summary>
    public ScrubState Scrub { get; init; }

    /// <summary>DIMMs by number.</summary>
    public ImmutableArray<DimmSnapshot> Dimms { get; init; } = [];

    /// <summary>Regions by number.</summary>
    public ImmutableArray<RegionSnapshot> Regions { get; init; } = [];

    /// <summary>Ranges of system-physical addresses that something else holds.</summary>
    public ImmutableArray<BusyRange> BusyRanges { get; init; } = [];
}

/// <summary>A scrub as <c>ndctl list -B</c> shows it.</summary>
public enum ScrubState
{
    /// <summary>The bus does not report scrubs.</summary>
    None,

    /// <summary>No scrub runs.</summary>
    Idle,

    /// <summary>A scrub runs.</summary>
    Active,
}

/// <summary>A range of /proc/iomem that is not the bus's.</summary>
/// <param name="Start">First address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Name">What /proc/iomem calls it.</param>
public sealed record BusyRange(Spa Start, Bytes Size, string Name);

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

/// <summary>What a region is made of.</summary>
public enum RegionKind
{
    /// <summary>An NFIT range over DIMMs.</summary>
    Nfit,

    /// <summary>A range from <c>memmap=</c> or an e820 type: no DIMMs, pages may be mapped.</summary>
    Legacy,
}

/// <summary>When a region's writes are durable, as sysfs shows it.</summary>
public enum PersistenceDomain
{
    /// <summary>Not known; sysfs hides the attribute.</summary>
    Unknown,

    /// <summary>CPU caches are flushed on power failure.</summary>
    CpuCache,

    /// <summary>The memory controller is flushed on power failure.</summary>
    MemoryController,
}

/// <summary>A DIMM's part of a region.</summary>
/// <param name="Dimm">The DIMM's number.</param>
/// <param name="Start">First DPA.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Position">The DIMM's place in the interleave order.</param>
/// <param name="RegionOffset">NFIT region offset, which the set's cookies are made of.</param>
public sealed record MappingSnapshot(int Dimm, Dpa Start, Bytes Size, int Position, ulong RegionOffset);

/// <summary>A region.</summary>
public sealed record RegionSnapshot
{
    /// <summary>The number N of <c>regionN</c>.</summary>
    public required int Id { get; init; }

    /// <summary>The caller's stable id.</summary>
    public Guid Uuid { get; init; }

    /// <summary>What it is made of.</summary>
    public RegionKind Kind { get; init; }

    /// <summary>First system-physical address.</summary>
    public required Spa Start { get; init; }

    /// <summary>Bytes.</summary>
    public required Bytes Size { get; init; }

    /// <summary>DIMMs in mapping order.</summary>
    public ImmutableArray<MappingSnapshot> Mappings { get; init; } = [];

    /// <summary>Unit of namespace sizes and starts.</summary>
    public required Bytes Align { get; init; }

    /// <summary>Nothing may be written.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The driver is bound.</summary>
    public bool Enabled { get; init; }

    /// <summary>When writes are durable.</summary>
    public PersistenceDomain PersistenceDomain { get; init; }

    /// <summary>NUMA node; negative is none.</summary>
    public int NumaNode { get; init; }

    /// <summary>The node its memory would have when onlined; negative is none.</summary>
    public int TargetNode { get; init; }

    /// <summary>The platform gives flush hint addresses.</summary>
    public bool HasFlushHints { get; init; }

    /// <summary>Namespaces the last probe found or made.</summary>
    public int InitialNamespaces { get; init; }

    /// <summary>The seed namespace's number.</summary>
    public int? NamespaceSeed { get; init; }

    /// <summary>The seed BTT's number.</summary>
    public int? BttSeed { get; init; }

    /// <summary>The seed PFN's number.</summary>
    public int? PfnSeed { get; init; }

    /// <summary>The seed DAX's number.</summary>
    public int? DaxSeed { get; init; }

    /// <summary>Namespaces by number.</summary>
    public ImmutableArray<NamespaceSnapshot> Namespaces { get; init; } = [];

    /// <summary>BTT, PFN and DAX devices by kind and number.</summary>
    public ImmutableArray<PersonalitySnapshot> Personalities { get; init; } = [];
}

/// <summary>A personality device: <c>bttR.Y</c>, <c>pfnR.Y</c>, <c>daxR.Y</c>.</summary>
public sealed record PersonalitySnapshot
{
    /// <summary>Which.</summary>
    public required PersonalityKind Kind { get; init; }

    /// <summary>Its number.</summary>
    public required int Id { get; init; }

    /// <summary>Its uuid.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>BTT: external sector size.</summary>
    public Bytes? SectorSize { get; init; }

    /// <summary>PFN and DAX: where struct pages go.</summary>
    public MapLocation? Map { get; init; }

    /// <summary>PFN and DAX: alignment.</summary>
    public Bytes Align { get; init; }

    /// <summary>Number of the namespace it is attached to.</summary>
    public int? Namespace { get; init; }

    /// <summary>What its bind found; null while it is not bound.</summary>
    public BindOutcome? Bound { get; init; }
}

/// <summary>Where a namespace's labels can be.</summary>
public enum NamespaceKind
{
    /// <summary>Label-less: the whole region.</summary>
    Io = 4,

    /// <summary>From labels.</summary>
    Pmem = 5,
}

/// <summary>Whether a namespace's driver is bound.</summary>
public enum NamespaceState
{
    /// <summary>Not bound.</summary>
    Disabled,

    /// <summary>A bind was planned and its outcome is awaited.</summary>
    Pending,

    /// <summary>Bound, by itself or through its personality.</summary>
    Enabled,
}

/// <summary>A namespace.</summary>
public sealed record NamespaceSnapshot
{
    /// <summary>The number Y of <c>namespaceR.Y</c>.</summary>
    public required int Id { get; init; }

    /// <summary>Label-less or from labels.</summary>
    public required NamespaceKind Kind { get; init; }

    /// <summary>The labels' uuid.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>Free-form name.</summary>
    public string AltName { get; init; } = "";

    /// <summary>Bytes; 0 for an idle one.</summary>
    public required Bytes Size { get; init; }

    /// <summary>First system-physical address; null where the size is 0.</summary>
    public Spa? Start { get; init; }

    /// <summary>0 (never set), 512 or 4096.</summary>
    public int SectorSize { get; init; }

    /// <summary>Which personality may claim it.</summary>
    public ClaimClass ClaimClass { get; init; }

    /// <summary>The label's abstraction guid where <see cref="ClaimClass"/> is unknown.</summary>
    public Guid UnknownAbstraction { get; init; }

    /// <summary>Binds ignore info blocks.</summary>
    public bool ForceRaw { get; init; }

    /// <summary>Bound or not.</summary>
    public NamespaceState State { get; init; }

    /// <summary>What an awaited outcome is for.</summary>
    public PendingBind? Pending { get; init; }

    /// <summary>A filesystem or another exclusive opener holds its device.</summary>
    public bool Mounted { get; init; }

    /// <summary>Its ranges by DIMM; derived from the DIMMs' extents, not read back.</summary>
    public ImmutableArray<ExtentSnapshot> Extents { get; init; } = [];
}

/// <summary>A namespace's range on a DIMM.</summary>
/// <param name="Dimm">The DIMM's number.</param>
/// <param name="Start">First DPA.</param>
/// <param name="Size">Bytes.</param>
public sealed record ExtentSnapshot(int Dimm, Dpa Start, Bytes Size);

/// <summary>Which command awaits a bind's outcome.</summary>
public enum BindIntent
{
    /// <summary>create-namespace: a failure deletes the namespace again.</summary>
    Create,

    /// <summary>create-namespace -e.</summary>
    Reconfigure,

    /// <summary>enable-namespace, a bind through sysfs, or a probe.</summary>
    Enable,
}

/// <summary>A planned bind. Seeds that it used up have their successors already, so that the next command need not wait.</summary>
/// <param name="Intent">The command.</param>
/// <param name="Personality">The personality to bind; null when the info blocks decide.</param>
/// <param name="PersonalityId">Its number.</param>
/// <param name="NextNamespaceSeed">The namespace seed made for this bind, taken back when it fails.</param>
/// <param name="NextPersonalitySeed">The personality seed made for this bind, taken back when it fails.</param>
/// <param name="AutoRecover">Undo a failed create.</param>
public sealed record PendingBind(
    BindIntent Intent,
    PersonalityKind? Personality = null,
    int PersonalityId = 0,
    int? NextNamespaceSeed = null,
    int? NextPersonalitySeed = null,
    bool AutoRecover = true);
