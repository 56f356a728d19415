using System.ComponentModel.DataAnnotations;
using PmemFleet.Contracts.Hosts;

namespace PmemFleet.Contracts.Workloads;

/// <summary>A load that is to be run: the same request (with the same devices) gives the same result, byte for byte.</summary>
public sealed record CreateWorkloadRequest
{
    /// <summary>What people call it: 1 to 63 letters, digits, '-', '_' and '.'.</summary>
    /// <example>redis-warmup</example>
    public string? Name { get; init; }

    /// <summary>The host whose dax devices are mapped, as copies: its own processes and media are not touched. Absent: give <see cref="Machine"/>.</summary>
    /// <example>db-1</example>
    public string? Host { get; init; }

    /// <summary>A described machine instead of a host's devices.</summary>
    public WorkloadMachineRequest? Machine { get; init; }

    /// <summary>Where the random sequences begin, 0 to 2^63-1; default 0.</summary>
    /// <example>42</example>
    [Range(0L, long.MaxValue)]
    public long? Seed { get; init; }

    /// <summary>Processes, 1 to 100,000; default 1. Each has the same mappings and a random sequence of its own.</summary>
    /// <example>4</example>
    public int? Processes { get; init; }

    /// <summary>What each process maps at its start, in order.</summary>
    [Required]
    public IReadOnlyList<WorkloadMappingRequest>? Mappings { get; init; }

    /// <summary>The parts of the load, in order.</summary>
    [Required]
    public IReadOnlyList<WorkloadPhaseRequest>? Phases { get; init; }

    /// <summary>What happens in between.</summary>
    public IReadOnlyList<WorkloadInjectionRequest>? Injections { get; init; }

    /// <summary>Translation caches to model; absent: none, which is faster. An empty object is a server core.</summary>
    public TlbGeometryDto? Tlb { get; init; }

    /// <summary>Points of each phase's series, 1 to 1000; default 64.</summary>
    /// <example>64</example>
    public int? SeriesPoints { get; init; }
}

/// <summary>A described machine.</summary>
public sealed record WorkloadMachineRequest
{
    /// <summary>What its platform can do; all members have defaults.</summary>
    public PlatformDto? Platform { get; init; }

    /// <summary>Its dax devices: the first is dax0.0, the second dax1.0, and so on.</summary>
    [Required]
    public IReadOnlyList<WorkloadDeviceRequest>? Devices { get; init; }
}

/// <summary>A dax device of a described machine.</summary>
public sealed record WorkloadDeviceRequest
{
    /// <summary>Bytes, a multiple of the align.</summary>
    /// <example>1T</example>
    [Required]
    public ByteSize? Size { get; init; }

    /// <summary>Granule of its faults: 4K, 2M (default) or 1G.</summary>
    /// <example>2M</example>
    public ByteSize? Align { get; init; }
}

/// <summary>A mapping of each process: shared, readable and writable.</summary>
public sealed record WorkloadMappingRequest
{
    /// <summary>The device.</summary>
    /// <example>dax0.0</example>
    [Required]
    public string? Device { get; init; }

    /// <summary>Bytes.</summary>
    /// <example>64G</example>
    [Required]
    public ByteSize? Length { get; init; }

    /// <summary>Byte offset in the device; default 0.</summary>
    public ByteSize? Offset { get; init; }
}

/// <summary>A part of the load: a populate, or accesses in a pattern.</summary>
public sealed record WorkloadPhaseRequest
{
    /// <summary>Shown with the results: 1 to 63 letters, digits, '-', '_' and '.'; default its pattern.</summary>
    /// <example>warm-up</example>
    public string? Name { get; init; }

    /// <summary>Which mapping, by its place in the list, from 0 (default).</summary>
    public int? Mapping { get; init; }

    /// <summary>Touch the whole mapping at once, as MAP_POPULATE does; pattern and accesses are then absent.</summary>
    public bool Populate { get; init; }

    /// <summary><c>sequential</c> (default), <c>stride</c>, <c>uniform</c>, <c>zipf</c> or <c>pointer-chase</c>.</summary>
    /// <example>zipf</example>
    public string? Pattern { get; init; }

    /// <summary>Accesses of each process, of 8 bytes each.</summary>
    /// <example>1000000</example>
    public long? Accesses { get; init; }

    /// <summary>Distance of two neighbouring steps, a power of two from 8; default 4K.</summary>
    public ByteSize? Step { get; init; }

    /// <summary>The stride of <c>stride</c>, a multiple of 8; default the step.</summary>
    public ByteSize? Stride { get; init; }

    /// <summary>Exponent of <c>zipf</c>, above 0 and up to 10; default 0.99.</summary>
    public double? ZipfExponent { get; init; }

    /// <summary>Share of accesses that write, 0 (default) to 100.</summary>
    /// <example>30</example>
    public int? WritePercent { get; init; }
}

/// <summary>Something that happens once every process has made so many accesses of a phase.</summary>
public sealed record WorkloadInjectionRequest
{
    /// <summary><c>poison</c>, <c>disable</c> or <c>power-cut</c> (the load ends there).</summary>
    /// <example>poison</example>
    [Required]
    public string? Kind { get; init; }

    /// <summary>The phase, by its place in the list, from 0 (default).</summary>
    public int? Phase { get; init; }

    /// <summary>Accesses of each process in that phase before it happens; default 0.</summary>
    /// <example>500000</example>
    public long? AfterAccesses { get; init; }

    /// <summary>The device, for poison and disable.</summary>
    /// <example>dax0.0</example>
    public string? Device { get; init; }

    /// <summary>First poisoned byte of the device; default 0.</summary>
    public ByteSize? Offset { get; init; }

    /// <summary>Poisoned bytes; default 64.</summary>
    public ByteSize? Length { get; init; }
}

/// <summary>The translation caches of one core; a member that is absent is a server core's of the Skylake to Ice Lake kind.</summary>
public sealed record TlbGeometryDto
{
    /// <summary>First level, 4 KiB pages; default 64 entries, 4 ways.</summary>
    public TlbArrayDto? FirstPte { get; init; }

    /// <summary>First level, 2 MiB pages; default 32, 4.</summary>
    public TlbArrayDto? FirstPmd { get; init; }

    /// <summary>First level, 1 GiB pages; default 4, 4.</summary>
    public TlbArrayDto? FirstPud { get; init; }

    /// <summary>Second level of 4 KiB and 2 MiB pages; default 1536, 12.</summary>
    public TlbArrayDto? SecondShared { get; init; }

    /// <summary>Second level, 1 GiB pages; default 16, 4.</summary>
    public TlbArrayDto? SecondPud { get; init; }

    /// <summary>Page-walk cache of PMD entries; default 32, 4.</summary>
    public TlbArrayDto? WalkPmd { get; init; }

    /// <summary>Page-walk cache of PUD entries; default 4, 4.</summary>
    public TlbArrayDto? WalkPud { get; init; }

    /// <summary>Page-walk cache of top-level entries; default 2, 2.</summary>
    public TlbArrayDto? WalkTop { get; init; }
}

/// <summary>One translation cache.</summary>
public sealed record TlbArrayDto
{
    /// <summary>Entries, a multiple of the ways whose quotient is a power of two; 0: there is none.</summary>
    /// <example>1536</example>
    [Required]
    [Range(0, 1 << 20)]
    public int? Entries { get; init; }

    /// <summary>Ways, 1 to 32.</summary>
    /// <example>12</example>
    [Required]
    [Range(1, 32)]
    public int? Ways { get; init; }
}
