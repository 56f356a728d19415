using Microsoft.Extensions.Options;
using Npgsql;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Events;

/// <summary>Compacts events now and then. Several replicas may: each deletes what the others have not.</summary>
public sealed partial class EventCompactionLoop(
    EventCompaction compaction, DatabaseReadiness database, IOptions<RetentionOptions> options, TimeProvider time, ILogger<EventCompactionLoop> logger)
    : BackgroundService
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
                var deleted = await compaction.CompactAsync(time.GetUtcNow() - TimeSpan.FromHours(options.Value.EventHours), stoppingToken);
                if (deleted > 0)
                {
                    LogCompacted(deleted);
                }
            }
            catch (Exception lost) when (lost is NpgsqlException or InvalidOperationException)
            {
                LogFailed(lost.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(EventId = 1052, Level = LogLevel.Information, Message = "{Count} events compacted")]
    private partial void LogCompacted(int count);

    [LoggerMessage(EventId = 1053, Level = LogLevel.Warning, Message = "Events could not be compacted: {Reason}")]
    private partial void LogFailed(string reason);
}
