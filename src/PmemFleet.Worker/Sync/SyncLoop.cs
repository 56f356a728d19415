using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Tasks;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace PmemFleet.Worker.Sync;

/// <summary>
/// Joins, then keeps one request open: results and observations up, assignments and tasks down. Nothing is remembered between two
/// syncs but what is on the disk, so whatever is lost or doubled changes nothing.
/// </summary>
internal sealed partial class SyncLoop(
    WorkerOptions options, FleetClient client, LiveHosts hosts, HostRunner runner, SyncSignal signal, TimeProvider time, ILogger<SyncLoop> log)
    : BackgroundService
{
    /// <summary>The Api holds a sync no longer than this.</summary>
    public const int LongestWaitSeconds = 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private Guid _instance;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        JoinResponse? joined = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                joined ??= await JoinAsync(stoppingToken);
                if (signal.TakeRejoin() || !await SyncOnceAsync(joined, stoppingToken))
                {
                    LogFenced();
                    await DropAllAsync();
                    joined = null;
                }
            }
            catch (Exception failure) when (failure is HttpRequestException or TimeoutRejectedException or BrokenCircuitException or System.Text.Json.JsonException or IOException)
            {
                LogUnreachable(failure.Message);
                await Task.Delay(Pause, time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task<JoinResponse> JoinAsync(CancellationToken cancellation)
    {
        _instance = Guid.CreateVersion7(time.GetUtcNow());
        var request = new JoinRequest
        {
            Name = options.Name,
            MediaPool = options.MediaPool,
            AdvertisedUrl = options.AdvertisedUrl.ToString(),
            InstanceId = _instance,
            Version = typeof(SyncLoop).Assembly.GetName().Version!.ToString(3),
        };
        var joined = await client.JoinAsync(request, options.JoinToken, cancellation);
        hosts.DataPlaneCredential = joined.DataPlaneCredential;
        LogJoined(options.Name, joined.WorkerId);
        return joined;
    }

    /// <summary>One sync; false where this instance is not the worker's own any more.</summary>
    private async Task<bool> SyncOnceAsync(JoinResponse joined, CancellationToken cancellation)
    {
        // everything that is signalled from here on is either in this request or cuts its wait short
        using var wait = signal.Arm(cancellation);
        var sentAt = time.GetTimestamp();
        var request = Collect();
        var outcome = await SendAsync(joined, request, wait, cancellation);
        if (outcome is null)
        {
            return true;
        }

        if (outcome.Response is not { } response)
        {
            return false;
        }

        hosts.Renew(sentAt, TimeSpan.FromSeconds(response.LeaseSeconds));
        await ApplyAsync(response);
        return true;
    }

    /// <summary>Sends the request; null where a result came up in the meantime and a new request has to carry it.</summary>
    private async Task<SyncOutcome?> SendAsync(JoinResponse joined, SyncRequest request, CancellationTokenSource wait, CancellationToken cancellation)
    {
        try
        {
            return await client.SyncAsync(joined.WorkerId, joined.Credential, request, request.WaitSeconds > 0 ? wait.Token : cancellation);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private SyncRequest Collect()
    {
        var held = hosts.All.ToList();
        var results = held.SelectMany(host => host.Store.Results).ToList();
        var observations = held.SelectMany(host => host.PendingObservations()).ToList();
        return new SyncRequest
        {
            InstanceId = _instance,
            Hosts = [.. held.Select(host => new Contracts.Sync.HeldHost
            {
                HostId = host.Store.HostId,
                Epoch = host.Store.Epoch,
                ObservedGeneration = host.Generation,
                AcceptedSequence = host.AcceptedSequence,
            })],
            Results = results,
            Observations = observations,
            WaitSeconds = results.Count + observations.Count > 0 ? 0 : LongestWaitSeconds,
        };
    }

    private async Task ApplyAsync(SyncResponse response)
    {
        foreach (var host in hosts.All)
        {
            foreach (var taskId in response.AcknowledgedResults)
            {
                host.Store.Forget(taskId);
            }

            foreach (var observation in response.AcknowledgedObservations)
            {
                host.Acknowledge(observation);
            }
        }

        var mine = response.Hosts.Select(assignment => assignment.HostId).ToHashSet();
        foreach (var gone in hosts.All.Select(host => host.Store.HostId).Where(id => !mine.Contains(id)).ToList())
        {
            LogDropped(gone);
            await hosts.DropAsync(gone);
        }

        foreach (var assignment in response.Hosts)
        {
            await ApplyAsync(assignment);
        }
    }

    private async Task ApplyAsync(HostAssignment assignment)
    {
        var held = hosts.FindUnleased(assignment.HostId);
        if (held is not null && held.Store.Epoch != assignment.Epoch)
        {
            await hosts.DropAsync(assignment.HostId);
            held = null;
        }

        if (held is null)
        {
            if (assignment.Layout is null || HostStore.TryOpen(options.DataDirectory, assignment.HostId, assignment.Epoch) is not { } store)
            {
                return;
            }

            held = new LiveHost(store, assignment.Layout, assignment.Generation);
            hosts.Hold(held);
        }
        else if (assignment.Layout is not null && assignment.Generation > held.Generation)
        {
            await held.Gate.WaitAsync();
            held.Apply(assignment.Layout, assignment.Generation);
            held.Gate.Release();
        }

        runner.Offer(held, assignment.Tasks);
    }

    private async Task DropAllAsync()
    {
        foreach (var host in hosts.All.ToList())
        {
            await hosts.DropAsync(host.Store.HostId);
        }
    }

    [LoggerMessage(EventId = 1001, Level = LogLevel.Information, Message = "Joined as {Name}, {WorkerId}")]
    private partial void LogJoined(string name, Guid workerId);

    [LoggerMessage(EventId = 1002, Level = LogLevel.Warning, Message = "The Api cannot be reached: {Reason}")]
    private partial void LogUnreachable(string reason);

    [LoggerMessage(EventId = 1003, Level = LogLevel.Warning, Message = "Fenced: a newer instance has this worker's name, or its credential ended; joining anew")]
    private partial void LogFenced();

    [LoggerMessage(EventId = 1004, Level = LogLevel.Information, Message = "Host {HostId} is another worker's now")]
    private partial void LogDropped(Guid hostId);
}
