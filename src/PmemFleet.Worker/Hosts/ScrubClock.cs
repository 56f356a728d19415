using PmemFleet.Worker.Media;
using PmemFleet.Worker.Sync;

namespace PmemFleet.Worker.Hosts;

/// <summary>Moves the scrubs that run by a clock, and lets the Api know what they find.</summary>
internal sealed class ScrubClock(LiveHosts hosts, SyncSignal signal, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var ticks = new PeriodicTimer(Tick, time);
        while (await ticks.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            foreach (var host in hosts.All.Where(host => host.Scrub.IsPaced))
            {
                await AdvanceAsync(host, stoppingToken);
            }
        }
    }

    private async Task AdvanceAsync(LiveHost host, CancellationToken cancellation)
    {
        await host.Gate.WaitAsync(cancellation);
        try
        {
            if (host.IsDropped || !hosts.LeaseHolds)
            {
                return;
            }

            host.Scrub.Advance();
            if (host.Memory.TakeChanged().Count > 0)
            {
                signal.Raise();
            }
        }
        catch (FencedException)
        {
            // the next request or task of the host meets it too, and lets the host go
        }
        catch (IOException)
        {
            // a full disk, say: what was found is found again by the next tick's scan or by the next scrub
        }
        finally
        {
            host.Gate.Release();
        }
    }
}
