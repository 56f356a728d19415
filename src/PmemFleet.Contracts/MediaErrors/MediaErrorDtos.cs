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

    /// <summary>The DIMM; absent for an error of a legacy range, which has none.</summary>
    public required string? Dimm { get; init; }

    /// <summary>First DPA; in a legacy range: the offset in its region.</summary>
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

    /// <summary>Everything it hurts, piece by piece: interleaved lines lie apart in the region. The first 64 of them.</summary>
    public IReadOnlyList<MediaErrorEffectDto> Effects { get; set; } = [];

    /// <summary>There are more effects than are shown.</summary>
    public bool MoreEffects { get; set; }
}

/// <summary>What a piece of an error hurts.</summary>
public sealed record MediaErrorEffectDto
{
    /// <summary>The region.</summary>
    public required string Region { get; init; }

    /// <summary>First byte in the region.</summary>
    public required long RegionOffset { get; init; }

    /// <summary>Bytes.</summary>
    public required long Length { get; init; }

    /// <summary>The namespace; absent where no namespace has it.</summary>
    public string? Namespace { get; set; }

    /// <summary>First byte in the namespace.</summary>
    public long? Offset { get; set; }

    /// <summary><c>data</c>, <c>info-block</c>, <c>info-block-backup</c>, <c>memmap</c>, <c>btt-map</c>, <c>btt-log</c>, <c>btt-data</c> or <c>unused</c>.</summary>
    public string? Hurts { get; set; }

    /// <summary>The block device whose sector it is.</summary>
    public string? BlockDevice { get; set; }

    /// <summary>The 512-byte sector of the block device.</summary>
    public long? Sector { get; set; }

    /// <summary>The dax device that maps it.</summary>
    public string? DaxDevice { get; set; }

    /// <summary>What an access meets there, in words.</summary>
    public string? Consequence { get; set; }
}

/// <summary>One error with the mappings it hurts.</summary>
public sealed record MediaErrorVictimsDto
{
    /// <summary>The error.</summary>
    public required MediaErrorDto Error { get; init; }

    /// <summary>The mappings over it, of all processes.</summary>
    public required IReadOnlyList<MappingVictimDto> Mappings { get; init; }

    /// <summary>The page over it is marked HWPoison since the boot.</summary>
    public required bool HwPoisoned { get; init; }

    /// <summary><c>HardwareCorrupted</c> of the host's meminfo, in bytes.</summary>
    public required long HardwareCorruptedBytes { get; init; }
}

/// <summary>The mappings over a range of a DIMM, as the worker sees them.</summary>
public sealed record MappingVictimsDto
{
    /// <summary>The mappings.</summary>
    public required IReadOnlyList<MappingVictimDto> Mappings { get; init; }

    /// <summary>The page is marked HWPoison.</summary>
    public required bool HwPoisoned { get; init; }

    /// <summary><c>HardwareCorrupted</c>.</summary>
    public required long HardwareCorruptedBytes { get; init; }
}

/// <summary>A part of a DIMM's error lists, as its worker has them: whole, however long they are.</summary>
public sealed record DimmErrorsDto
{
    /// <summary>Ranges that are poisoned on the media, all of them.</summary>
    public required long PoisonRanges { get; init; }

    /// <summary>Their bytes.</summary>
    public required long PoisonBytes { get; init; }

    /// <summary>Ranges that the host's bus lists, all of them.</summary>
    public required long KnownRanges { get; init; }

    /// <summary>Their bytes.</summary>
    public required long KnownBytes { get; init; }

    /// <summary>Poisoned ranges in the order of their DPA.</summary>
    public required IReadOnlyList<DpaRangeDto> Poison { get; init; }

    /// <summary>Listed ranges likewise.</summary>
    public required IReadOnlyList<DpaRangeDto> Known { get; init; }

    /// <summary>Ask again from this DPA on; absent: this was the last part.</summary>
    public long? NextDpa { get; set; }
}

/// <summary>A range of a DIMM.</summary>
/// <param name="Dpa">First byte.</param>
/// <param name="Length">Bytes.</param>
public sealed record DpaRangeDto(long Dpa, long Length);

/// <summary>A mapping over an error.</summary>
public sealed record MappingVictimDto
{
    /// <summary>The process.</summary>
    public required int Pid { get; init; }

    /// <summary>Its command.</summary>
    public required string Comm { get; init; }

    /// <summary>The mapping's id.</summary>
    public required int Mapping { get; init; }

    /// <summary>The dax device.</summary>
    public required string Device { get; init; }

    /// <summary>The error's first address there, 0x….</summary>
    public required string Address { get; init; }

    /// <summary>The granule's address, 0x…: what SIGBUS names.</summary>
    public required string Granule { get; init; }

    /// <summary><c>si_addr_lsb</c>: 12, 21 or 30.</summary>
    public required int AddressLsb { get; init; }

    /// <summary>The granule is present in the process's page tables: when another process consumes the error, this one gets BUS_MCEERR_AO.</summary>
    public required bool Present { get; init; }
}

/// <summary><c>ndctl inject-error --status</c>.</summary>
public sealed record InjectionStatusDto
{
    /// <summary>Poisoned blocks of the namespace's data.</summary>
    public required IReadOnlyList<InjectedBlocksDto> Badblocks { get; init; }
}

/// <summary>Poisoned 512-byte blocks.</summary>
public sealed record InjectedBlocksDto
{
    /// <summary>The first block.</summary>
    public required long Block { get; init; }

    /// <summary>Blocks.</summary>
    public required long Count { get; init; }
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
