using System.Collections.Immutable;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Tlb;

namespace PmemFleet.DeviceDax.Workloads;

/// <summary>How the accesses of a phase go through the mapping.</summary>
public enum AccessPatternKind
{
    /// <summary>One step after the other, wrapping.</summary>
    Sequential,

    /// <summary>Every n-th byte, wrapping.</summary>
    Stride,

    /// <summary>Each step equally likely.</summary>
    Uniform,

    /// <summary>A few steps very likely, most hardly ever.</summary>
    Zipf,

    /// <summary>A random chain that visits every step once a round.</summary>
    PointerChase,
}

/// <summary>A dax device as a workload sees it: a copy, so that a workload never disturbs the host's own processes.</summary>
/// <param name="Region">The region it is in.</param>
/// <param name="Device">The device.</param>
public sealed record WorkloadDevice(DaxRegionSpec Region, DaxDeviceSpec Device)
{
    /// <summary>The device's name.</summary>
    public string Name => $"dax{Region.Id}.{Device.Instance}";
}

/// <summary>A mapping every process makes at its start.</summary>
/// <param name="Device">The device's name.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Offset">Offset in the device, bytes.</param>
public sealed record WorkloadMapping(string Device, ulong Length, ulong Offset = 0);

/// <summary>One part of the load; every process does the same, each with a random sequence of its own.</summary>
/// <param name="Name">Shown with the results.</param>
public sealed record WorkloadPhase(string Name)
{
    /// <summary>Which mapping, by its place in the list.</summary>
    public int Mapping { get; init; }

    /// <summary>Touch the whole mapping at once, as MAP_POPULATE would; pattern and accesses are then ignored.</summary>
    public bool Populates { get; init; }

    /// <summary>How the accesses go.</summary>
    public AccessPatternKind Pattern { get; init; }

    /// <summary>Accesses of each process.</summary>
    public long Accesses { get; init; }

    /// <summary>Bytes between two neighbouring steps; a power of two, 8 or more.</summary>
    public ulong StepBytes { get; init; } = PageGranules.PageBytes;

    /// <summary>The stride of <see cref="AccessPatternKind.Stride"/>, bytes.</summary>
    public ulong StrideBytes { get; init; } = PageGranules.PageBytes;

    /// <summary>The exponent of <see cref="AccessPatternKind.Zipf"/>, above 0.</summary>
    public double ZipfExponent { get; init; } = 0.99;

    /// <summary>Share of accesses that write, 0 to 100.</summary>
    public int WritePercent { get; init; }
}

/// <summary>What is done to the host in the middle of a load.</summary>
public enum InjectionKind
{
    /// <summary>A range of a device becomes poisoned.</summary>
    Poison,

    /// <summary>A device is disabled.</summary>
    Disable,

    /// <summary>The host loses power: the load ends there.</summary>
    PowerCut,
}

/// <summary>Something that happens at a point of the load: when every process has made so many accesses of a phase.</summary>
/// <param name="Kind">What.</param>
/// <param name="Phase">The phase, by its place in the list.</param>
/// <param name="AfterAccesses">Accesses of each process in that phase before it happens.</param>
public sealed record WorkloadInjection(InjectionKind Kind, int Phase, long AfterAccesses)
{
    /// <summary>The device, for poison and disable.</summary>
    public string? Device { get; init; }

    /// <summary>First poisoned byte of the device.</summary>
    public ulong Offset { get; init; }

    /// <summary>Poisoned bytes.</summary>
    public ulong Length { get; init; } = 64;
}

/// <summary>A whole load. The result is a function of this record alone.</summary>
public sealed record WorkloadSpec
{
    /// <summary>Where the random sequences start.</summary>
    public ulong Seed { get; init; }

    /// <summary>Processes, 1 to 100,000.</summary>
    public int Processes { get; init; } = 1;

    /// <summary>The machine it runs on.</summary>
    public MachineProfile Profile { get; init; } = MachineProfile.Default;

    /// <summary>The devices.</summary>
    public required ImmutableArray<WorkloadDevice> Devices { get; init; }

    /// <summary>The mappings of each process.</summary>
    public required ImmutableArray<WorkloadMapping> Mappings { get; init; }

    /// <summary>The parts, in order.</summary>
    public required ImmutableArray<WorkloadPhase> Phases { get; init; }

    /// <summary>What happens in between.</summary>
    public ImmutableArray<WorkloadInjection> Injections { get; init; } = [];

    /// <summary>Translation caches to model; null for none, which is faster.</summary>
    public TlbGeometry? Tlb { get; init; }

    /// <summary>Whether processes have text, heap and stack of their own in the page-table figures.</summary>
    public ProcessImage Image { get; init; } = ProcessImage.None;

    /// <summary>Points of each phase's series, 1 to 1000.</summary>
    public int SeriesPoints { get; init; } = 64;
}
