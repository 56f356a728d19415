using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace PmemFleet.Api.Persistence;

/// <summary>Whether the database is there and has this program's schema. A database may come late: everything here tries again.</summary>
public sealed partial class DatabaseReadiness(IDbContextFactory<FleetDbContext> contexts, TimeProvider time, ILogger<DatabaseReadiness> logger)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private volatile bool _migrated;

    /// <summary>Null: ready. Else why not, in words that name no secret.</summary>
    public async Task<string?> WhyNotAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var db = await contexts.CreateDbContextAsync(cancellationToken);
            if (_migrated)
            {
                await db.Database.ExecuteSqlRawAsync("SELECT 1", cancellationToken);
                return null;
            }

            if ((await db.Database.GetPendingMigrationsAsync(cancellationToken)).Any())
            {
                return "migrations are pending";
            }

            await db.ApiKeys.AnyAsync(cancellationToken);
            _migrated = true;
            return null;
        }
        catch (Exception lost) when (lost is NpgsqlException or TimeoutException or InvalidOperationException { InnerException: NpgsqlException })
        {
            return lost is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable } ? "the schema is missing" : "the database cannot be reached";
        }
    }

    /// <summary>Returns once the database is there and migrated.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 0; await WhyNotAsync(cancellationToken) is { } reason; attempt++)
        {
            LogWaiting(reason);
            await PauseAsync(attempt, cancellationToken);
        }
    }

    /// <summary>Does something with the database, again and again for as long as it cannot be reached.</summary>
    public async Task RetryAsync(Func<CancellationToken, Task> action, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await action(cancellationToken);
                return;
            }
            catch (Exception lost) when (IsTransient(lost))
            {
                LogWaiting(lost.Message);
                await PauseAsync(attempt, cancellationToken);
            }
        }
    }

    private static bool IsTransient(Exception failure) =>
        (failure as NpgsqlException ?? failure.InnerException as NpgsqlException) is { IsTransient: true };

    private Task PauseAsync(int attempt, CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromMilliseconds(100 << Math.Min(attempt, 6));
        return Task.Delay(pause < LongestPause ? pause : LongestPause, time, cancellationToken);
    }

    [LoggerMessage(EventId = 1040, Level = LogLevel.Warning, Message = "Waiting for the database: {Reason}")]
    private partial void LogWaiting(string reason);
}
