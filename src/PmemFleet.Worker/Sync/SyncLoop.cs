using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace PmemFleet.Worker.Sync;

/// <summary>
/// Joins, then keeps one request open: results and observations up, assignments and tasks down. Nothing is remembered between two
/// syncs but what is on the disk, and what the Api need not be told again (<see cref="KnownHosts"/>), so whatever is lost or doubled changes nothing.
/// </summary>
internal sealed partial class SyncLoop(
    WorkerOptions options, FleetClient client, LiveHosts hosts, HostAssignments assignments, KnownHosts known, SyncSignal signal, PoolFolder pool, MediaRoom room,
    HostConditions conditions, TimeProvider time, ILogger<SyncLoop> log) : BackgroundService
{
    /// <summary>The Api holds a sync no longer than this.</summary>
    public const int LongestWaitSeconds = 20;

    /// <summary>About so many bytes of results, and of observations, go up in one request.</summary>
    private const int MostBytes = 4 << 20;
    private const int EnvelopeBytes = 2048;
    private const int RangeBytes = 40;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(5);

    private Guid _instance;
    private long _reported;
    private TimeSpan _pauseWhenFenced = TimeSpan.Zero;

    /// <summary>Stops: nothing is given back, but what was stored is on the disk.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await DropAllAsync().WaitAsync(FlushTime, time, CancellationToken.None);
        }
        catch (Exception failure) when (failure is IOException or TimeoutException)
        {
            LogUnflushed(failure.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        JoinResponse? joined = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                joined = await SyncOrJoinAsync(joined, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // whatever one round met, the next one may not; a worker that gave up would take all its hosts with it
            catch (Exception failure)
#pragma warning restore CA1031
            {
                if (failure is HttpRequestException or TimeoutRejectedException or BrokenCircuitException or IOException)
                {
                    LogUnreachable(failure.Message);
                    WorkerTelemetry.SyncFailures.Add(1, new KeyValuePair<string, object?>("reason", "unreachable"));
                }
                else
                {
                    LogUnexpected(failure);
                }

                known.AskAgain();
                await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>One round: a join where there is none, and a sync. The join that holds after it.</summary>
    private async Task<JoinResponse?> SyncOrJoinAsync(JoinResponse? joined, CancellationToken cancellation)
    {
        joined ??= await JoinAsync(cancellation);
        await ReportAsync(joined, cancellation);
        switch (await SyncOnceAsync(joined, cancellation))
        {
            case SyncOutcome.Fenced:
                LogFenced();
                WorkerTelemetry.SyncFailures.Add(1, new KeyValuePair<string, object?>("reason", "fenced"));
                await DropAllAsync();
                _instance = Guid.Empty;

                // two processes of one name would take it from each other without an end; each time they wait longer
                await Task.Delay(_pauseWhenFenced, time, cancellation);
                _pauseWhenFenced = _pauseWhenFenced == TimeSpan.Zero ? Pause : _pauseWhenFenced * 2 < LongestPause ? _pauseWhenFenced * 2 : LongestPause;
                return null;
            case SyncOutcome.NotKnown unknown:
                // the same instance asks again: within its lease it keeps its hosts, and else the epochs say so
                LogNotKnown((int)unknown.Status);
                WorkerTelemetry.SyncFailures.Add(1, new KeyValuePair<string, object?>("reason", "not-known"));
                await Task.Delay(Pause, time, cancellation);
                return null;
            case SyncOutcome.NotUnderstood:
                known.GiveUp();
                return joined;
            default:
                return joined;
        }
    }

    private async Task<JoinResponse> JoinAsync(CancellationToken cancellation)
    {
        // an answer that was lost is asked for again under the same instance, which changes nothing
        _instance = _instance == Guid.Empty ? Guid.CreateVersion7(time.GetUtcNow()) : _instance;
        var folder = pool.Look();
        var request = new JoinRequest
        {
            PoolId = folder.Id,
            PoolState = folder.State,
            NewPool = options.NewPool,
            Name = options.Name,
            MediaPool = options.MediaPool,
            AdvertisedUrl = options.AdvertisedUrl.ToString(),
            InstanceId = _instance,
            Version = typeof(SyncLoop).Assembly.GetName().Version!.ToString(3),
        };
        var joined = await client.JoinAsync(request, options.JoinToken, cancellation);
        pool.Join(folder.Id);
        assignments.WasUp = host => client.WasUpAsync(joined.WorkerId, joined.Credential, host, cancellation);
        _reported = 0;
        hosts.DataPlaneCredential = joined.DataPlaneCredential;
        known.Forget();
        LogJoined(options.Name, joined.WorkerId);
        return joined;
    }

    /// <summary>Reports what keeps this worker from serving its hosts, where it has changed. A report that fails is made again with the next round.</summary>
    private async Task ReportAsync(JoinResponse joined, CancellationToken cancellation)
    {
        var version = conditions.Version;
        if (version == _reported)
        {
            return;
        }

        try
        {
            var report = new WorkerConditions { InstanceId = _instance, Hosts = conditions.Hosts, MediaFull = room.IsFull };
            _ = await client.ReportAsync(joined.WorkerId, joined.Credential, report, cancellation);
            _reported = version;
        }
        catch (HttpRequestException failure)
        {
            LogUnreported(failure.Message);
        }
    }

    /// <summary>One sync; null where a new request has to carry what came up.</summary>
    private async Task<SyncOutcome?> SyncOnceAsync(JoinResponse joined, CancellationToken cancellation)
    {
        // everything that is signalled from here on is either in this request or cuts its wait short
        using var wait = signal.Arm(cancellation);
        var sentAt = time.GetTimestamp();
        var request = Collect();
        var outcome = await SendAsync(joined, request, wait, cancellation);
        if (outcome is SyncOutcome.Answered { Response: var response })
        {
            hosts.Renew(sentAt, TimeSpan.FromSeconds(response.LeaseSeconds));
            var isHeard = request.Results!.Count == 0 || response.AcknowledgedResults.Count > 0;
            var isWhole = await assignments.ApplyAsync(response);
            known.Note(response, isWhole);
            if (!isWhole || !isHeard)
            {
                // the next request would be answered at once, with the same
                await Task.Delay(Pause, time, cancellation);
            }
            else if (response.Hosts.Count > 0)
            {
                _pauseWhenFenced = TimeSpan.Zero;
            }

            if (BringsNothing(response) && (response.HostsDigest is not "" || request.HostsDigest is ""))
            {
                // a cancellation that is known is repeated at once until its task ends
                await Task.Delay(Breath, time, cancellation);
            }
        }

        return outcome;
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

    private static bool BringsNothing(SyncResponse response) => response.AcknowledgedResults.Count == 0 && response.AcknowledgedObservations.Count == 0
        && response.Hosts.All(host => host.Layout is null && host.Tasks.Count == 0);

    private SyncRequest Collect()
    {
        var held = hosts.All.ToList();
        var results = UpTo(MostBytes, held.SelectMany(host => host.Store.Results), result => EnvelopeBytes + result.Steps.OfType<StepCampaign>().Sum(step => step.Part.Log?.Length ?? 0));
        var observations = UpTo(MostBytes, held.SelectMany(host => host.PendingObservations()), seen => EnvelopeBytes + (RangeBytes * (seen.Poison.Count + seen.BadRanges.Count)));
        var digest = known.Digest;
        return new SyncRequest
        {
            InstanceId = _instance,
            HostsDigest = digest,
            Hosts = [.. held.Where(host => digest is null or "" || IsBusy(host)).Select(host => new Contracts.Sync.HeldHost
            {
                HostId = host.Store.HostId,
                Epoch = host.Store.Epoch,
                ObservedGeneration = host.Generation,
                AcceptedSequence = host.AcceptedSequence,
            })],
            Results = results,
            Progress = [.. held.SelectMany(host => host.LongTasks.Values).Where(task => task.Fraction > 0).Select(task => new TaskProgress { TaskId = task.TaskId, Fraction = task.Fraction })],
            Observations = observations,
            WaitSeconds = results.Count + observations.Count > 0 ? 0 : LongestWaitSeconds,
        };
    }

    /// <summary>It has tasks that the Api must not give it again. In this order: a result is kept before its task counts as ended.</summary>
    private static bool IsBusy(LiveHost host) => !host.UnderWay.IsEmpty || host.Store.HasResults;

    /// <summary>No more than one request should carry, and at least one; the next request brings the rest.</summary>
    private static List<T> UpTo<T>(int bytes, IEnumerable<T> all, Func<T, int> sizeOf)
    {
        var (some, sum) = (new List<T>(), 0L);
        foreach (var one in all)
        {
            sum += sizeOf(one);
            if (some.Count > 0 && sum > bytes)
            {
                break;
            }

            some.Add(one);
        }

        return some;
    }

    private async Task DropAllAsync()
    {
        foreach (var host in hosts.All.ToList())
        {
            if (await hosts.DropAsync(host.Store.HostId) is { } failure)
            {
                LogUnflushed(failure.Message);
            }
        }
    }

    [LoggerMessage(EventId = 1001, Level = LogLevel.Information, Message = "Joined as {Name}, {WorkerId}")]
    private partial void LogJoined(string name, Guid workerId);

    [LoggerMessage(EventId = 1002, Level = LogLevel.Warning, Message = "The Api cannot be reached: {Reason}")]
    private partial void LogUnreachable(string reason);

    [LoggerMessage(EventId = 1003, Level = LogLevel.Warning, Message = "Fenced: a newer instance has this worker's name, or its lease ended; joining anew")]
    private partial void LogFenced();

    [LoggerMessage(EventId = 1005, Level = LogLevel.Warning, Message = "The Api does not know this worker ({Status}); joining again")]
    private partial void LogNotKnown(int status);

    [LoggerMessage(EventId = 1006, Level = LogLevel.Error, Message = "A sync failed")]
    private partial void LogUnexpected(Exception failure);

    [LoggerMessage(EventId = 1010, Level = LogLevel.Warning, Message = "The conditions of hosts could not be reported: {Reason}")]
    private partial void LogUnreported(string reason);

    [LoggerMessage(EventId = 1009, Level = LogLevel.Warning, Message = "Media could not be flushed when their host was let go: {Reason}")]
    private partial void LogUnflushed(string reason);
}
