using System.Text.Json.Serialization;

namespace PmemFleet.Contracts.Campaigns;

/// <summary>A campaign of media errors over a fleet, in simulated time.</summary>
public sealed record CreateCampaignRequest
{
    /// <summary>A name for people, at most 63 characters.</summary>
    /// <example>a bad year</example>
    public string? Name { get; init; }

    /// <summary>The same seed over the same DIMMs gives the same event log, byte for byte. Default 1.</summary>
    /// <example>42</example>
    public ulong Seed { get; set; } = 1;

    /// <summary>Simulated seconds, 1 to ten years.</summary>
    /// <example>31536000</example>
    public double? DurationSeconds { get; init; }

    /// <summary>The hosts whose labels match, in Kubernetes' grammar; absent: all of the fleet.</summary>
    /// <example>tier=db</example>
    public string? LabelSelector { get; init; }

    /// <summary>Only these hosts, of those that match.</summary>
    public IReadOnlyList<string>? Hosts { get; init; }

    /// <summary>Where errors come from; at least one.</summary>
    public IReadOnlyList<ErrorSourceDto>? Sources { get; init; }

    /// <summary>Scrubs; absent: none.</summary>
    public ScrubCadenceDto? Scrub { get; init; }

    /// <summary>How namespaces are used; absent: nobody reads or writes.</summary>
    public AccessModelDto? Access { get; init; }

    /// <summary>Seconds after which an error that is known is cleared; absent: it is not.</summary>
    public double? RepairAfterSeconds { get; init; }

    /// <summary><c>simulate</c> changes nothing; <c>apply</c> leaves the errors that are there at the end on the DIMMs. Default <c>simulate</c>.</summary>
    /// <example>simulate</example>
    public string? Effect { get; init; }
}

/// <summary>A source of errors, the same on every DIMM.</summary>
public sealed record ErrorSourceDto
{
    /// <summary><c>scattered</c>, <c>burst</c> or <c>dimm-failure</c>; default <c>scattered</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>Occurrences in an hour of one DIMM, at random.</summary>
    public double? PerDimmHour { get; init; }

    /// <summary>Seconds from one occurrence to the next, instead of a rate.</summary>
    public double? IntervalSeconds { get; init; }

    /// <summary>The first occurrence is no earlier.</summary>
    public double StartSeconds { get; init; }

    /// <summary>The first occurrence is no earlier than so many reads of the DIMM.</summary>
    public long AfterAccesses { get; init; }

    /// <summary>How likely an occurrence is to happen, 0 to 1; default 1.</summary>
    public double? Probability { get; init; }

    /// <summary>The most occurrences on a DIMM.</summary>
    public int? Times { get; init; }

    /// <summary>Errors of a burst; default 16.</summary>
    public int? BurstErrors { get; init; }

    /// <summary>Bytes over which a burst spreads; default 1 MiB.</summary>
    public ByteSize? BurstBytes { get; init; }

    /// <summary>Seconds over which a burst spreads; default 60.</summary>
    public double? BurstSeconds { get; init; }

    /// <summary>Bytes of an error; default: one clear-error unit.</summary>
    public ByteSize? Length { get; init; }

    /// <summary>The platform tells the host at once; else the error is latent.</summary>
    public bool Announced { get; init; }
}

/// <summary>How DIMMs are scrubbed.</summary>
public sealed record ScrubCadenceDto
{
    /// <summary>Seconds from the beginning of one pass to that of the next.</summary>
    public double IntervalSeconds { get; init; }

    /// <summary>Bytes of media that a pass reads in a second; default 4 GiB.</summary>
    public ByteSize? BytesPerSecond { get; init; }

    /// <summary>When the first pass begins.</summary>
    public double FirstSeconds { get; init; }
}

/// <summary>How namespaces are used.</summary>
public sealed record AccessModelDto
{
    /// <summary>Reads of a DIMM in a second, spread evenly over what namespaces have of it.</summary>
    public double ReadsPerSecond { get; init; }

    /// <summary>Writes likewise.</summary>
    public double WritesPerSecond { get; init; }

    /// <summary>Bytes of each; default 4096.</summary>
    public ByteSize? AccessBytes { get; init; }
}

/// <summary>A campaign.</summary>
public sealed record CampaignDto
{
    /// <summary>Id (UUIDv7).</summary>
    public required Guid Id { get; init; }

