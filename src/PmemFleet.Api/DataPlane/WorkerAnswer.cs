using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.DataPlane;

/// <summary>What a worker answered, or why it could not be asked.</summary>
/// <typeparam name="T">The resource.</typeparam>
public sealed record WorkerAnswer<T>
    where T : class
{
    /// <summary>The resource; null where it was refused.</summary>
    public T? Value { get; init; }

    public RefusalDto? Refusal { get; init; }

    /// <summary>The HTTP status of the refusal, where the worker chose one.</summary>
    public int? Status { get; init; }

    /// <summary>The resource's ETag, where the worker says one.</summary>
    public string? Etag { get; init; }

    /// <summary>It was given before, under the same Idempotency-Key.</summary>
    public bool Replayed { get; init; }

    public IReadOnlyList<DimmObservation> Observations { get; init; } = [];
}

/// <summary>Refusals of the way to a worker.</summary>
public static class WorkerRefusals
{
    public static RefusalDto HostOff(string host) => new()
    {
        Errno = "EBUSY",
        Code = "host-off",
        Message = $"The host '{host}' is powered off; switch it on with POST /v1/hosts/{host}/power.",
    };

    public static RefusalDto HostNotReady(string host, string why) => new()
    {
        Errno = "EAGAIN",
        Code = "host-not-ready",
        Message = $"The host '{host}' is not ready: {why}.",
    };

    public static RefusalDto Unreachable(WorkerTarget target, string why) => new()
    {
        Errno = "EAGAIN",
        Code = "worker-unreachable",
        Message = $"The worker '{target.WorkerName}' that holds '{target.HostName}' does not answer: {why}.",
    };
}
