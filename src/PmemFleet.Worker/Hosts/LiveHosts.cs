using System.Collections.Concurrent;
using PmemFleet.Contracts.Workers;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Hosts;

/// <summary>The hosts this worker holds, and until when it may: a worker whose lease has ended serves none.</summary>
internal sealed class LiveHosts(TimeProvider time, HostConditions conditions)
{
    private readonly ConcurrentDictionary<Guid, LiveHost> _hosts = [];

    /// <summary>The newest epoch under which a host was let go. Its machine is gone, so it is not taken under it again.</summary>
    private readonly ConcurrentDictionary<Guid, long> _ended = [];
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

    /// <summary>This process has let the host go under the epoch: only a new one, which begins with a boot, brings it back.</summary>
    public bool HasEnded(Guid hostId, long epoch) => _ended.TryGetValue(hostId, out var ended) && ended >= epoch;

    public void Hold(LiveHost host)
    {
        _hosts[host.Store.HostId] = host;
        Interlocked.Increment(ref _changes);
    }

    /// <summary>
    /// Lets a host go whose media cannot be believed any more (a flush failed), and asks for a boot, which reads them from the disk. The other hosts go on.
    /// Asked after every failure of a store, without the host's gate.
    /// </summary>
    public async Task DropWhenLostAsync(LiveHost host)
    {
        if (host.IsLost && !host.IsDropped)
        {
            conditions.Set(new HostCondition
            {
                HostId = host.Store.HostId,
                Epoch = host.Store.Epoch,
                Code = MediaFailureException.FlushFailed,
                Message = "The disk did not take what was written to the host's media: nothing since the last flush was acknowledged, and the host boots from what the disk has.",
                WantsBoot = true,
            });
            _ = await DropAsync(host.Store.HostId, host);
        }
    }

    /// <summary>Lets a host go: it belongs to another worker now, or its epoch is over.</summary>
    /// <param name="hostId">The host.</param>
    /// <param name="held">Only if it is held as this; null: however it is held.</param>
    /// <returns>What the last flush of its media met: nothing that was acknowledged is lost, and nobody waits for the rest.</returns>
    public async Task<IOException?> DropAsync(Guid hostId, LiveHost? held = null)
    {
        var host = held ?? _hosts.GetValueOrDefault(hostId);
        if (host is not null && _hosts.TryRemove(new KeyValuePair<Guid, LiveHost>(hostId, host)))
        {
            _ended[hostId] = host.Store.Epoch;
            Interlocked.Increment(ref _changes);
            await host.Gate.WaitAsync();
            try
            {
                host.Drop();
            }
            catch (IOException failure)
            {
                return failure;
            }
            finally
            {
                host.Gate.Release();
            }
        }

        return null;
    }
}