    /// <summary>Its operation: progress, and cancel.</summary>
    public required Guid OperationId { get; init; }

    /// <summary>What was asked for.</summary>
    public required CreateCampaignRequest Request { get; init; }

    /// <summary><c>running</c>, <c>succeeded</c>, <c>failed</c> or <c>cancelled</c>.</summary>
    public required string State { get; init; }

    /// <summary>Hosts it is about.</summary>
    public required int Hosts { get; init; }

    /// <summary>Hosts that are done.</summary>
    public required int HostsDone { get; init; }

    /// <summary>What came of it, once it succeeded.</summary>
    public CampaignResultDto? Result { get; set; }

    /// <summary>When it was accepted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>What came of a campaign.</summary>
public sealed record CampaignResultDto
{
    /// <summary>SHA-256 of the event log, in hexadecimal.</summary>
    public required string LogSha256 { get; init; }

    /// <summary>Bytes of the event log.</summary>
    public required long LogBytes { get; init; }

    /// <summary>Counts.</summary>
    public required CampaignSummaryDto Summary { get; init; }

    /// <summary>Mean seconds from an error to its discovery.</summary>
    public required double MeanDelaySeconds { get; init; }

    /// <summary>Half of the discoveries took no longer, to a factor of two.</summary>
    public required double MedianDelaySeconds { get; init; }

    /// <summary>99 of 100 discoveries took no longer, to a factor of two.</summary>
    public required double P99DelaySeconds { get; init; }

    /// <summary>The longest took so many seconds.</summary>
    public required double LongestDelaySeconds { get; init; }
}

/// <summary>A campaign's counts.</summary>
public sealed record CampaignSummaryDto
{
    /// <summary>DIMMs.</summary>
    public long Dimms { get; init; }

    /// <summary>Errors that came up.</summary>
    public long Errors { get; init; }

    /// <summary>DIMMs that failed whole.</summary>
    public long DimmFailures { get; init; }

    /// <summary>Errors that the platform told of at once.</summary>
    public long Announced { get; init; }

    /// <summary>Found by a load through a mapping: SIGBUS.</summary>
    public long FoundByMapping { get; init; }

    /// <summary>Found by a read of a block device: EIO.</summary>
    public long FoundBySector { get; init; }

    /// <summary>Found by a scrub.</summary>
    public long FoundByScrub { get; init; }

    /// <summary>Not found by the end.</summary>
    public long NeverFound { get; init; }

    /// <summary>Cleared by writes.</summary>
    public long ClearedByWrite { get; init; }

    /// <summary>Cleared after they were known.</summary>
    public long Repaired { get; init; }

    /// <summary>Bytes of namespaces whose content was lost.</summary>
    public long LostBytes { get; init; }

    /// <summary>Errors by the namespace they hit: <c>host/namespace0.0</c>.</summary>
    public IReadOnlyDictionary<string, long> ByNamespace { get; set; } = new Dictionary<string, long>();

    /// <summary>Microseconds from errors to their discovery, all together.</summary>
    public long DelayMicroseconds { get; init; }

    /// <summary>The longest of them.</summary>
    public long LongestDelayMicroseconds { get; init; }

    /// <summary>How many discoveries took less than 2^n microseconds and not less than half of it, by n.</summary>
    public IReadOnlyList<long> Delays { get; set; } = [];
}

/// <summary>A campaign's part of one host.</summary>
public sealed record CampaignPartDto
{
    /// <summary>Counts.</summary>
    public required CampaignSummaryDto Summary { get; init; }

    /// <summary>The host's event log, compressed by gzip.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] // a null array would be written as ""
    public byte[]? Log { get; set; }
}

/// <summary>A DIMM of a campaign.</summary>
public sealed record CampaignDimmDto
{
    /// <summary>The DIMM.</summary>
    public required Guid DimmId { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>What namespaces have of it, by DPA.</summary>
    public required IReadOnlyList<CampaignAreaDto> Areas { get; init; }
}

/// <summary>A namespace's share of a DIMM.</summary>
/// <param name="Dpa">First byte.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Namespace">The namespace.</param>
/// <param name="Mapped">It is in devdax mode.</param>
public sealed record CampaignAreaDto(long Dpa, long Length, string Namespace, bool Mapped);
