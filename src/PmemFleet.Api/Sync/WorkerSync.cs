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
        var inbox = inboxes.Enter(worker, request, wakeUp);
        var isKept = false;
        try
        {
            var (response, lookedAt) = await RunAsync(worker, request, wakeUp, inbox, cancellationToken);
            Telemetry.Syncs.Add(1, new KeyValuePair<string, object?>("outcome", response is null ? "fenced" : "ok"));
            isKept = response is not null && (!IsIdle(request) || response.Hosts.Count > 0) && _lastLooks.Keep(worker, response, wakeUp, lookedAt);
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
        var lookedAt = last.LookedAt ?? start;
        var response = !IsIdle(request) || WantsDigest(request) ? await grouped.RunAsync(worker, request, new SyncWork(BringsNews: true, Looks: last.LookedAt is null), cancellationToken)
            : last.IsWoken ? await grouped.RunAsync(worker, request, SyncWork.Look, cancellationToken)
            : last.LookedAt is not null ? NothingFor(request) with { LeaseSeconds = LeaseSecondsAt(lookedAt, start) }
            : await IdleAsync(worker, request, wakeUp, cancellationToken);
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
                // nobody raised the worker's topic, and what it was woken for is here already
                response = wakeUp.TryTake() ? null : WithMail(NothingFor(request) with { LeaseSeconds = LeaseSecondsAt(lookedAt, start) }, inbox);
                if (response is null || IsEmpty(request, response))
                {
                    lookedAt = time.GetTimestamp();
                    response = await grouped.RunAsync(worker, request, SyncWork.Look, cancellationToken);
                }
            }
            else if (left > Poll)
            {
                lookedAt = time.GetTimestamp();
                response = await IdleAsync(worker, request, wakeUp, cancellationToken);
            }
            else
            {
                // the worker comes again at once, and that is when it is seen whether something was missed; its lease counts from when it sent
                break;
            }

            response = WithMail(response, inbox);
        }

        return (response, lookedAt);
    }

    /// <summary>It brings nothing.</summary>
    internal static bool IsIdle(SyncRequest request) => request is { Results.Count: 0, Observations.Count: 0, Progress: null or { Count: 0 } };

    /// <summary>It names all its hosts because it has no digest, and is told one at once.</summary>
    private static bool WantsDigest(SyncRequest request) => request.HostsDigest is "";

    private async Task<SyncResponse?> IdleAsync(WorkerIdentity worker, SyncRequest request, WakeUpSubscription wakeUp, CancellationToken cancellationToken)
    {
        var verdict = await idle.AskAsync(worker, request, wakeUp, cancellationToken);

        // who waits for seconds now holds nothing that he need not
        wakeUp.TellNobody();
        switch (verdict)
        {
            case IdleVerdict.Fenced:
                return null;
            case IdleVerdict.Ask:
                // also where it was only nudged: nobody has seen its lease yet
                wakeUp.TryTake();
                return await grouped.RunAsync(worker, request, SyncWork.Look, cancellationToken);
            default:
                return NothingFor(request);
        }
    }

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
