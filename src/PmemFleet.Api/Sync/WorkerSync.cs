using Microsoft.Extensions.Options;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// A worker's one open request. What it brings is applied in one transaction with a constant number of statements (<see cref="GroupedSyncs"/>); then it waits until there
/// is something new to take along, or the time is up.
/// </summary>
public sealed class WorkerSync(
    GroupedSyncs grouped, IdleSyncs idle, Inboxes inboxes, WakeUps wakeUps, IOptions<WorkersOptions> options, TimeProvider time)
{
    private const int MaxWaitSeconds = 25;

    private readonly LastLooks _lastLooks = new(options.Value, time);

    /// <summary>The answer; null where the worker is fenced: its lease ended, or another process has its name.</summary>
    public async Task<SyncResponse?> RunAsync(WorkerIdentity worker, SyncRequest request, CancellationToken cancellationToken)
    {
        var wakeUp = wakeUps.Subscribe(WakeUps.Worker(worker.WorkerId));
        var inbox = inboxes.Enter(worker, request, wakeUp);
        var isKept = false;
        try
        {
            var (response, lookedAt) = await RunAsync(worker, request, wakeUp, inbox, cancellationToken);
            var hasLeft = cancellationToken.IsCancellationRequested;
            Telemetry.Syncs.Add(1, new KeyValuePair<string, object?>("outcome", response is null ? "fenced" : hasLeft ? "left" : "ok"));
            isKept = response is not null && !hasLeft && (!IsIdle(request) || response.Hosts.Count > 0) && _lastLooks.Keep(worker, response, wakeUp, lookedAt);
            return response;
        }
        finally
        {
            if (inbox is not null)
            {
                inboxes.Leave(inbox, wakeUp);
            }

            if (!isKept)
            {
                wakeUp.Dispose();
            }
        }
    }

    /// <summary>The answer, and when it was last seen what waits for the worker; its lease is as old.</summary>
    private async Task<(SyncResponse? Response, long LookedAt)> RunAsync(
        WorkerIdentity worker, SyncRequest request, WakeUpSubscription wakeUp, Inbox? inbox, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var last = _lastLooks.Take(worker, request);
        var bringsNews = !IsIdle(request) || WantsDigest(request);
        if (bringsNews || last.IsWoken)
        {
            var work = bringsNews ? new SyncWork(BringsNews: true, Looks: last.LookedAt is null) : SyncWork.Look;
            var response = WithMail(await grouped.RunAsync(worker, request, work, cancellationToken), inbox);
            if (request.Results!.Count > 0 || request.Observations!.Count > 0)
            {
                Telemetry.SyncSeconds.Record(time.GetElapsedTime(start).TotalSeconds);
            }

            return response is null || !IsEmpty(request, response) ? (response, last.LookedAt ?? start)
                : await WatchAsync(worker, request, wakeUp, inbox, (start, start), last.LookedAt ?? start, cancellationToken);
        }

        return await WatchAsync(worker, request, wakeUp, inbox, (start, null), last.LookedAt, cancellationToken);
    }

    /// <summary>
    /// Until there is something new to take along, or the time is up. Who is woken has something to fetch; who is not is looked after now and then, together
    /// with the others. A lease is as old as the last look, or, where what the worker brought has renewed it since, as that.
    /// </summary>
    private async Task<(SyncResponse? Response, long LookedAt)> WatchAsync(
        WorkerIdentity worker, SyncRequest request, WakeUpSubscription wakeUp, Inbox? inbox, (long Start, long? RenewedAt) since, long? lookedAt, CancellationToken cancellationToken)
    {
        var start = since.Start;
        var patience = Patience(request.WaitSeconds);
        while (true)
        {
            using var watch = idle.Watch(worker, request, lookedAt, patience - time.GetElapsedTime(start), wakeUp, cancellationToken);
            var verdict = await watch.Ended;
            lookedAt = watch.LookedAt;
            if (verdict is IdleVerdict.Fenced)
            {
                return (null, start);
            }

            if (verdict is IdleVerdict.Left)
            {
                // nobody reads it; its mail stays where it is
                return (NothingFor(request), start);
            }

            // who was only nudged has mail; it is not enough where nobody has seen its lease yet
            var isNews = verdict is not IdleVerdict.Nothing && (wakeUp.TryTake() || verdict is IdleVerdict.Ask);
            if (!isNews && lookedAt is { } at)
            {
                var mail = WithMail(NothingFor(request) with { LeaseSeconds = LeaseSecondsAt(since.RenewedAt ?? at, start) }, inbox)!;
                if (verdict is IdleVerdict.Nothing || !IsEmpty(request, mail))
                {
                    return (mail, at);
                }
            }

            var look = time.GetTimestamp();
            var response = WithMail(await grouped.RunAsync(worker, request, SyncWork.Look, cancellationToken), inbox);
            if (response is null || !IsEmpty(request, response))
            {
                return (response, look);
            }

            lookedAt = look;
        }
    }

    /// <summary>It brings nothing.</summary>
    internal static bool IsIdle(SyncRequest request) => request is { Results.Count: 0, Observations.Count: 0, Progress: null or { Count: 0 } };

    /// <summary>It names all its hosts because it has no digest, and is told one at once.</summary>
    private static bool WantsDigest(SyncRequest request) => request.HostsDigest is "";

    private static SyncResponse? WithMail(SyncResponse? response, Inbox? inbox) => response is null || inbox is null ? response : inbox.AddTo(response);

    private SyncResponse NothingFor(SyncRequest request) => new()
    {
        LeaseSeconds = options.Value.LeaseSeconds,
        AcknowledgedResults = [],
        AcknowledgedObservations = [],
        Hosts = HostsDigest.IsIn(request)
            ? []
            : [.. request.Hosts!.Select(host => new HostAssignment { HostId = host.HostId, Epoch = host.Epoch, Generation = host.ObservedGeneration, Tasks = [] })],
        Partial = HostsDigest.IsIn(request),
        HostsDigest = request.HostsDigest,
        CancelledTasks = [],
    };

    /// <summary>Never so long that the lease could end meanwhile.</summary>
    private TimeSpan Patience(int asked) =>
        TimeSpan.FromSeconds(Math.Min(Math.Clamp(asked, 0, MaxWaitSeconds), options.Value.LeaseSeconds / 3.0));

    /// <summary>What the worker may count on from when it sent its request: its lease is as old as the look.</summary>
    private int LeaseSecondsAt(long lookedAt, long start) => options.Value.LeaseSeconds - (lookedAt < start ? (int)LastLooks.Moment.TotalSeconds : 0);

    /// <summary>The worker would learn nothing from the answer.</summary>
    private static bool IsEmpty(SyncRequest request, SyncResponse response)
    {
        if (response.AcknowledgedResults.Count > 0 || response.AcknowledgedObservations.Count > 0 || response.CancelledTasks.Count > 0
            || response.HostsDigest != request.HostsDigest)
        {
            return false;
        }

        if (response.Partial)
        {
            return response.Hosts.Count == 0;
        }

        if (response.Hosts.Count != request.Hosts!.Count)
        {
            return false;
        }

        var held = request.Hosts.DistinctBy(host => host.HostId).ToDictionary(host => host.HostId, host => host.Epoch);
        return response.Hosts.All(host =>
            host.Tasks.Count == 0 && host.Layout is null && held.TryGetValue(host.HostId, out var epoch) && epoch == host.Epoch);
    }
}
