namespace PmemFleet.Contracts.MediaErrors;

/// <summary>
/// Errors to inject, uninject or clear. Give exactly one target: a namespace (blocks of 512 bytes from its first usable byte, as
/// <c>ndctl inject-error</c>), a region (byte offset), or a DIMM (DPA).
/// </summary>
public sealed record MediaErrorRangeRequest
{
    /// <summary>A namespace.</summary>
    /// <example>namespace0.0</example>
    public string? Namespace { get; init; }

    /// <summary>A region.</summary>
    public string? Region { get; init; }

    /// <summary>A DIMM.</summary>
    public string? Dimm { get; init; }

    /// <summary>With a namespace: first 512-byte block.</summary>
    /// <example>16</example>
    public long? Block { get; init; }

    /// <summary>With a namespace: blocks, 1 or more.</summary>
    /// <example>1</example>
    public long? Count { get; init; }

    /// <summary>With a region or a DIMM: first byte.</summary>
    public ByteSize? Offset { get; init; }

    /// <summary>With a region or a DIMM: bytes.</summary>
    public ByteSize? Length { get; init; }

    /// <summary>Poison the whole 512 bytes of each block, not just one clear-error unit.</summary>
    public bool Saturate { get; init; }

    /// <summary>False (ndctl's <c>--no-notify</c>): the errors stay latent until an access or a scrub finds them.</summary>
    public bool? Notify { get; init; }
}

/// <summary>A namespace whose known errors are cleared, as <c>ndctl clear-errors</c> does.</summary>
public sealed record ClearErrorsRequest
{
    /// <summary>The namespace.</summary>
    /// <example>namespace0.0</example>
    public string? Namespace { get; init; }

    /// <summary>Scrub first.</summary>
    public bool Scrub { get; init; }
}

/// <summary>Bad 512-byte sectors.</summary>
public sealed record BadblockDto
{
    /// <summary>First sector.</summary>
    public required long Offset { get; init; }

    /// <summary>Sectors.</summary>
    public required long Length { get; init; }
}

/// <summary>A poisoned or formerly poisoned range of one DIMM.</summary>
public sealed record MediaErrorDto
{
    /// <summary>The host's name.</summary>
    public required string Host { get; init; }

    /// <summary>The DIMM.</summary>
    public required string Dimm { get; init; }

    /// <summary>First DPA.</summary>
    public required long Dpa { get; init; }

    /// <summary>Bytes.</summary>
    public required long Length { get; init; }

    /// <summary>The media is poisoned there now.</summary>
    public required bool Poisoned { get; init; }

    /// <summary>The host knows (its bus lists the range, badblocks show it); false: latent.</summary>
    public required bool Known { get; init; }

    /// <summary>The region over it.</summary>
    public string? Region { get; init; }

    /// <summary>First byte in the region.</summary>
    public long? RegionOffset { get; init; }

    /// <summary>The namespace it hurts.</summary>
    public string? Namespace { get; init; }

    /// <summary>What it hurts there: <c>data</c>, <c>info-block</c>, <c>memmap</c> or <c>btt-metadata</c>.</summary>
    public string? Hurts { get; init; }
}

/// <summary>A scrub to start.</summary>
public sealed record StartScrubRequest
{
    /// <summary><c>long</c> reads the media; <c>short</c> asks the platform for what it has found. Default <c>long</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>
    /// Simulated seconds in a second, 1 to 1,000,000,000: the scrub goes on in the background, and can be watched. Absent: it is done at once,
    /// however long it takes in simulated time.
    /// </summary>
    /// <example>600</example>
    public double? TimeScale { get; init; }
}

/// <summary>The bus's scrub.</summary>
public sealed record ScrubDto
{
    /// <summary>Passes completed.</summary>
    public required long Count { get; init; }

    /// <summary><c>idle</c> or <c>active</c>.</summary>
    public required string State { get; init; }

    /// <summary>0 to 1 while active.</summary>
    public double? Progress { get; set; }

    /// <summary>The <c>scrub</c> attribute: the count, with a <c>+</c> while a scrub is active.</summary>
    public string? Attribute { get; set; }

    /// <summary>Simulated seconds that the last pass took, or the running one has taken.</summary>
    public double? SimulatedSeconds { get; set; }

    /// <summary>Simulated seconds until the driver asks the platform again, while active.</summary>
    public double? NextPollSeconds { get; set; }

    /// <summary>Scans that were started anew behind a full result buffer since the boot.</summary>
    public long? Restarts { get; set; }

    /// <summary>Ranges that the last pass, or the running one, has found.</summary>
    public long? Found { get; set; }
}
