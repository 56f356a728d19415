using System.Collections.Immutable;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

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
