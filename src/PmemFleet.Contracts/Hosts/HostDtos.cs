using System.ComponentModel.DataAnnotations;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Regions;

namespace PmemFleet.Contracts.Hosts;

/// <summary>A new virtual server: one libnvdimm bus.</summary>
public sealed record CreateHostRequest
{
    /// <summary>Unique name: lower-case letters, digits, '-' and '.', 1 to 63 characters.</summary>
    /// <example>db-1</example>
    [Required]
    public string? Name { get; init; }

    /// <summary>Labels for selectors, in Kubernetes' grammar.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>The bus provider: <c>ACPI.NFIT</c> (default) or <c>e820</c> (legacy, no DIMMs).</summary>
    public string? Provider { get; init; }

    /// <summary>What the platform can do; all members have defaults.</summary>
    public PlatformDto? Platform { get; init; }

    /// <summary>Workers of this media pool may hold the host; default <c>default</c>.</summary>
    public string? MediaPool { get; init; }

    /// <summary>DIMMs to plug at once, in order: nmem0, nmem1, …</summary>
    public IReadOnlyList<CreateDimmRequest>? Dimms { get; init; }

    /// <summary>Regions to define over them, in order: region0, region1, …</summary>
    public IReadOnlyList<CreateRegionRequest>? Regions { get; init; }
}

/// <summary>What a host's platform can do.</summary>
/// <remarks>Its members have setters: source-generated JSON keeps a default only where the member is not init-only.</remarks>
public sealed record PlatformDto
{
    /// <summary>1 GiB page-table leaves.</summary>
    public bool SupportsPud { get; set; } = true;

    /// <summary>4 or 5.</summary>
    public int PageTableLevels { get; set; } = 4;

    /// <summary><c>linux-6.1</c> (default) or <c>linux-4.10</c>.</summary>
    public string Profile { get; set; } = "linux-6.1";

    /// <summary>The kernel has device-dax (CONFIG_NVDIMM_DAX).</summary>
    public bool DeviceDax { get; set; } = true;
}

/// <summary>A virtual server.</summary>
public sealed record HostDto
{
    /// <summary>Stable id (UUIDv7).</summary>
    public required Guid Id { get; init; }

    /// <summary>Unique name.</summary>
    public required string Name { get; init; }

    /// <summary>Labels for selectors.</summary>
    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>Bus provider.</summary>
    public required string Provider { get; init; }

    /// <summary>Platform.</summary>
    public required PlatformDto Platform { get; init; }

    /// <summary>Media pool.</summary>
    public required string MediaPool { get; init; }

    /// <summary><c>on</c> or <c>off</c>.</summary>
    public required string Power { get; init; }

    /// <summary><c>pending</c> (no worker yet), <c>booting</c>, <c>ready</c>.</summary>
    public required string State { get; init; }

    /// <summary>The worker that holds the host, by name.</summary>
    public string? Worker { get; init; }

    /// <summary>Why its worker cannot serve the host now, such as missing media; null where nothing is known to be wrong. Not part of the ETag.</summary>
    public HostFailureDto? Failure { get; init; }

    /// <summary>Fencing epoch of the assignment.</summary>
    public required long Epoch { get; init; }

    /// <summary>Boots so far; processes and mappings end with a boot.</summary>
    public required long BootCount { get; init; }

    /// <summary>DIMMs plugged.</summary>
    public required int DimmCount { get; init; }

    /// <summary>Regions defined.</summary>
    public required int RegionCount { get; init; }

    /// <summary>Namespaces with a size.</summary>
    public required int NamespaceCount { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Changes a host's labels.</summary>
public sealed record UpdateHostRequest
{
    /// <summary>The new labels, which replace all old ones.</summary>
    [Required]
    public IReadOnlyDictionary<string, string>? Labels { get; init; }
}

/// <summary>Power of a host.</summary>
public sealed record PowerRequest
{
    /// <summary><c>cycle</c> (clean shutdown, then boot), <c>cut</c> (power lost, then boot), <c>off</c>, <c>on</c>.</summary>
    /// <example>cycle</example>
    [Required]
    public string? Action { get; init; }
}

/// <summary>The result of comparing media, labels and rows.</summary>
public sealed record HostCheckDto
{
    /// <summary>The host.</summary>
    public required string Host { get; init; }

    /// <summary>Label areas parsed.</summary>
    public required int LabelAreas { get; init; }

    /// <summary>Info blocks read by the worker.</summary>
    public required int InfoBlocks { get; init; }

    /// <summary>Each difference found; empty where everything agrees.</summary>
    public required IReadOnlyList<HostDifferenceDto> Differences { get; init; }
}

/// <summary>One difference between what the media says and what the rows say.</summary>
public sealed record HostDifferenceDto
{
    /// <summary>The object, such as <c>namespace0.1</c>.</summary>
    public required string Subject { get; init; }

    /// <summary>The field.</summary>
    public required string Field { get; init; }

    /// <summary>What the media (labels, info blocks) says.</summary>
    public required string OnMedia { get; init; }

    /// <summary>What the rows say.</summary>
    public required string InRows { get; init; }
}

/// <summary>Why a worker cannot serve a host.</summary>
public sealed record HostFailureDto
{
    /// <summary><c>media-missing</c>, <c>media-size</c>, <c>media-folder</c>, <c>media-damaged</c>, <c>media-full</c>, <c>media-unavailable</c>, <c>media-flush-failed</c> or <c>host-let-go</c>.</summary>
    public required string Code { get; init; }

    /// <summary>The reason, for an operator.</summary>
    public required string Message { get; init; }

    /// <summary>Since when.</summary>
    public required DateTimeOffset Since { get; init; }
}
