using PmemFleet.Contracts.DataPlane;

namespace PmemFleet.Api.DataPlane;

/// <summary>What a worker does a request on, beyond its host's epoch.</summary>
public sealed record RequestConditions
{
    /// <summary>Done once under this key, which is bound to its caller, or to one request of one.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Done only while the resource has this ETag.</summary>
    public string? IfMatch { get; init; }

    /// <summary>
    /// The conditions of a caller's write. A conditional one without a key of the caller's has one of its own: a connection that breaks after the worker
    /// has done it leaves the Api to ask again, and without a key the tag would be compared with what the write itself has made of the resource.
    /// </summary>
    /// <param name="key">The caller's key, if it counts.</param>
    /// <param name="tag">The tag, where the write is conditional.</param>
    public static RequestConditions Of(string? key, string? tag) => new()
    {
        IdempotencyKey = key ?? (tag is null ? null : $"{DataPlaneRoutes.OwnKeyPrefix}{Guid.NewGuid():N}"),
        IfMatch = tag,
    };
}
