using System.Collections.Concurrent;
using System.Threading.Channels;

namespace PmemFleet.Api.Persistence;

/// <summary>
/// Wake-ups by topic, within this process at once and to the other replicas by NOTIFY. Only a hint: each waiter looks at the
/// rows again, and again after a while if nothing woke it, so a lost wake-up costs time, never a change.
/// </summary>
public sealed class WakeUps
{
    /// <summary>Hosts wait for a worker, or a lease changed hands.</summary>
    public const string Placement = "placement";

    /// <summary>Events were committed and have no number yet.</summary>
    public const string EventsCommitted = "events";

    /// <summary>Events were numbered.</summary>
    public const string EventsNumbered = "numbered";

    /// <summary>An API key was made or revoked.</summary>
    public const string ApiKeys = "keys";

    private readonly ConcurrentDictionary<string, Topic> _topics = new();
    private readonly Channel<string> _outgoing = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Topics for the other replicas, in the order they were raised.</summary>
    public ChannelReader<string> Outgoing => _outgoing.Reader;

    /// <summary>A worker has something to fetch.</summary>
    public static string Worker(Guid id) => $"w{id:N}";

    /// <summary>An operation changed.</summary>
    public static string Operation(Guid id) => $"o{id:N}";

    /// <summary>Subscribe before the rows are looked at, or a wake-up between look and wait is lost.</summary>
    public WakeUpSubscription Subscribe(string topic)
    {
        while (true)
        {
            var entry = _topics.GetOrAdd(topic, static _ => new Topic());
            var subscription = new WakeUpSubscription(this, topic);
            if (entry.TryAdd(subscription))
            {
                return subscription;
            }
        }
    }

    /// <summary>Wakes the waiters of this process and of all others.</summary>
    public void Raise(params IEnumerable<string> topics)
    {
        foreach (var topic in topics)
        {
            RaiseHere(topic);
            _outgoing.Writer.TryWrite(topic);
        }
    }

    /// <summary>Wakes the waiters of all other processes.</summary>
    internal void RaiseElsewhere(IEnumerable<string> topics)
    {
        foreach (var topic in topics)
        {
            _outgoing.Writer.TryWrite(topic);
        }
    }

    /// <summary>Wakes the waiters of this process: another one raised the topic.</summary>
    internal void RaiseHere(string topic)
    {
        if (_topics.TryGetValue(topic, out var entry))
        {
            entry.Signal();
        }
    }

    /// <summary>Wakes everyone here: wake-ups may have been lost while the listener was away.</summary>
    internal void RaiseAllHere()
    {
        foreach (var entry in _topics.Values)
        {
            entry.Signal();
        }
    }

    internal void Remove(string topic, WakeUpSubscription subscription)
    {
        if (_topics.TryGetValue(topic, out var entry) && entry.RemoveAndIsEmpty(subscription))
        {
            _topics.TryRemove(new KeyValuePair<string, Topic>(topic, entry));
        }
    }

    private sealed class Topic
    {
        private readonly HashSet<WakeUpSubscription> _subscriptions = [];
        private bool _removed;

        public bool TryAdd(WakeUpSubscription subscription)
        {
            lock (_subscriptions)
            {
                return !_removed && _subscriptions.Add(subscription);
            }
        }

        public bool RemoveAndIsEmpty(WakeUpSubscription subscription)
        {
            lock (_subscriptions)
            {
                _subscriptions.Remove(subscription);
                return _removed = _subscriptions.Count == 0;
            }
        }

        public void Signal()
        {
            lock (_subscriptions)
            {
                foreach (var subscription in _subscriptions)
                {
                    subscription.Signal();
                }
            }
        }
    }
}

/// <summary>Who is told of a wake-up beside the one who waits.</summary>
internal interface IWoken
{
    /// <summary>Must not take long, and not throw: the one who wakes calls it.</summary>
    void Wake();
}

/// <summary>One waiter of one topic. A wake-up before the wait is remembered; several count as one.</summary>
public sealed class WakeUpSubscription : IDisposable
{
    private readonly SemaphoreSlim _signal = new(0, 1);
    private readonly WakeUps _owner;
    private readonly string _topic;
    private IWoken? _beside;
    private bool _isRaised;

    internal WakeUpSubscription(WakeUps owner, string topic) => (_owner, _topic) = (owner, topic);

    /// <summary>Waits for a wake-up, at most this long.</summary>
    public async Task<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) =>
        atMost > TimeSpan.Zero && await _signal.WaitAsync(atMost, cancellationToken);

    public void Dispose() => _owner.Remove(_topic, this);

    /// <summary>Takes what came already; true where its topic was raised, and false where nothing came or it was only nudged.</summary>
    internal bool TryTake()
    {
        lock (_signal)
        {
            _signal.Wait(0);
            var isRaised = _isRaised;
            _isRaised = false;
            return isRaised;
        }
    }

    /// <summary>Tells this one of the next wake-up, once, beside who waits for it; at once where one came already.</summary>
    internal void Tell(IWoken beside)
    {
        lock (_signal)
        {
            _beside = beside;
            if (_signal.CurrentCount == 0)
            {
                return;
            }
        }

        beside.Wake();
    }

    /// <summary>Tells nobody any more.</summary>
    internal void TellNobody()
    {
        lock (_signal)
        {
            _beside = null;
        }
    }

    internal void Signal() => Wake(isRaised: true);

    /// <summary>Ends the wait, though nobody raised the topic: what there is need not be looked for.</summary>
    internal void Nudge() => Wake(isRaised: false);

    private void Wake(bool isRaised)
    {
        IWoken? beside;
        lock (_signal)
        {
            _isRaised |= isRaised;
            (beside, _beside) = (_beside, null);
            if (_signal.CurrentCount == 0)
            {
                _signal.Release();
            }
        }

        beside?.Wake();
    }
}
