using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Sync;

/// <summary>Looks at the room of the media every second; the Api is told when it ends and when it is back.</summary>
internal sealed partial class MediaRoomWatch(MediaRoom room, HostConditions conditions, TimeProvider time, ILogger<MediaRoomWatch> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var wasFull = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (room.IsFull is var isFull && isFull != wasFull)
                {
                    LogChanged(isFull ? "full: new room is refused" : "not full any more", room.FreeBytes, room.ReserveBytes);
                    wasFull = isFull;
                    conditions.Touch();
                }
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                LogUnknown(failure.Message);
            }

            await Task.Delay(Period, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(EventId = 1011, Level = LogLevel.Warning, Message = "The media pool's file system is {State} ({Free} bytes free, {Reserve} in reserve)")]
    private partial void LogChanged(string state, long free, long reserve);

    [LoggerMessage(EventId = 1012, Level = LogLevel.Warning, Message = "The room of the media pool's file system is not known: {Reason}")]
    private partial void LogUnknown(string reason);
}
