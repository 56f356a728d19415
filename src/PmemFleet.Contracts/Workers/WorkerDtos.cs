using System.ComponentModel.DataAnnotations;

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
