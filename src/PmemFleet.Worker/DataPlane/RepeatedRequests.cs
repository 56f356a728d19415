using System.Collections.Concurrent;

namespace PmemFleet.Worker.DataPlane;

/// <summary>Answers of this boot by Idempotency-Key: a request that the Api passes on twice is done once.</summary>
internal sealed class RepeatedRequests
{
    private const int Kept = 4096;

    private readonly ConcurrentDictionary<string, object> _answers = [];
    private readonly ConcurrentQueue<string> _order = [];

    public T? Find<T>(string key)
        where T : class => _answers.GetValueOrDefault(key) as T;

    public void Keep(string key, object answer)
    {
        if (_answers.TryAdd(key, answer))
        {
            _order.Enqueue(key);
            while (_order.Count > Kept && _order.TryDequeue(out var oldest))
            {
                _answers.TryRemove(oldest, out _);
            }
        }
    }

    public void Clear()
    {
        _answers.Clear();
        _order.Clear();
    }
}
