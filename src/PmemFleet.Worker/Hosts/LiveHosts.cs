using System.Collections.Concurrent;

namespace PmemFleet.Worker.Hosts;

/// <summary>The hosts this worker holds, and until when it may: a worker whose lease has ended serves none.</summary>
internal sealed class LiveHosts(TimeProvider time)
{
    private readonly ConcurrentDictionary<Guid, LiveHost> _hosts = [];
    private long _leaseEnds;
    private long _changes;

    public IEnumerable<LiveHost> All => _hosts.Values;

    /// <summary>Goes up with each host that is taken or let go.</summary>
    public long Changes => Interlocked.Read(ref _changes);

    /// <summary>The bearer the Api calls with; null before the join.</summary>
    public string? DataPlaneCredential { get; set; }

    public bool LeaseHolds => time.GetTimestamp() < Interlocked.Read(ref _leaseEnds);

    /// <summary>The lease lasts so long from the moment the renewing request was sent.</summary>
    public void Renew(long sentAt, TimeSpan lease) =>
        Interlocked.Exchange(ref _leaseEnds, sentAt + (long)(lease.TotalSeconds * time.TimestampFrequency));

    public LiveHost? Find(Guid hostId) => LeaseHolds ? _hosts.GetValueOrDefault(hostId) : null;

    public LiveHost? FindUnleased(Guid hostId) => _hosts.GetValueOrDefault(hostId);

    public void Hold(LiveHost host)
    {
        _hosts[host.Store.HostId] = host;
        Interlocked.Increment(ref _changes);
    }

    /// <summary>Lets a host go: it belongs to another worker now, or its epoch is over.</summary>
    /// <param name="hostId">The host.</param>
    /// <param name="held">Only if it is held as this; null: however it is held.</param>
    public async Task DropAsync(Guid hostId, LiveHost? held = null)
    {
        var host = held ?? _hosts.GetValueOrDefault(hostId);
        if (host is not null && _hosts.TryRemove(new KeyValuePair<Guid, LiveHost>(hostId, host)))
        {
            Interlocked.Increment(ref _changes);
            await host.Gate.WaitAsync();
            try
            {
                host.Drop();
            }
            finally
            {
                host.Gate.Release();
            }
        }
    }
}
