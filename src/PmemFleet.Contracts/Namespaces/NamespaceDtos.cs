using PmemFleet.Contracts.MediaErrors;

namespace PmemFleet.Contracts.Namespaces;

/// <summary>What <c>ndctl create-namespace</c> takes.</summary>
public sealed record CreateNamespaceRequest
{
    /// <summary>The region, or <c>all</c>; default: all of them, of which ndctl takes the first with room.</summary>
    /// <example>region0</example>
    public string? Region { get; init; }

    /// <summary><c>fsdax</c> (default), <c>devdax</c>, <c>sector</c>, <c>raw</c>; also <c>memory</c>, <c>dax</c>, <c>safe</c>.</summary>
    /// <example>devdax</example>
    public string? Mode { get; init; }

    /// <summary>Bytes; default: the largest extent.</summary>
    /// <example>1G</example>
    public ByteSize? Size { get; init; }

    /// <summary>fsdax and devdax: 4 KiB, 2 MiB (default) or 1 GiB.</summary>
    /// <example>2M</example>
    public ByteSize? Align { get; init; }

    /// <summary>fsdax and devdax: <c>dev</c> (default) or <c>mem</c>.</summary>
    public string? Map { get; init; }

    /// <summary>sector: 512, 520, 528, 4096 (default), 4104, 4160, 4224; raw and fsdax: 512 or 4096.</summary>
    public ByteSize? SectorSize { get; init; }

    /// <summary>A name for people, at most 63 bytes of UTF-8.</summary>
    public string? AltName { get; init; }

    /// <summary>The namespace's (label's) uuid; default random.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>The BTT's, PFN's or DAX personality's uuid; default random.</summary>
    public Guid? PersonalityUuid { get; init; }

    /// <summary>ndctl's <c>--force</c>.</summary>
    public bool Force { get; init; }

    /// <summary>False: a failed enable leaves the namespace as it is.</summary>
    public bool? Autorecover { get; init; }
}

/// <summary>What <c>ndctl create-namespace --reconfig</c> takes; absent members keep what is.</summary>
public sealed record ReconfigureNamespaceRequest
{
    /// <inheritdoc cref="CreateNamespaceRequest.Mode"/>
    /// <example>fsdax</example>
    public string? Mode { get; init; }

    /// <summary>Bytes; default: as it is.</summary>
    public ByteSize? Size { get; init; }

    /// <inheritdoc cref="CreateNamespaceRequest.Align"/>
    public ByteSize? Align { get; init; }

    /// <inheritdoc cref="CreateNamespaceRequest.Map"/>
    public string? Map { get; init; }

    /// <inheritdoc cref="CreateNamespaceRequest.SectorSize"/>
    public ByteSize? SectorSize { get; init; }

    /// <inheritdoc cref="CreateNamespaceRequest.AltName"/>
    public string? AltName { get; init; }

    /// <inheritdoc cref="CreateNamespaceRequest.Uuid"/>
    public Guid? Uuid { get; init; }

    /// <inheritdoc cref="CreateNamespaceRequest.PersonalityUuid"/>
    public Guid? PersonalityUuid { get; init; }

    /// <summary>Also where the namespace is active; without it an active one is EBUSY.</summary>
    public bool Force { get; init; }
}

/// <summary>What <c>ndctl check-namespace</c> takes.</summary>
public sealed record CheckNamespaceRequest
{
    /// <summary>Repair what can be repaired.</summary>
    public bool Repair { get; init; }

    /// <summary>Rewrite the log; needs <see cref="Repair"/>.</summary>
    public bool RewriteLog { get; init; }

    /// <summary>Disable an active namespace for the check.</summary>
    public bool Force { get; init; }
}

/// <summary>What a check found.</summary>
public sealed record CheckNamespaceDto
{
    /// <summary>Nothing is left to repair.</summary>
    public required bool Consistent { get; init; }

