namespace PmemFleet.Contracts.Regions;

/// <summary>A region over one DIMM, or an interleave set of several.</summary>
public sealed record CreateRegionRequest
{
    /// <summary>The DIMMs in position order, 1 to 16 of them. A region of an e820 host has none, and a size.</summary>
    /// <example>["nmem0"]</example>
    public IReadOnlyList<string>? Dimms { get; init; }

    /// <summary>Bytes of the region; default: all that is free on the DIMMs. A multiple of 4 KiB × ways.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>First byte on each DIMM; default: the first free one.</summary>
    public ByteSize? DpaStart { get; init; }

    /// <summary>System physical address; default: above all other regions.</summary>
    public ByteSize? Start { get; init; }

    /// <summary><c>memory_controller</c>, <c>cpu_cache</c> or <c>unknown</c> (default).</summary>
    public string? PersistenceDomain { get; init; }

    /// <summary>NUMA node; default 0.</summary>
    public int? NumaNode { get; init; }
}

/// <summary>Writes region attributes.</summary>
public sealed record UpdateRegionRequest
{
    /// <summary>Allocation alignment: power of two × ways, at least 4 KiB × ways.</summary>
    public ByteSize? Align { get; init; }

    /// <summary>Read-only or not.</summary>
    public bool? ReadOnly { get; init; }
}

/// <summary>One DIMM's share of a region.</summary>
public sealed record RegionMappingDto
{
    /// <summary>The DIMM.</summary>
    public required string Dimm { get; init; }

    /// <summary>First DPA of the share.</summary>
    public required long Offset { get; init; }

    /// <summary>Bytes on this DIMM.</summary>
    public required long Length { get; init; }

    /// <summary>Position in the interleave set.</summary>
    public required int Position { get; init; }
}

/// <summary>A region.</summary>
public sealed record RegionDto
{
    /// <summary>Stable id (UUIDv7).</summary>
    public required Guid Id { get; init; }

    /// <summary>The host's name.</summary>
    public required string Host { get; init; }

    /// <summary>Name on its host, such as <c>region0</c>.</summary>
    public required string Name { get; init; }

    /// <summary>System physical address, 0x….</summary>
    public required string Start { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>Bytes no namespace holds.</summary>
    public long? AvailableSize { get; init; }

    /// <summary>Bytes of the largest namespace that fits.</summary>
    public long? MaxAvailableExtent { get; init; }

    /// <summary>Allocation alignment.</summary>
    public required long Align { get; init; }

    /// <summary><c>pmem</c>.</summary>
    public required string Type { get; init; }

    /// <summary>4: label-less, 5: labelled.</summary>
    public required int NamespaceType { get; init; }

    /// <summary>Interleave-set cookie, 0x….</summary>
    public string? IsetId { get; init; }

    /// <summary>DIMMs in the set, by position.</summary>
    public required IReadOnlyList<RegionMappingDto> Mappings { get; init; }

    /// <summary>No namespace of it can be written or created.</summary>
    public required bool ReadOnly { get; init; }

    /// <summary><c>enabled</c> or <c>disabled</c>.</summary>
    public required string State { get; init; }

    /// <summary>The zero-size namespace that the next create uses.</summary>
    public string? NamespaceSeed { get; init; }

    /// <summary>Persistence domain.</summary>
    public required string PersistenceDomain { get; init; }

    /// <summary>NUMA node.</summary>
    public required int NumaNode { get; init; }

    /// <summary>512-byte sectors known to be bad.</summary>
    public required long BadblockCount { get; init; }
}
