using System.ComponentModel.DataAnnotations;
using PmemFleet.Contracts.Hosts;

namespace PmemFleet.Contracts.Fleets;

/// <summary>
/// A whole fleet as one document. What it names is there once it is applied; what it does not name stays as it is.
/// </summary>
public sealed record FleetDocument
{
    /// <summary>The document's form.</summary>
    /// <example>pmemfleet/v1</example>
    public string? ApiVersion { get; init; }

    /// <summary>The hosts.</summary>
    [Required]
    public IReadOnlyList<FleetHost>? Hosts { get; init; }
}

/// <summary>A host, or <see cref="Count"/> of them.</summary>
public sealed record FleetHost
{
    /// <summary>The host's name; with a count it holds <c>{n}</c>, the number (<c>{n:3}</c>: at least three digits).</summary>
    /// <example>rack1-{n}</example>
    [Required]
    public string? Name { get; init; }

    /// <summary>How many hosts like this; default one.</summary>
    public int? Count { get; init; }

    /// <summary>The first number; default 1.</summary>
    public int? First { get; init; }

    /// <summary>Labels for selectors; <c>{n}</c> as in the name.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary><c>ACPI.NFIT</c> (default) or <c>e820</c>.</summary>
    public string? Provider { get; init; }

    /// <summary>What the platform can do.</summary>
    public PlatformDto? Platform { get; init; }

    /// <summary>Media pool; default <c>default</c>.</summary>
    public string? MediaPool { get; init; }

    /// <summary>DIMMs in order: nmem0, nmem1, …</summary>
    public IReadOnlyList<FleetDimm>? Dimms { get; init; }

    /// <summary>Regions in order: region0, region1, …</summary>
    public IReadOnlyList<FleetRegion>? Regions { get; init; }

    /// <summary>Namespaces, made in this order.</summary>
    public IReadOnlyList<FleetNamespace>? Namespaces { get; init; }
}

/// <summary>A DIMM, or <see cref="Count"/> of them.</summary>
public sealed record FleetDimm
{
    /// <summary>How many DIMMs like this; default one.</summary>
    public int? Count { get; init; }

    /// <summary>DPA space: a multiple of 4 KiB, 16 MiB to 16 TiB.</summary>
    /// <example>4G</example>
    [Required]
    public ByteSize? Capacity { get; init; }

    /// <summary>Label storage area: 0 (none) or 1 KiB to 16 MiB; default 128 KiB.</summary>
    public ByteSize? LabelSize { get; init; }

    /// <summary>Index blocks that a new DIMM gets: <c>1.1</c>, <c>1.2</c> (default) or <c>none</c>.</summary>
    public string? LabelVersion { get; init; }

    /// <summary>Serial number, 32 bits, decimal or 0x…; default: derived from host and slot. Not with a count.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>Vendor as the raw little-endian 16-bit field, 0x…; default 0x8680.</summary>
    public string? VendorId { get; init; }

    /// <summary>Manufacturing date, raw 16 bits, 0x…; none by default.</summary>
    public string? ManufacturingDate { get; init; }

    /// <summary>Manufacturing location, 8 bits; with the date only.</summary>
    public string? ManufacturingLocation { get; init; }

    /// <summary>False: the DIMM cannot save on power loss.</summary>
    public bool? Armed { get; init; }

    /// <summary>Bytes that one clear-error command covers: a power of two, 64 to 4096; default 256.</summary>
    public ByteSize? ClearErrorUnit { get; init; }
}

/// <summary>A region, or one over each <see cref="Ways"/> DIMMs.</summary>
public sealed record FleetRegion
{
    /// <summary>The DIMMs in position order; default: see <see cref="Ways"/>.</summary>
    public IReadOnlyList<string>? Dimms { get; init; }

    /// <summary>Without DIMMs: one region over each so many DIMMs of the host in order, 1 to 16; default 1.</summary>
    public int? Ways { get; init; }

    /// <summary>Bytes; default: all that is free on the DIMMs. A multiple of 4 KiB × ways.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>First byte on each DIMM; default: the first free one.</summary>
    public ByteSize? DpaStart { get; init; }

    /// <summary>System physical address; default: above all other regions.</summary>
    public ByteSize? Start { get; init; }

    /// <summary>Allocation alignment; default 16 MiB × ways.</summary>
    public ByteSize? Align { get; init; }

    /// <summary><c>memory_controller</c>, <c>cpu_cache</c> or <c>unknown</c> (default).</summary>
    public string? PersistenceDomain { get; init; }

    /// <summary>NUMA node; default 0.</summary>
    public int? NumaNode { get; init; }
}

/// <summary>A namespace, or <see cref="Count"/> of them.</summary>
public sealed record FleetNamespace
{
    /// <summary>How many namespaces like this; default one.</summary>
    public int? Count { get; init; }

    /// <summary>The region; <c>*</c>: so many in each region; default: the first with room.</summary>
    /// <example>region0</example>
    public string? Region { get; init; }

    /// <summary><c>fsdax</c> (default), <c>devdax</c>, <c>sector</c>, <c>raw</c>.</summary>
    /// <example>devdax</example>
    public string? Mode { get; init; }

    /// <summary>Bytes allocated; default: the largest extent.</summary>
    /// <example>1G</example>
    public ByteSize? Size { get; init; }

    /// <summary>fsdax and devdax: 4 KiB, 2 MiB (default) or 1 GiB.</summary>
    public ByteSize? Align { get; init; }

    /// <summary>fsdax and devdax: <c>dev</c> (default) or <c>mem</c>.</summary>
    public string? Map { get; init; }

    /// <summary>Sector size, as ndctl's <c>--sector-size</c>.</summary>
    public ByteSize? SectorSize { get; init; }

    /// <summary>A name for people; <c>{n}</c> is the number among <see cref="Count"/>, <c>{host}</c> the host's name.</summary>
    public string? AltName { get; init; }

    /// <summary>The labels' uuid; default random. Not with a count.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>The BTT's, PFN's or DAX personality's uuid; default random. Not with a count.</summary>
    public Guid? PersonalityUuid { get; init; }
}
