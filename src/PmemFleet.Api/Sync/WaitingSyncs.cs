using System.Collections.Concurrent;
using PmemFleet.Api.Access;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// The requests of workers that wait at this replica and bring nothing. Who has something for one takes the request, and answers it or gives it back: so a
/// write hands its tasks out in its own transaction (<see cref="HandOut"/>), where the worker would have to be woken and to look for them. An answer that is lost on its
/// way is given again, as every other one. (Taking a request does not end its wait: the wake-up does, which every write with tasks raises at its commit.)
/// </summary>
public sealed class WaitingSyncs
{
    private readonly ConcurrentDictionary<Guid, WaitingSync> _waiting = [];

    /// <summary>A request begins to wait. A former one of the same worker is not found any more.</summary>
    internal WaitingSync Add(WorkerIdentity worker, SyncRequest request, int leaseSeconds)
    {
        var waiting = new WaitingSync(worker, request, leaseSeconds);
        _waiting[worker.WorkerId] = waiting;
        return waiting;
    }

    /// <summary>It waits no more; false where somebody has taken it, and <see cref="WaitingSync.Given"/> comes when he is done.</summary>
    internal bool Remove(WaitingSync waiting)
    {
        var isFree = waiting.TryEnd();
        Forget(waiting);
        return isFree;
    }

    /// <summary>Takes the requests of these workers, as far as they wait here. Each has to be answered (<see cref="WaitingSync.Answer"/>), whatever happens.</summary>
    internal IEnumerable<WaitingSync> Take(IEnumerable<Guid> workers)
    {
        foreach (var worker in workers)
        {
            if (_waiting.TryGetValue(worker, out var waiting) && waiting.TryEnd())
            {
                Forget(waiting);
                yield return waiting;
            }
        }
    }

    /// <summary>A request of this worker waits here now.</summary>
    internal bool Has(Guid worker) => _waiting.ContainsKey(worker);

    private void Forget(WaitingSync waiting) => _waiting.TryRemove(new KeyValuePair<Guid, WaitingSync>(waiting.Worker.WorkerId, waiting));
}

/// <summary>A request that waits.</summary>
/// <param name="worker">Whose.</param>
/// <param name="request">It shows the digest of the worker's hosts.</param>
/// <param name="leaseSeconds">What its worker may count on from the moment it sent the request.</param>
internal sealed class WaitingSync(WorkerIdentity worker, SyncRequest request, int leaseSeconds)
{
    private readonly TaskCompletionSource<SyncResponse?> _given = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _ended;

    public WorkerIdentity Worker => worker;

    public SyncRequest Request => request;

    public int LeaseSeconds => leaseSeconds;

    /// <summary>The answer, of one that was taken; null where it has to look for itself.</summary>
    public Task<SyncResponse?> Given => _given.Task;

    /// <summary>The wait ends, by whoever comes first.</summary>
    public bool TryEnd() => Interlocked.Exchange(ref _ended, 1) == 0;

    /// <summary>Answers it; null gives it back.</summary>
    public void Answer(SyncResponse? response) => _given.TrySetResult(response);
}
