using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Conventions;

/// <summary>How one write ends. A refusal rolls everything back.</summary>
public abstract record WriteOutcome
{
    private WriteOutcome()
    {
    }

    /// <summary>Refused; the status follows from the refusal unless it is given.</summary>
    public sealed record Refused(RefusalDto Refusal, int? Status = null) : WriteOutcome;

    /// <summary>201 with the resource.</summary>
    public sealed record Created(object Body, string Location, string Etag) : WriteOutcome
    {
        /// <summary>What a replay shows instead of the body, where the body holds a secret that must not be stored.</summary>
        public object? ReplayedBody { get; init; }
    }

    /// <summary>200 with the resource.</summary>
    public sealed record Ok(object Body, string? Etag = null) : WriteOutcome;

    /// <summary>204.</summary>
    public sealed record NoContent(string? Etag = null) : WriteOutcome;

    /// <summary>A worker has to do it: waits as the caller prefers, then answers as the operation ended, or 202.</summary>
    public sealed record Accepted(Guid OperationId) : WriteOutcome;

    /// <summary>The path names nothing.</summary>
    public static WriteOutcome NotFound(string kind, string name) => new Refused(ProblemResults.NotFound(kind, name));

    public static implicit operator WriteOutcome(RefusalDto refusal) => new Refused(refusal);

    public static implicit operator WriteOutcome(Refusal refusal) => new Refused(refusal.ToDto());

    public static WriteOutcome FromRefusalDto(RefusalDto refusal) => refusal;

    public static WriteOutcome FromRefusal(Refusal refusal) => refusal;
}
