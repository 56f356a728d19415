namespace PmemFleet.Api.DataPlane;

/// <summary>What a worker does a request on, beyond its host's epoch.</summary>
public sealed record RequestConditions
{
    /// <summary>Done once under this key, which is bound to its caller.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Done only while the resource has this ETag.</summary>
    public string? IfMatch { get; init; }
}
