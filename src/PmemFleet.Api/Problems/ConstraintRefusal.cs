using Npgsql;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Problems;

/// <summary>What a violated constraint of the database means to the caller. Register one as a singleton for each constraint that a race can hit.</summary>
/// <param name="Constraint">The constraint's written-out name.</param>
/// <param name="Refusal">The refusal it stands for.</param>
public sealed record ConstraintRefusal(string Constraint, RefusalDto Refusal)
{
    /// <summary>The refusal of a failed save, or null: then it is a bug.</summary>
    public static RefusalDto? Find(IEnumerable<ConstraintRefusal> known, Exception failure) =>
        (failure as PostgresException ?? failure.InnerException as PostgresException)?.ConstraintName is { } name
            ? known.FirstOrDefault(candidate => candidate.Constraint == name)?.Refusal
            : null;
}
