using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace PmemFleet.Api.Persistence;

/// <summary>What a transaction's body gives.</summary>
/// <param name="Value">The value.</param>
/// <param name="Commit">False: everything is rolled back.</param>
public readonly record struct TransactionEnd<T>(T Value, bool Commit);

/// <summary>
/// Runs every write: one context, one transaction, SaveChanges, commit, then the wake-ups that the body asked for. A serialization
/// failure or a deadlock repeats the whole body, with a fresh context; so a body touches nothing but its context.
/// </summary>
public sealed partial class FleetTransactions(
    IDbContextFactory<FleetDbContext> contexts, WakeUps wakeUps, TimeProvider time, ILogger<FleetTransactions> logger)
{
    private const int Attempts = 6;

    public Task<T> RunAsync<T>(Func<FleetDbContext, CancellationToken, Task<T>> body, CancellationToken cancellationToken) =>
        RunAsync(async (db, token) => new TransactionEnd<T>(await body(db, token), Commit: true), cancellationToken);

    public Task<T> RunAsync<T>(Func<FleetDbContext, CancellationToken, Task<TransactionEnd<T>>> body, CancellationToken cancellationToken) =>
        RepeatAsync(() => OnceAsync(body, cancellationToken), cancellationToken);

    /// <summary>Does something whole again where it lost a race: what <see cref="RunAsync{T}(Func{FleetDbContext, CancellationToken, Task{T}}, CancellationToken)"/> does, for statements without a context.</summary>
    internal async Task<T> RepeatAsync<T>(Func<Task<T>> once, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await once();
            }
            catch (Exception failure) when (attempt < Attempts && IsRaceLost(failure))
            {
                LogRepeated(attempt, failure);
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(5, 20 << attempt)), time, cancellationToken);
            }
        }
    }

    private async Task<T> OnceAsync<T>(
        Func<FleetDbContext, CancellationToken, Task<TransactionEnd<T>>> body, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        try
        {
            await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
            var end = await body(db, cancellationToken);
            if (!end.Commit)
            {
                await transaction.RollbackAsync(CancellationToken.None);
                return end.Value;
            }

            await db.SaveChangesAsync(cancellationToken);

            // from here on the caller's patience does not count: a commit that is cut short leaves everyone in doubt
            await transaction.CommitAsync(CancellationToken.None);
            var (everywhere, elsewhere) = db.Changes.TakeWakeUps();
            db.Changes.Committed();
            wakeUps.Raise(everywhere);
            wakeUps.RaiseElsewhere(elsewhere);
            return end.Value;
        }
        finally
        {
            // the context is used again: what was not committed must not be the next one's
            db.Changes.Reset();
        }
    }

    /// <summary>
    /// EF wraps what it takes for transient, sometimes twice. A prepared statement whose table a migration has changed under the running replica is
    /// refused once (0A000, "cached plan must not change result type"), and prepared anew by the next attempt.
    /// </summary>
    private static bool IsRaceLost(Exception failure)
    {
        for (var inner = failure; inner is not null; inner = inner.InnerException)
        {
            if (inner is DbUpdateConcurrencyException
                or PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.FeatureNotSupported })
            {
                return true;
            }
        }

        return false;
    }

    [LoggerMessage(EventId = 1001, Level = LogLevel.Debug, Message = "Transaction lost a race, attempt {Attempt}; it is repeated whole")]
    private partial void LogRepeated(int attempt, Exception failure);
}
