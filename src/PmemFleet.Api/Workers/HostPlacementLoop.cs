using Microsoft.EntityFrameworkCore;
using Npgsql;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Workers;

/// <summary>Places hosts whenever something says so, and every second: a lease ends without anyone saying so.</summary>
public sealed partial class HostPlacementLoop(
    HostPlacement placement, WakeUps wakeUps, DatabaseReadiness database, TimeProvider time, ILogger<HostPlacementLoop> logger) : BackgroundService
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await database.WaitAsync(stoppingToken);
        using var asked = wakeUps.Subscribe(WakeUps.Placement);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await placement.PlaceAsync(stoppingToken))
                {
                }
            }
            catch (Exception lost) when (lost is NpgsqlException or DbUpdateException or InvalidOperationException && !stoppingToken.IsCancellationRequested)
            {
                LogFailed(lost);
                await Task.Delay(Poll, time, stoppingToken);
            }

            await asked.WaitAsync(Poll, stoppingToken);
        }
    }

    [LoggerMessage(EventId = 1060, Level = LogLevel.Warning, Message = "Hosts could not be placed; trying again")]
    private partial void LogFailed(Exception failure);
}
