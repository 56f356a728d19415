using Microsoft.EntityFrameworkCore;
using Npgsql;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Idempotency;

/// <summary>Deletes expired keys now and then. An expired key is free whether it is deleted or not.</summary>
public sealed partial class IdempotencyExpiry(
    FleetTransactions transactions, DatabaseReadiness database, TimeProvider time, ILogger<IdempotencyExpiry> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await database.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(Every, time);
        do
        {
            try
            {
                var now = time.GetUtcNow();
                await transactions.RunAsync(
                    (db, token) => db.Set<IdempotencyKeyRow>().Where(row => row.ExpiresAt <= now).ExecuteDeleteAsync(token), stoppingToken);
            }
            catch (Exception lost) when (lost is NpgsqlException or InvalidOperationException)
            {
                LogFailed(lost.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(EventId = 1070, Level = LogLevel.Warning, Message = "Expired idempotency keys could not be deleted: {Reason}")]
    private partial void LogFailed(string reason);
}
