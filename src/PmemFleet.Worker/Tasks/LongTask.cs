using PmemFleet.Contracts.Problems;

namespace PmemFleet.Worker.Tasks;

/// <summary>
/// A task that runs beside its host's order of tasks: how far it is, and what ends it early. It ends with its host's epoch too: the
/// next worker then begins it anew.
/// </summary>
internal sealed class LongTask(Guid taskId, Action<double> report) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private bool _isOver;
    private RefusalDto? _endedBy;
    private double _fraction;

    public Guid TaskId => taskId;

    /// <summary>It lives in the host's own machine, so a shutdown or a boot ends it.</summary>
    public bool EndsWithPower { get; set; }

    /// <summary>Namespaces without which it makes no sense; unbinding one ends it.</summary>
    public IReadOnlyCollection<string> Namespaces { get; set; } = [];

    /// <summary>Ends when the caller cancels, the host is let go, or something of the host ends it.</summary>
    public CancellationToken Stopped => _stop.Token;

    /// <summary>What of the host ended it; null where the caller cancelled or nothing did.</summary>
    public RefusalDto? EndedBy => Volatile.Read(ref _endedBy);

    /// <summary>0 to 1.</summary>
    public double Fraction => Volatile.Read(ref _fraction);

    /// <summary>From any thread; a lower figure than before changes nothing.</summary>
    /// <param name="fraction">0 to 1.</param>
    public void Report(double fraction)
    {
        if (fraction > Fraction)
        {
            Volatile.Write(ref _fraction, Math.Min(fraction, 1));
            report(fraction);
        }
    }

    /// <summary>Stops it; the first reason counts.</summary>
    /// <param name="why">What the operation's refusal says; null: it counts as cancelled.</param>
    public void Stop(RefusalDto? why)
    {
        lock (_gate)
        {
            if (_isOver || _stop.IsCancellationRequested)
            {
                return;
            }

            Volatile.Write(ref _endedBy, why);
            _stop.Cancel();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            _stop.Dispose();
        }
    }
}
