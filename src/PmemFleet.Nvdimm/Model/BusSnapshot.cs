using System.Collections.Immutable;
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
