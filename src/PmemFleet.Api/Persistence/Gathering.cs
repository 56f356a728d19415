namespace PmemFleet.Api.Persistence;

/// <summary>
/// Serves together what waits. Who comes while a place is free is served at once; while all places are taken, those who come gather, and go
/// together as one batch when a place becomes free. So nobody waits for company, and the busier it is the more share one transaction.
/// </summary>
/// <typeparam name="TItem">One who waits; how it ends is its own matter.</typeparam>
/// <param name="places">Batches that are served at once.</param>
/// <param name="most">Items of a batch, at most.</param>
/// <param name="laneOf">Items of one lane are never served at the same time: neither in one batch nor in two.</param>
/// <param name="serve">Serves a batch. It ends every item, and does not throw.</param>
public sealed class Gathering<TItem>(int places, int most, Func<TItem, object> laneOf, Func<IReadOnlyList<TItem>, Task> serve)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<TItem> _waiting = [];
    private readonly HashSet<object> _lanes = [];
    private int _taken;

    /// <summary>Hands an item in. Where its turn is now, its caller serves it, in its own context; wait for the item's end behind it.</summary>
    public async Task GiveAsync(TItem item)
    {
        List<TItem>? batch;
        lock (_lock)
        {
            _waiting.AddLast(item);
            batch = TakeBatch();
        }

        if (batch is not null)
        {
            await ServeAsync(batch);
        }
    }

    private async Task ServeAsync(List<TItem> batch)
    {
        try
        {
            await serve(batch);
        }
        finally
        {
            List<TItem>? next;
            lock (_lock)
            {
                _taken--;
                foreach (var item in batch)
                {
                    _lanes.Remove(laneOf(item));
                }

                next = TakeBatch();
            }

            if (next is not null)
            {
                // nobody's own: it belongs to no request's trace
                ThreadPool.UnsafeQueueUserWorkItem(static state => _ = state.Self.ServeAsync(state.Next), (Self: this, Next: next), preferLocal: false);
            }
        }
    }

    private List<TItem>? TakeBatch()
    {
        if (_taken == places)
        {
            return null;
        }

        List<TItem>? batch = null;
        for (var node = _waiting.First; node is not null && (batch?.Count ?? 0) < most;)
        {
            var next = node.Next;
            if (_lanes.Add(laneOf(node.Value)))
            {
                (batch ??= []).Add(node.Value);
                _waiting.Remove(node);
            }

            node = next;
        }

        _taken += batch is null ? 0 : 1;
        return batch;
    }
}
