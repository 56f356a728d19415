using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Operations;

/// <summary>Forgets operations some time after their end, and tasks of theirs that nobody did.</summary>
public sealed partial class OperationExpiry(
    FleetTransactions transactions, DatabaseReadiness database, IOptions<RetentionOptions> options, TimeProvider time, ILogger<OperationExpiry> logger)
    : BackgroundService
{
    private const int BatchSize = 5000;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    /// <summary>Deletes one batch of what ended before.</summary>
    /// <returns>How many operations.</returns>
    public Task<int> DeleteAsync(DateTimeOffset endedBefore, CancellationToken cancellationToken) => transactions.RunAsync(
        (db, token) => db.Database.ExecuteSqlAsync(
            $"""
            WITH old AS (
                SELECT id FROM operations o WHERE ended_at < {endedBefore}
                  AND NOT EXISTS (SELECT FROM idempotency_keys k WHERE k.operation_id = o.id)
                ORDER BY ended_at LIMIT {BatchSize} FOR UPDATE SKIP LOCKED
            ), forgotten AS (
                DELETE FROM tasks USING old WHERE tasks.operation_id = old.id
            )
            DELETE FROM operations USING old WHERE operations.id = old.id
            """,
            token),
        cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await database.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(Every, time);
        do
        {
            try
            {
                while (await DeleteAsync(time.GetUtcNow() - TimeSpan.FromHours(options.Value.OperationHours), stoppingToken) == BatchSize)
                {
                }
            }
            catch (Exception lost) when (lost is NpgsqlException or InvalidOperationException)
            {
                LogFailed(lost.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(EventId = 1071, Level = LogLevel.Warning, Message = "Old operations could not be deleted: {Reason}")]
    private partial void LogFailed(string reason);
}
