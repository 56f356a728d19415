using System.ComponentModel.DataAnnotations;

namespace PmemFleet.Contracts.Dax;

/// <summary>A device-dax region: what a devdax namespace gives.</summary>
public sealed record DaxRegionDto
{
    /// <summary>The host's name.</summary>
    public required string Host { get; init; }

    /// <summary>The region's number.</summary>
    public required int Id { get; init; }

    /// <summary>The namespace it came from, if it came from one.</summary>
    public string? Namespace { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>Granule of every mapping: 4 KiB, 2 MiB or 1 GiB.</summary>
    public required long Align { get; init; }

    /// <summary>The devices in it.</summary>
    public required IReadOnlyList<string> Devices { get; init; }
}

/// <summary>A piece of a dax device in physical space.</summary>
public sealed record DaxExtentDto
{
    /// <summary>Page offset in the device (4 KiB pages).</summary>
    public required long PageOffset { get; init; }

    /// <summary>First address, 0x….</summary>
    public required string Start { get; init; }

    /// <summary>Last address, 0x….</summary>
    public required string End { get; init; }
}

/// <summary>A mappable dax device.</summary>
public sealed record DaxDeviceDto
{
    /// <summary>Stable id (UUIDv7).</summary>
    public required Guid Id { get; init; }

    /// <summary>The host's name.</summary>
    public required string Host { get; init; }

    /// <summary>Name on its host, such as <c>dax0.1</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its dax region's number.</summary>
    public required int DaxRegion { get; init; }

    /// <summary>The namespace it came from.</summary>
    public string? Namespace { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>Granule.</summary>
    public required long Align { get; init; }

    /// <summary><c>devdax</c> or <c>system-ram</c>.</summary>
    public required string Mode { get; init; }

    /// <summary>System RAM: memory blocks of 128 MiB that are online.</summary>
    public int? OnlineMemblocks { get; init; }

    /// <summary>System RAM: memory blocks it has; what lies outside whole blocks is not used.</summary>
    public int? TotalMemblocks { get; init; }

    /// <summary>NUMA node when onlined.</summary>
    public required int TargetNode { get; init; }

    /// <summary><c>enabled</c> or <c>disabled</c>.</summary>
    public required string State { get; init; }

    /// <summary>Its pieces in physical space.</summary>
    public required IReadOnlyList<DaxExtentDto> Extents { get; init; }
}

/// <summary><c>daxctl reconfigure-device</c>.</summary>
public sealed record ReconfigureDaxDeviceRequest
{
    /// <summary><c>system-ram</c> or <c>devdax</c>.</summary>
    /// <example>system-ram</example>
    [Required]
    public string? Mode { get; init; }

    /// <summary>To system-ram without onlining its memory (<c>--no-online</c>).</summary>
    public bool NoOnline { get; init; }

    /// <summary>To devdax though memory is online: it is offlined first (<c>--force</c>).</summary>
    public bool Force { get; init; }
}

/// <summary><c>daxctl create-device</c>.</summary>
public sealed record CreateDaxDeviceRequest
{
    /// <summary>The dax region's number.</summary>
    /// <example>0</example>
    [Required]
    public int? Region { get; init; }

    /// <summary>Bytes; default all that is free.</summary>
    public ByteSize? Size { get; init; }
}
