namespace PmemFleet.Api.Persistence;

/// <summary>
/// Serves together what waits. Who comes while a place is free is served at once; while all places are taken, those who come gather, and go
/// together as one batch when a place becomes free. So nobody waits for company while there is none; when batches have company, each waits a moment for more
/// of it, as PostgreSQL's own commit_delay does: what a batch costs by itself is more than what one more in it costs.
/// </summary>
/// <typeparam name="TItem">One who waits; how it ends is its own matter.</typeparam>
/// <param name="places">Batches that are served at once.</param>
/// <param name="most">Items of a batch, at most.</param>
/// <param name="moment">How long a batch waits for more, where the one before it had company; zero for never.</param>
/// <param name="laneOf">Items of one lane are never served at the same time: neither in one batch nor in two.</param>
/// <param name="serve">Serves a batch. It ends every item, and does not throw.</param>
public sealed class Gathering<TItem>(int places, int most, TimeSpan moment, Func<TItem, object> laneOf, Func<IReadOnlyList<TItem>, Task> serve) : IDisposable
{
    /// <summary>Items of a batch that has company.</summary>
    private const int Company = 3;

    /// <summary>Company of so long ago is none.</summary>
    private static readonly TimeSpan Recently = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly ExactWait _moment = new(moment, $"gathering of {typeof(TItem).Name}");
    private readonly LinkedList<TItem> _waiting = [];
    private readonly HashSet<object> _lanes = [];
    private int _taken;
    private long _hadCompany;

    /// <summary>Hands an item in. Where its turn is now, its caller serves it, in its own context; wait for the item's end behind it.</summary>
    public async Task GiveAsync(TItem item)
    {
        List<TItem>? batch = null;
        var waits = false;
        lock (_lock)
        {
            _waiting.AddLast(item);
            waits = _taken < places && _waiting.Count < most && ExpectsCompany();
            if (waits)
            {
                _taken++;
            }
            else
            {
                batch = TakeBatch();
            }
        }

        if (waits)
        {
            Queue(null);
        }
        else if (batch is not null)
        {
            await ServeAsync(batch);
        }
    }

    /// <summary>Items still get their turn; batches wait for company no more.</summary>
    public void Dispose() => _moment.Dispose();

    private bool ExpectsCompany() => moment > TimeSpan.Zero && Environment.TickCount64 - _hadCompany < Recently.TotalMilliseconds;

    /// <summary>Nobody's own: what goes on here belongs to no request's trace.</summary>
    private void Queue(List<TItem>? batch) =>
        ThreadPool.UnsafeQueueUserWorkItem(static state => _ = state.Batch is null ? state.Self.GatherAsync() : state.Self.ServeAsync(state.Batch), (Self: this, Batch: batch), preferLocal: false);

    /// <summary>A place is taken, and its batch is still coming together.</summary>
    private async Task GatherAsync()
    {
        await _moment.WaitAsync();
        List<TItem>? batch;
        lock (_lock)
        {
            _taken--;
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
            List<TItem>? next = null;
            var waits = false;
            lock (_lock)
            {
                _taken--;
                foreach (var item in batch)
                {
                    _lanes.Remove(laneOf(item));
                }

                waits = ExpectsCompany() && _waiting.Count is > 0 and var waiting && waiting < most;
                if (waits)
                {
                    _taken++;
                }
                else
                {
                    next = TakeBatch();
                }
            }

            if (waits || next is not null)
            {
                Queue(next);
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
        if (batch?.Count >= Company)
        {
            _hadCompany = Environment.TickCount64;
        }

        return batch;
    }
}
