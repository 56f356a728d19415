using System.Collections.Concurrent;
using PmemFleet.Contracts.Workers;
using PmemFleet.Worker.Sync;

namespace PmemFleet.Worker.Hosts;

/// <summary>
/// What keeps this worker from serving hosts that are its own, and the state of its media: the whole of it is reported to the Api whenever it changes.
/// </summary>
internal sealed class HostConditions(SyncSignal signal)
{
    private readonly ConcurrentDictionary<Guid, HostCondition> _hosts = [];
    private long _version = 1;

    /// <summary>Goes up with each change.</summary>
    public long Version => Interlocked.Read(ref _version);

    public IReadOnlyList<HostCondition> Hosts => [.. _hosts.Values.OrderBy(condition => condition.HostId)];

    /// <summary>A host cannot be served.</summary>
    public void Set(HostCondition condition)
    {
        if (!condition.Equals(_hosts.GetValueOrDefault(condition.HostId!.Value)))
        {
            _hosts[condition.HostId.Value] = condition;
            Touch();
        }
    }

    /// <summary>A host is served, or is another worker's.</summary>
    public void Clear(Guid hostId)
    {
        if (_hosts.TryRemove(hostId, out _))
        {
            Touch();
        }
    }

    /// <summary>Only these hosts are this worker's.</summary>
    public void Keep(IReadOnlySet<Guid> hosts)
    {
        foreach (var gone in _hosts.Keys.Where(host => !hosts.Contains(host)).ToList())
        {
            Clear(gone);
        }
    }

    /// <summary>Something that is reported has changed.</summary>
    public void Touch()
    {
        Interlocked.Increment(ref _version);
        signal.Raise();
    }
}
