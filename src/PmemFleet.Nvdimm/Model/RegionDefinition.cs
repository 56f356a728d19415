using System.Collections.Immutable;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>A region to define: what firmware would put into an NFIT or a memory map.</summary>
public sealed record RegionDefinition
{
    /// <summary>The caller's stable id.</summary>
    public Guid Uuid { get; init; }

    /// <summary>NFIT range over DIMMs, or a legacy range without.</summary>
    public RegionKind Kind { get; init; }

    /// <summary>DIMMs' names and first DPAs in mapping order, 1 to 16; empty for a legacy range.</summary>
    public ImmutableArray<MappingDefinition> Mappings { get; init; } = [];

    /// <summary>Bytes on each DIMM; null is all that is left of the smallest. For a legacy range: its size.</summary>
    public Bytes? SizePerDimm { get; init; }

    /// <summary>First system-physical address; null puts it above all others.</summary>
    public Spa? Start { get; init; }

    /// <summary>When writes are durable.</summary>
    public PersistenceDomain PersistenceDomain { get; init; }

    /// <summary>NUMA node.</summary>
    public int NumaNode { get; init; }

    /// <summary>Target node.</summary>
    public int TargetNode { get; init; }

    /// <summary>The platform gives flush hints.</summary>
    public bool HasFlushHints { get; init; }
}

/// <summary>A DIMM of a region to define.</summary>
/// <param name="Dimm">The DIMM's name.</param>
/// <param name="Start">First DPA; null is after what other regions use.</param>
/// <param name="RegionOffset">NFIT region offset; null is the position times the size per DIMM.</param>
public sealed record MappingDefinition(string Dimm, Primitives.Dpa? Start = null, ulong? RegionOffset = null);
