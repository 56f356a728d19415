using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;

namespace PmemFleet.Contracts.Dimms;

/// <summary>An NVDIMM to plug.</summary>
public sealed record CreateDimmRequest
{
    /// <summary>DPA space: a multiple of 4 KiB, 16 MiB to 16 TiB.</summary>
    /// <example>4G</example>
    [Required]
    public ByteSize? Capacity { get; init; }

    /// <summary>Label storage area: 0 (none) or 1 KiB to 16 MiB; default 128 KiB.</summary>
    /// <example>128K</example>
    public ByteSize? LabelSize { get; init; }

    /// <summary>Serial number, 32 bits, decimal or 0x…; default: derived from host and slot.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>Vendor as the raw little-endian 16-bit field, 0x…; default 0x8680.</summary>
    public string? VendorId { get; init; }

    /// <summary>Manufacturing date, raw 16 bits, 0x…; none by default.</summary>
    public string? ManufacturingDate { get; init; }

    /// <summary>Manufacturing location, 8 bits; with the date only.</summary>
    public string? ManufacturingLocation { get; init; }

    /// <summary>False: the DIMM cannot save on power loss and its regions start read-only.</summary>
    public bool? Armed { get; init; }

    /// <summary>Bytes that one clear-error command covers: a power of two, 64 to 4096; default 256.</summary>
    public ByteSize? ClearErrorUnit { get; init; }
}

/// <summary>An NVDIMM.</summary>
public sealed record DimmDto
{
    /// <summary>Stable id (UUIDv7).</summary>
    public required Guid Id { get; init; }

    /// <summary>The host's name.</summary>
    public required string Host { get; init; }

    /// <summary>Name on its host, such as <c>nmem0</c>.</summary>
    public required string Name { get; init; }

    /// <summary>ndctl's <c>id</c>: vendor[-location-date]-serial.</summary>
    public required string UniqueId { get; init; }

    /// <summary>NFIT handle.</summary>
    public required long Handle { get; init; }

    /// <summary>SMBIOS physical id.</summary>
    public required int PhysicalId { get; init; }

    /// <summary>Bytes of DPA space.</summary>
    public required long Capacity { get; init; }

    /// <summary>Bytes of label storage area, 0 for none.</summary>
    public required long LabelSize { get; init; }

    /// <summary><c>1.1</c>, <c>1.2</c>, or null where no index block is valid.</summary>
    public string? LabelVersion { get; init; }

    /// <summary>Free label slots, one held back.</summary>
    public int? AvailableSlots { get; init; }

    /// <summary><c>enabled</c> or <c>disabled</c>.</summary>
    public required string State { get; init; }

    /// <summary>Labels govern this DIMM's regions.</summary>
    public required bool Labelling { get; init; }

    /// <summary>False: flag_failed_arm.</summary>
    public required bool Armed { get; init; }

    /// <summary>Serial number, 0x…</summary>
    public required string SerialNumber { get; init; }

    /// <summary>Unsafe shutdowns counted.</summary>
    public required long DirtyShutdownCount { get; init; }

    /// <summary><c>disabled</c>, <c>unlocked</c>, <c>locked</c>, <c>frozen</c> or <c>overwrite</c>.</summary>
    public required string Security { get; init; }

    /// <summary><c>ok</c>, <c>non-critical</c>, <c>critical</c> or <c>fatal</c>; absent before the worker's first report.</summary>
    public string? HealthState { get; set; }

    /// <summary>Percent of spare units left.</summary>
    public int? SparesPercentage { get; set; }

    /// <summary>Poisoned bytes known to the host.</summary>
    public required long KnownPoisonBytes { get; init; }
}

/// <summary>Writes fresh index blocks.</summary>
public sealed record InitLabelsRequest
{
    /// <summary><c>1.1</c> or <c>1.2</c>; default 1.1, as ndctl 76.</summary>
    /// <example>1.2</example>
    public string? Version { get; init; }

    /// <summary>Also where valid labels exist.</summary>
    public bool Force { get; init; }
}

/// <summary>Zeroes label storage.</summary>
public sealed record ZeroLabelsRequest
{
    /// <summary>First byte; default 0.</summary>
    public ByteSize? Offset { get; init; }

    /// <summary>Bytes; default to the end.</summary>
    public ByteSize? Length { get; init; }
}

/// <summary>A DIMM's labels as <c>ndctl read-labels -j</c> prints them.</summary>
public sealed record LabelsDto
{
    /// <summary>The DIMM.</summary>
    public required string Dimm { get; init; }

    /// <summary><c>{dev, index:[…], label:[…]}</c>.</summary>
    public required JsonObject ReadLabels { get; init; }

    /// <summary>Which index block is current: 0, 1, or null.</summary>
    public int? CurrentIndex { get; init; }

    /// <summary>What <c>ndctl check-labels</c> finds wrong; empty where all is well.</summary>
    public required IReadOnlyList<string> Complaints { get; init; }
}
