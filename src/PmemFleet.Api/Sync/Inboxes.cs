using System.Collections.Concurrent;
using PmemFleet.Api.Access;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Tasks that writes of this replica have given to workers which sync here (<see cref="HandOut"/>), until an answer takes them along. A worker's process has an inbox while it
/// shows the same digest of its hosts and comes again within a second: what is in it is never older than that, or a task that another replica gave and that was done
/// long ago could come back. What is lost with an inbox, or with the answer that took it, is in the rows, and what is not accepted is given again.
/// </summary>
public sealed class Inboxes(TimeProvider time)
{
    /// <summary>How long after its last request a process is expected to come again.</summary>
    private static readonly TimeSpan Expected = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<(Guid Worker, Guid Instance), Inbox> _ofProcess = [];
    private readonly SweepClock _sweeps = new(time);

    /// <summary>A request comes. Of a process that shows another digest than before, or was not expected any more, what was given to it is found by a look.</summary>
    /// <returns>Null where the request shows no digest: it is told everything.</returns>
    internal Inbox? Enter(WorkerIdentity worker, SyncRequest request, WakeUpSubscription wakeUp)
    {
        var process = (worker.WorkerId, worker.InstanceId);
        while (true)
        {
            if (_ofProcess.TryGetValue(process, out var former) && (former.Digest != request.HostsDigest || !IsExpected(former)))
            {
                Close(process, former);
            }

            if (!HostsDigest.IsIn(request))
            {
                return null;
            }

            var inbox = _ofProcess.GetOrAdd(process, static (_, digest) => new Inbox(digest), request.HostsDigest!);
            if (inbox.Digest == request.HostsDigest && inbox.TryEnter(wakeUp))
            {
                return inbox;
            }

            Close(process, inbox);
        }
    }

    /// <summary>The request goes.</summary>
    internal void Leave(Inbox inbox, WakeUpSubscription wakeUp)
    {
        inbox.Leave(wakeUp, time.GetTimestamp());
        Sweep();
    }

    /// <summary>That of a process which is here, or will be in a moment; null where there is none.</summary>
    internal Inbox? Find(Guid worker, Guid instance) => _ofProcess.TryGetValue((worker, instance), out var inbox) && IsExpected(inbox) ? inbox : null;

    /// <summary>A request of this process is here now, and is woken by what comes.</summary>
    internal bool Has(Guid worker, Guid instance) => _ofProcess.TryGetValue((worker, instance), out var inbox) && inbox.LeftAt is null;

    private bool IsExpected(Inbox inbox) => inbox.LeftAt is not { } left || time.GetElapsedTime(left) < Expected;

    private void Close((Guid Worker, Guid Instance) process, Inbox inbox)
    {
        inbox.Close();
        _ofProcess.TryRemove(new KeyValuePair<(Guid, Guid), Inbox>(process, inbox));
    }

    /// <summary>Processes that never came back.</summary>
    private void Sweep()
    {
        if (!_sweeps.IsDue())
        {
            return;
        }

        foreach (var (process, inbox) in _ofProcess.Where(pair => pair.Value.LeftAt is { } left && _sweeps.IsForgotten(left)))
        {
            Close(process, inbox);
        }
    }
}

/// <summary>What writes have given to one process.</summary>
/// <param name="digest">Of its hosts, as it showed it.</param>
internal sealed class Inbox(string digest)
{
    private readonly Lock _gate = new();
    private readonly List<GivenTask> _mail = [];
    private readonly List<WakeUpSubscription> _waiters = new(1);
    private long _leftAt;
    private bool _isClosed;

    public string Digest => digest;

    /// <summary>When the last request went; null while one is here.</summary>
    public long? LeftAt
    {
        get
        {
            lock (_gate)
            {
                return _waiters.Count > 0 ? null : _leftAt;
            }
        }
    }

    /// <summary>A request comes, and is nudged by what is there and by what comes. False where this one is closed.</summary>
    public bool TryEnter(WakeUpSubscription wakeUp)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            _waiters.Add(wakeUp);
            if (_mail.Count > 0)
            {
                wakeUp.Nudge();
            }

            return true;
        }
    }

    /// <summary>The request goes.</summary>
    public void Leave(WakeUpSubscription wakeUp, long now)
    {
        lock (_gate)
        {
            _waiters.Remove(wakeUp);
            _leftAt = now;
        }
    }

    /// <summary>Puts in what is committed; false where this one is closed, and the worker has to look.</summary>
    public bool Put(IEnumerable<GivenTask> given)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            _mail.AddRange(given);
            _waiters.ForEach(waiter => waiter.Nudge());
            return true;
        }
    }

    /// <summary>Nothing comes in any more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _mail.Clear();
        }
    }

    /// <summary>The answer with what is in here; as it is where the worker has to name its hosts, for it does not read more of such an answer.</summary>
    public SyncResponse AddTo(SyncResponse response)
    {
        List<GivenTask> mail;
        lock (_gate)
        {
            if (_mail.Count == 0 || !response.Partial || response.HostsDigest != digest)
            {
                return response;
            }

            mail = [.. _mail];
            _mail.Clear();
        }

        // a look may have found some of them as well
        var told = response.Hosts.ToDictionary(host => host.HostId);
        foreach (var ofHost in mail.GroupBy(given => (given.Host.Id, given.Host.Epoch)))
        {
            var host = told.GetValueOrDefault(ofHost.Key.Id) ?? new HostAssignment { HostId = ofHost.Key.Id, Epoch = ofHost.Key.Epoch, Generation = ofHost.Last().Host.Generation, Tasks = [] };
            if (host.Epoch == ofHost.Key.Epoch)
            {
                told[host.HostId] = host with { Tasks = [.. host.Tasks.Concat(ofHost.Select(given => given.Task)).DistinctBy(task => task.TaskId).OrderBy(task => task.Sequence)] };
            }
        }

        return response with { Hosts = [.. told.Values] };
    }
}
