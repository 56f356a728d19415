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
    GroupedSyncs grouped, IdleSyncs idle, Inboxes inboxes, WakeUps wakeUps, IOptions<WorkersOptions> options, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private const int MaxWaitSeconds = 25;
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(5);

    private readonly LastLooks _lastLooks = new(options.Value, time);

    /// <summary>The answer; null where the worker is fenced: its lease ended, or another process has its name.</summary>
    public async Task<SyncResponse?> RunAsync(WorkerIdentity worker, SyncRequest request, CancellationToken cancellationToken)
    {
        var wakeUp = wakeUps.Subscribe(WakeUps.Worker(worker.WorkerId));
        var inbox = HostsDigest.IsIn(request) ? inboxes.Enter(worker, request.HostsDigest!, wakeUp) : null;
        var isKept = false;
        try
        {
            var (response, lookedAt) = await RunAsync(worker, request, wakeUp, inbox, cancellationToken);
            Telemetry.Syncs.Add(1, new KeyValuePair<string, object?>("outcome", response is null ? "fenced" : "ok"));
            isKept = response is not null && lookedAt is { } at && (!IsIdle(request) || response.Hosts.Count > 0) && _lastLooks.Keep(worker, response, wakeUp, at);
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

    /// <summary>The answer, and when it was last seen what waits for the worker, where that counts; its lease is as old.</summary>
    private async Task<(SyncResponse? Response, long? LookedAt)> RunAsync(
        WorkerIdentity worker, SyncRequest request, WakeUpSubscription wakeUp, Inbox? inbox, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var last = _lastLooks.Take(worker, request);
        var lookedAt = last.LookedAt ?? start;
        var (response, hasLooked) = !IsIdle(request) || WantsDigest(request) ? (await grouped.RunAsync(worker, request, new SyncWork(BringsNews: true, Looks: last.LookedAt is null), cancellationToken), true)
            : last.IsWoken ? (await grouped.RunAsync(worker, request, SyncWork.Look, cancellationToken), true)
            : last.LookedAt is not null ? (NothingFor(request) with { LeaseSeconds = LeaseSecondsAt(lookedAt, start) }, true)
            : await IdleAsync(worker, request, wakeUp, inbox, cancellationToken);
        response = WithMail(response, inbox);
        if (request.Results!.Count > 0 || request.Observations!.Count > 0)
        {
            Telemetry.SyncSeconds.Record(time.GetElapsedTime(start).TotalSeconds);
        }

        var patience = Patience(request.WaitSeconds);
        while (response is not null && IsEmpty(request, response))
        {
            var left = patience - time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero || lifetime.ApplicationStopping.IsCancellationRequested)
            {
                break;
            }

            // who is woken has something to fetch; who is not looks after itself now and then, together with the others
            if (await WaitAsync(wakeUp, left < Poll ? left : Poll, cancellationToken))
            {
                if (IsOnlyMail(wakeUp, inbox))
                {
                    response = NothingFor(request) with { LeaseSeconds = LeaseSecondsAt(lookedAt, start) };
                }
                else
                {
                    (lookedAt, hasLooked) = (time.GetTimestamp(), true);
                    response = await grouped.RunAsync(worker, request, SyncWork.Look, cancellationToken);
                }
            }
            else if (left > Poll)
            {
                lookedAt = time.GetTimestamp();
                (response, hasLooked) = await IdleAsync(worker, request, wakeUp, inbox, cancellationToken);
            }
            else
            {
                // the worker comes again at once, and that is when it is seen whether something was missed; its lease counts from when it sent
                break;
            }

            response = WithMail(response, inbox);
        }

        return (response, hasLooked ? lookedAt : null);
    }

    /// <summary>It brings nothing.</summary>
    internal static bool IsIdle(SyncRequest request) => request is { Results.Count: 0, Observations.Count: 0, Progress: null or { Count: 0 } };

    /// <summary>It names all its hosts because it has no digest, and is told one at once.</summary>
    private static bool WantsDigest(SyncRequest request) => request.HostsDigest is "";

    /// <summary>The answer, and whether it is seen now what waits for the worker.</summary>
    private async Task<(SyncResponse? Response, bool HasLooked)> IdleAsync(WorkerIdentity worker, SyncRequest request, WakeUpSubscription wakeUp, Inbox? inbox, CancellationToken cancellationToken)
    {
        var verdict = await idle.AskAsync(worker, request, wakeUp, cancellationToken);

        // who waits for seconds now holds nothing that he need not
        wakeUp.TellNobody();
        switch (verdict)
        {
            case IdleVerdict.Fenced:
                return (null, true);
            case IdleVerdict.Ask:
                return IsOnlyMail(wakeUp, inbox) ? (NothingFor(request), false) : (await grouped.RunAsync(worker, request, SyncWork.Look, cancellationToken), true);
            default:
                return (NothingFor(request), true);
        }
    }

    /// <summary>Nobody raised the worker's topic, and what it was woken for is here already.</summary>
    private static bool IsOnlyMail(WakeUpSubscription wakeUp, Inbox? inbox) => !wakeUp.TryTake() && inbox is { HasMail: true };

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

    /// <summary>True where it was woken.</summary>
    private async Task<bool> WaitAsync(WakeUpSubscription wakeUp, TimeSpan atMost, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        try
        {
            return await wakeUp.WaitAsync(atMost, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // the Api goes down: answer now, the worker asks another replica
            return true;
        }
    }

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
