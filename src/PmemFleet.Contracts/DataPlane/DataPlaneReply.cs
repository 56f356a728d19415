using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Contracts.DataPlane;

/// <summary>
/// A worker's answer to a request the Api passed on. It carries what the request changed on the DIMMs, so that the Api shows a
/// found or cleared error at once; the next sync brings the same again and changes nothing.
/// </summary>
/// <typeparam name="T">The resource.</typeparam>
public sealed record DataPlaneReply<T>
    where T : class
{
    /// <summary>The resource; null where the request was refused or gives none.</summary>
    public T? Value { get; init; }

    /// <summary>Why it was refused.</summary>
    public RefusalDto? Refusal { get; init; }

    /// <summary>DIMMs whose state the request changed.</summary>
    public IReadOnlyList<DimmObservation> Observations { get; set; } = [];
}

/// <summary>The routes and headers of a worker's data plane. The worker's advertised URL is the base.</summary>
public static class DataPlaneRoutes
{
    /// <summary>Request header: the epoch the Api knows; another one is answered 409, rule <c>fenced</c>.</summary>
    public const string EpochHeader = "PmemFleet-Epoch";

    /// <summary>Request header: a key of the caller's Idempotency-Key and of who the caller is; the worker answers a repeat from memory.</summary>
    public const string IdempotencyHeader = "Idempotency-Key";

    /// <summary>How a key begins that the Api gave a single request, so that it may ask again; a caller's key as workers are given it is hexadecimal.</summary>
    public const string OwnKeyPrefix = "api-";

    /// <summary>Response header, <c>true</c>: the answer was given before under this key.</summary>
    public const string ReplayedHeader = "Idempotency-Replayed";

    /// <summary>Response header of octet-stream answers: base64 JSON of the observations, absent where nothing changed.</summary>
    public const string ObservationsHeader = "PmemFleet-Observations";

    /// <summary>All routes of a host: processes, mappings, accesses, data and media are below it.</summary>
    public const string Host = "/v1/hosts/{hostId:guid}";

    /// <summary>
    /// Below a host: the routes of processes and of namespace data once more, as dry runs. A path and not a flag, so that a worker that does not
    /// know dry runs refuses one and does not do it.
    /// </summary>
    public const string DryRun = "dry-run";
}

/// <summary>The value of a request that gives nothing but its success.</summary>
public sealed record Acknowledged;

/// <summary>Asks whether the info blocks at these places of a DIMM may reach a real machine.</summary>
public sealed record HazardQuery
{
    /// <summary>Where namespaces begin: DPA.</summary>
    public required IReadOnlyList<long> Starts { get; init; }
}
