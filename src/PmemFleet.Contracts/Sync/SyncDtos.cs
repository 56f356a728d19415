using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using PmemFleet.Contracts.Health;

namespace PmemFleet.Contracts.Sync;

/// <summary>
/// A worker's one open request (design section 3): heartbeat, finished work and observations up. Level-triggered: a lost, late
/// or doubled message changes nothing.
/// </summary>
public sealed record SyncRequest
{
    /// <summary>The instance that joined; another one means a newer process took the name, and this one is fenced.</summary>
    [Required]
    public Guid? InstanceId { get; init; }

    /// <summary>
    /// The hosts it holds, and what it has seen of them: all of them, or, beside a <see cref="HostsDigest"/> that is not empty, only those of which it has
    /// accepted tasks whose results are not acknowledged. Of a host that is not named it has accepted nothing.
    /// </summary>
    [Required]
    public IReadOnlyList<HeldHost>? Hosts { get; init; }

    /// <summary>
    /// The digest of the last answer that was applied completely, while exactly its hosts are held; empty: none, and <see cref="Hosts"/> names all; null
    /// (and not on the wire, where an Api that is older would refuse it): the sync as it was before digests.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? HostsDigest { get; init; }

    /// <summary>Finished tasks that were not acknowledged yet, oldest first.</summary>
    [Required]
    public IReadOnlyList<TaskResult>? Results { get; init; }

    /// <summary>Progress of running tasks.</summary>
    public IReadOnlyList<TaskProgress>? Progress { get; init; }

    /// <summary>State of DIMMs that changed since it was last acknowledged.</summary>
    [Required]
    public IReadOnlyList<DimmObservation>? Observations { get; init; }

    /// <summary>Seconds the Api may hold the request while nothing changes; 0 to 25.</summary>
    public int WaitSeconds { get; init; }
}

/// <summary>A host a worker holds.</summary>
public sealed record HeldHost
{
    /// <summary>The host.</summary>
    public required Guid HostId { get; init; }

    /// <summary>The epoch under which it holds it.</summary>
    public required long Epoch { get; init; }

    /// <summary>The newest layout it has.</summary>
    public required long ObservedGeneration { get; init; }

    /// <summary>The highest task sequence it has accepted.</summary>
    public required long AcceptedSequence { get; init; }
}

/// <summary>How far a task is.</summary>
public sealed record TaskProgress
{
    /// <summary>The task.</summary>
    public required Guid TaskId { get; init; }

    /// <summary>0 to 1.</summary>
    public required double Fraction { get; init; }
}

/// <summary>What comes down.</summary>
public sealed record SyncResponse
{
    /// <summary>Seconds until the lease ends; a worker that cannot renew by then stops its hosts.</summary>
    public required int LeaseSeconds { get; init; }

    /// <summary>Results that are committed; the worker forgets them.</summary>
    public required IReadOnlyList<Guid> AcknowledgedResults { get; init; }

    /// <summary>Observations that are committed.</summary>
    public required IReadOnlyList<AcknowledgedObservation> AcknowledgedObservations { get; init; }

    /// <summary>
    /// All hosts the worker holds now; a host it holds that is absent here is not its own any more and is dropped. Where the answer is
    /// <see cref="Partial"/>, only hosts with tasks, and an absent one stays as it is.
    /// </summary>
    public required IReadOnlyList<HostAssignment> Hosts { get; init; }

    /// <summary>The worker's hosts, their epochs and generations are those of the digest it sent, or it has to ask anew (<see cref="HostsDigest"/> is empty).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Partial { get; init; }

    /// <summary>
    /// A fingerprint of all hosts the worker holds now, their epochs and generations; its form is the Api's own affair. Empty: the one that was sent is not that of
    /// its hosts, and the next request names all of them. Null, and not on the wire, where the request had none.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? HostsDigest { get; init; }

    /// <summary>Tasks to stop, if they still run.</summary>
    public required IReadOnlyList<Guid> CancelledTasks { get; init; }
}

/// <summary>An observation that is committed.</summary>
/// <param name="DimmId">The DIMM.</param>
/// <param name="Version">Its version.</param>
public sealed record AcknowledgedObservation(Guid DimmId, long Version);

