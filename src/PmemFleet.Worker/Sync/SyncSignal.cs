namespace PmemFleet.Worker.Sync;

/// <summary>Cuts the waiting sync short when there is something to report.</summary>
internal sealed class SyncSignal
{
    private readonly Lock _gate = new();
    private CancellationTokenSource? _waiting;

    /// <summary>A token for the next wait.</summary>
    public CancellationTokenSource Arm(CancellationToken stopping)
    {
        var armed = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        lock (_gate)
        {
            _waiting = armed;
        }

        return armed;
    }

    /// <summary>There is something to report.</summary>
    public void Raise()
    {
        lock (_gate)
        {
            try
            {
                _waiting?.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // that wait is over; the next request carries it
            }
        }
    }
}
