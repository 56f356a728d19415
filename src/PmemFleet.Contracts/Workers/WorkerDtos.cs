using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace PmemFleet.Contracts.Workers;

/// <summary>A worker, as the fleet's operators see it.</summary>
public sealed record WorkerDto
{
    /// <summary>Id (UUIDv7).</summary>
    public required Guid Id { get; init; }

    /// <summary>Unique name.</summary>
    public required string Name { get; init; }

    /// <summary>Media pool.</summary>
    public required string MediaPool { get; init; }

    /// <summary>Where the Api reaches it.</summary>
    public required string AdvertisedUrl { get; init; }

    /// <summary><c>live</c>, <c>draining</c> (its hosts move to other workers of the pool), <c>drained</c> (it holds none) or <c>lost</c>.</summary>
    public required string State { get; init; }

    /// <summary>Its lease ends then unless it is renewed.</summary>
    public DateTimeOffset? LeaseExpiresAt { get; init; }

    /// <summary>Hosts it holds.</summary>
    public required int HostCount { get; init; }

    /// <summary>New room on its media is refused with <c>ENOSPC</c>: the reserve of the file system has begun.</summary>
    public bool MediaFull { get; init; }

    /// <summary>The program's version.</summary>
    public required string Version { get; init; }
}

/// <summary>A worker asks to join; the join token is the bearer.</summary>
public sealed record JoinRequest
{
    /// <summary>Unique name; the same name after a restart.</summary>
    [Required]
    public string? Name { get; init; }

    /// <summary>Media pool: workers of one pool see the same media directory.</summary>
    [Required]
    public string? MediaPool { get; init; }

    /// <summary>Where the Api reaches it, http(s)://….</summary>
    [Required]
    public string? AdvertisedUrl { get; init; }

    /// <summary>New for each start of the process.</summary>
    [Required]
    public Guid? InstanceId { get; init; }

    /// <summary>The program's version.</summary>
    [Required]
    public string? Version { get; init; }

    /// <summary>
    /// The id that the media folder has, or that it gets where it has none (<see cref="PoolState"/>). Null from a worker of a former version: its folder is not checked.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? PoolId { get; init; }

    /// <summary><c>marked</c>: the folder has the id. <c>unmarked</c>: it has hosts and no id, as former versions left it. <c>empty</c>: it has neither.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [AllowedValues(PoolStates.Marked, PoolStates.Unmarked, PoolStates.Empty, null)]
    public string? PoolState { get; init; }

    /// <summary>The operator declares an empty folder to be the pool from now on, although the pool's hosts had media elsewhere.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NewPool { get; init; }
}

/// <summary>States of a media folder.</summary>
public static class PoolStates
{
    /// <summary>It has a pool's id.</summary>
    public const string Marked = "marked";

    /// <summary>It has hosts and no id.</summary>
    public const string Unmarked = "unmarked";

    /// <summary>It has neither.</summary>
    public const string Empty = "empty";
}

/// <summary>All that keeps a worker from serving its hosts, and the room of its media; it replaces what the worker reported before.</summary>
public sealed record WorkerConditions
{
    /// <summary>The instance that joined.</summary>
    [Required]
    public Guid? InstanceId { get; init; }

    /// <summary>Its hosts that it cannot serve.</summary>
    [Required]
    public IReadOnlyList<HostCondition>? Hosts { get; init; }

    /// <summary>New room on the media is refused: the reserve has begun.</summary>
    public bool MediaFull { get; init; }
}

/// <summary>Why a worker does not serve a host.</summary>
public sealed record HostCondition
{
    /// <summary>The host.</summary>
    [Required]
    public Guid? HostId { get; init; }

    /// <summary>The epoch under which it was given to the worker.</summary>
    public required long Epoch { get; init; }

    /// <summary>A stable name of the reason, such as <c>media-missing</c>.</summary>
    [Required]
    [RegularExpression("^[a-z0-9-]{1,64}$")]
    public string? Code { get; init; }

    /// <summary>The reason, for an operator.</summary>
    [Required]
    [StringLength(2000)]
    public string? Message { get; init; }

    /// <summary>The worker has let the host go under this epoch: it serves it again under a new one, which begins with a boot.</summary>
    public bool WantsBoot { get; init; }
}

/// <summary>What a worker learns of a host whose folder it does not find.</summary>
public sealed record HostMediaDto
{
    /// <summary>The host was up before: its media were made.</summary>
    public required bool Exist { get; init; }
}

/// <summary>What a worker needs from then on.</summary>
public sealed record JoinResponse
{
    /// <summary>Its id.</summary>
    public required Guid WorkerId { get; init; }

    /// <summary>Its own bearer for the worker protocol.</summary>
    public required string Credential { get; init; }

    /// <summary>The bearer with which the Api calls it; the worker refuses any other.</summary>
    public required string DataPlaneCredential { get; init; }

    /// <summary>Seconds a lease lasts.</summary>
    public required int LeaseSeconds { get; init; }
}