/// <summary>A host as its worker has to hold it.</summary>
public sealed record HostAssignment
{
    /// <summary>The host.</summary>
    public required Guid HostId { get; init; }

    /// <summary>Fencing epoch: the media store refuses an older one.</summary>
    public required long Epoch { get; init; }

    /// <summary>Generation of the layout.</summary>
    public required long Generation { get; init; }

    /// <summary>DIMMs and regions; null where the worker's generation is current.</summary>
    public HostLayout? Layout { get; init; }

    /// <summary>Tasks not finished yet, in sequence; executed strictly in this order.</summary>
    public required IReadOnlyList<WorkerTask> Tasks { get; init; }
}

/// <summary>What is plugged into a host. Namespaces are not in it: they come with bind steps.</summary>
public sealed record HostLayout
{
    /// <summary>The host's name.</summary>
    public required string HostName { get; init; }

    /// <summary>1 GiB leaves.</summary>
    public required bool SupportsPud { get; init; }

    /// <summary>4 or 5.</summary>
    public required int PageTableLevels { get; init; }

    /// <summary>Kernel profile.</summary>
    public required string Profile { get; init; }

    /// <summary>DIMMs, and behind them the media of legacy regions, each under its region's id.</summary>
    public required IReadOnlyList<DimmLayout> Dimms { get; init; }

    /// <summary>Regions.</summary>
    public required IReadOnlyList<RegionLayout> Regions { get; init; }
}

/// <summary>A DIMM's media, or the media of a legacy region.</summary>
public sealed record DimmLayout
{
    /// <summary>The DIMM, or the legacy region.</summary>
    public required Guid DimmId { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes of DPA space.</summary>
    public required long Capacity { get; init; }

    /// <summary>Bytes one clear-error command covers.</summary>
    public required int ClearErrorUnit { get; init; }
}

/// <summary>A region's place.</summary>
public sealed record RegionLayout
{
    /// <summary>The region.</summary>
    public required Guid RegionId { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>System physical address.</summary>
    public required long Start { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>The DIMMs by position; interleaved in lines of 4 KiB. A legacy region has one mapping: all of its own media.</summary>
    public required IReadOnlyList<RegionMappingLayout> Mappings { get; init; }
}

/// <summary>A DIMM's share of a region.</summary>
/// <param name="DimmId">The DIMM.</param>
/// <param name="DpaStart">First DPA of the share.</param>
/// <param name="Length">Bytes of the share.</param>
public sealed record RegionMappingLayout(Guid DimmId, long DpaStart, long Length);

/// <summary>Poison and health of one DIMM: the whole state, with a version, so that the newest wins.</summary>
public sealed record DimmObservation
{
    /// <summary>The host.</summary>
    public required Guid HostId { get; init; }

    /// <summary>The DIMM.</summary>
    public required Guid DimmId { get; init; }

    /// <summary>The epoch under which it was seen.</summary>
    public required long Epoch { get; init; }

    /// <summary>Goes up with each change, over restarts too.</summary>
    public required long Version { get; init; }

    /// <summary>What is poisoned on the media, by DPA: the first 1024 ranges of it.</summary>
    public required IReadOnlyList<DpaRange> Poison { get; init; }

    /// <summary>What the host's bus lists as bad, by DPA: the first 1024 ranges of it.</summary>
    public required IReadOnlyList<DpaRange> BadRanges { get; init; }

    /// <summary>Unsafe shutdowns counted.</summary>
    public required long DirtyShutdownCount { get; init; }

    /// <summary>Scrub passes of the host's bus.</summary>
    public required long ScrubCount { get; init; }

    /// <summary>Ranges that are poisoned, all of them.</summary>
    public long PoisonRanges { get; set; }

    /// <summary>Bytes that are poisoned.</summary>
    public long PoisonBytes { get; set; }

    /// <summary>Ranges that the bus lists, all of them.</summary>
    public long KnownRanges { get; set; }

    /// <summary>Bytes that the bus lists.</summary>
    public long KnownBytes { get; set; }

    /// <summary>Health, firmware and security; null from a worker that does not tell.</summary>
    public DimmHealthDto? Health { get; set; }
}

/// <summary>A range of one DIMM.</summary>
/// <param name="Dpa">First byte.</param>
/// <param name="Length">Bytes.</param>
public sealed record DpaRange(long Dpa, long Length);
