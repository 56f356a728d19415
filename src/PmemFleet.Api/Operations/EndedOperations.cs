using System.Collections.Concurrent;

namespace PmemFleet.Api.Operations;

/// <summary>
/// Operations whose ends this replica has committed, for a moment: whoever waits for one here is shown it, and need not read what was just written. It never
/// knows more than the rows do, an operation does not change after its end, and what is not here is read.
/// </summary>
public sealed class EndedOperations(TimeProvider time)
{
    private const int Most = 1000;

    /// <summary>A longer result is read by who wants it: there may be megabytes in it.</summary>
    private const int LongestResult = 16 << 10;
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<Guid, OperationRow> _rows = [];
    private readonly ConcurrentQueue<(long At, Guid Id)> _order = [];

    /// <summary>The operation as it ended; null where it is not known here.</summary>
    public OperationRow? Find(Guid id) => _rows.GetValueOrDefault(id);

    /// <summary>Keeps what is committed, and lets go of what is old.</summary>
    public void Add(IEnumerable<OperationRow> committed)
    {
        var now = time.GetTimestamp();
        foreach (var row in committed.Where(row => row.HasEnded && (row.Result?.Length ?? 0) <= LongestResult))
        {
            _rows[row.Id] = row;
            _order.Enqueue((now, row.Id));
        }

        while (_order.TryPeek(out var oldest) && (time.GetElapsedTime(oldest.At, now) > Kept || _order.Count > Most) && _order.TryDequeue(out oldest))
        {
            _rows.TryRemove(oldest.Id, out _);
        }
    }
}