    /// <summary>What was found and repaired, in order, as ndctl prints it.</summary>
    public required IReadOnlyList<string> Messages { get; init; }
}

/// <summary>A piece of a namespace on one DIMM.</summary>
public sealed record DpaExtentDto
{
    /// <summary>The DIMM.</summary>
    public required string Dimm { get; init; }

    /// <summary>First DPA.</summary>
    public required long Dpa { get; init; }

    /// <summary>Bytes.</summary>
    public required long Length { get; init; }
}

/// <summary>A namespace.</summary>
public sealed record NamespaceDto
{
    /// <summary>Stable id (UUIDv7).</summary>
    public required Guid Id { get; init; }

    /// <summary>The host's name.</summary>
    public required string Host { get; init; }

    /// <summary>The region's name.</summary>
    public required string Region { get; init; }

    /// <summary>Name on its host, such as <c>namespace0.1</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>raw</c>, <c>sector</c>, <c>fsdax</c> or <c>devdax</c>.</summary>
    public required string Mode { get; init; }

    /// <summary><c>dev</c> or <c>mem</c> (fsdax, devdax).</summary>
    public string? Map { get; init; }

    /// <summary>Usable bytes, as ndctl shows them; null where a disabled personality cannot tell.</summary>
    public long? Size { get; init; }

    /// <summary>Bytes allocated in the region.</summary>
    public required long RawSize { get; init; }

    /// <summary>The personality's uuid, or the namespace's own in raw mode.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>The namespace's own uuid, as its labels carry it.</summary>
    public Guid? RawUuid { get; init; }

    /// <summary>Sector size (not devdax).</summary>
    public long? SectorSize { get; init; }

    /// <summary>Alignment (fsdax, devdax).</summary>
    public long? Align { get; init; }

    /// <summary>Block device, such as <c>pmem0.1s</c>, while enabled.</summary>
    public string? BlockDevice { get; init; }

    /// <summary>Character device, such as <c>dax0.1</c>, while enabled.</summary>
    public string? CharacterDevice { get; init; }

    /// <summary><c>enabled</c>, <c>disabled</c> or <c>pending</c> (the worker has yet to bind it).</summary>
    public required string State { get; init; }

    /// <summary>The name for people.</summary>
    public string? AltName { get; init; }

    /// <summary>What claims it, such as <c>btt0.0</c>.</summary>
    public string? Holder { get; init; }

    /// <summary>System physical address, 0x….</summary>
    public string? Start { get; init; }

    /// <summary>First usable byte, from the namespace's start.</summary>
    public long? DataOffset { get; init; }

    /// <summary>Its pieces on the DIMMs, by position.</summary>
    public required IReadOnlyList<DpaExtentDto> Extents { get; init; }

    /// <summary>512-byte sectors known to be bad.</summary>
    public required long BadblockCount { get; init; }

    /// <summary>The bad sectors, from the first usable byte.</summary>
    public required IReadOnlyList<BadblockDto> Badblocks { get; init; }
}

/// <summary>Writes namespace attributes; the namespace must be disabled.</summary>
public sealed record UpdateNamespaceRequest
{
    /// <summary>New size: a multiple of the region's align.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>New name for people.</summary>
    public string? AltName { get; init; }

    /// <summary>New uuid.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>512 or 4096.</summary>
    public ByteSize? SectorSize { get; init; }

    /// <summary><c>btt</c>, <c>pfn</c>, <c>dax</c> or empty.</summary>
    public string? HolderClass { get; init; }

    /// <summary>The next enable ignores info blocks.</summary>
    public bool? ForceRaw { get; init; }
}

/// <summary>A block-path write that reached the media.</summary>
public sealed record DataWrittenDto
{
    /// <summary>First byte.</summary>
    public required long Offset { get; init; }

    /// <summary>Bytes written and flushed.</summary>
    public required long Length { get; init; }

    /// <summary>Bad sectors the write cleared.</summary>
    public required long ClearedSectors { get; init; }
}
