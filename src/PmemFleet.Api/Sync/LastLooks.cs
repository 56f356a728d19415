using System.Collections.Concurrent;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>What is known since this replica last looked for a worker.</summary>
/// <param name="IsWoken">Something waits for it.</param>
/// <param name="LookedAt">When that look was, where nothing has to be looked for again so soon; else null.</param>
internal readonly record struct LastLook(bool IsWoken, long? LookedAt);

/// <summary>
/// Keeps a busy worker's wake-up between two of its syncs, so that what comes in that moment is fetched at once, and what is not there is not looked for. It is
/// a hint, as every wake-up is: the rows are looked at again within seconds, and the worker is told of its lease what the look before has made of it.
/// </summary>
internal sealed class LastLooks(WorkersOptions options, TimeProvider time)
{
    /// <summary>How long a look counts.</summary>
    public static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    /// <summary>A shorter lease has no such moment to spare.</summary>
    private const int ShortestLeaseSeconds = 10;

    private readonly ConcurrentDictionary<Guid, Look> _looks = [];
    private readonly SweepClock _sweeps = new(time);

    /// <summary>After an answer to a worker that has told its digest. It may be lost on its way: who was given tasks has to show that it has accepted them, or is looked for anew.</summary>
    /// <returns>The subscription is kept, too. It is not where more may wait than one answer gives.</returns>
    public bool Keep(WorkerIdentity worker, SyncResponse response, WakeUpSubscription wakeUp, long lookedAt)
    {
        if (options.LeaseSeconds < ShortestLeaseSeconds || response is not { Partial: true, HostsDigest.Length: > 0, CancelledTasks.Count: 0 }
            || response.Hosts.Sum(host => host.Tasks.Count) >= SyncLook.MostTasks)
        {
            return false;
        }

        var look = new Look(response.HostsDigest, wakeUp, lookedAt, [.. response.Hosts.Where(host => host.Tasks.Count > 0).Select(host => (host.HostId, host.Epoch, host.Tasks.Max(task => task.Sequence)))]);
        _looks.AddOrUpdate(worker.InstanceId, look, (_, former) =>
        {
            former.WakeUp.Dispose();
            return look;
        });
        Sweep();
        return true;
    }

    /// <summary>The worker is here again; call it when it has subscribed anew.</summary>
    public LastLook Take(WorkerIdentity worker, SyncRequest request)
    {
        if (!_looks.TryRemove(worker.InstanceId, out var look))
        {
            return default;
        }

        using (look.WakeUp)
        {
            return look.WakeUp.TryTake() || !look.Given.All(given => HasAccepted(request, given)) ? new LastLook(IsWoken: true, null)
                : new LastLook(IsWoken: false, request.HostsDigest == look.Digest && time.GetElapsedTime(look.At) < Moment ? look.At : null);
        }
    }

    private static bool HasAccepted(SyncRequest request, (Guid Host, long Epoch, long Sequence) given) =>
        request.Hosts!.Any(held => held.HostId == given.Host && held.Epoch == given.Epoch && held.AcceptedSequence >= given.Sequence);

    /// <summary>Processes that never came back.</summary>
    private void Sweep()
    {
        if (!_sweeps.IsDue())
        {
            return;
        }

        foreach (var old in _looks.Where(pair => _sweeps.IsForgotten(pair.Value.At)))
        {
            if (_looks.TryRemove(old))
            {
                old.Value.WakeUp.Dispose();
            }
        }
    }

    private sealed record Look(string? Digest, WakeUpSubscription WakeUp, long At, IReadOnlyList<(Guid Host, long Epoch, long Sequence)> Given);
}
