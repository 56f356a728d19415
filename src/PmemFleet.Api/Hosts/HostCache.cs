using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Hosts;

/// <summary>
/// The rows of hosts as this replica's last write left them, so that the next one does not load them again. An entry is worth something only to who has
/// locked the host and finds its revision unchanged (<see cref="HostRevisions"/>): so nothing has to be told to anybody, and what is here may be as old as it likes.
/// </summary>
public sealed class HostCache
{
    /// <summary>Rows that are kept, at most: with the model over them some 40 MiB.</summary>
    private const int MostRows = 60_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Entry> _entries = [];
    private int _rows;

    /// <summary>The rows of a host that is locked, and the model over them where it is there; null where they have to be loaded. Whoever takes an entry has it alone.</summary>
    public (HostRows Rows, Bus? Bus)? Take(HostRow locked)
    {
        lock (_gate)
        {
            if (!_entries.Remove(locked.Id, out var entry))
            {
                return null;
            }

            _rows -= entry.Count;
            return entry.Revision == locked.Revision ? (entry.Rows.With(locked), entry.Bus) : null;
        }
    }

    /// <summary>Keeps what is committed.</summary>
    /// <param name="rows">The rows; nobody changes them any more.</param>
    /// <param name="bus">The model that the rows say; null: it is to be made of them.</param>
    /// <param name="revision">The host's revision at the commit.</param>
    public void Put(HostRows rows, Bus? bus, Guid revision)
    {
        var entry = new Entry(rows, bus, revision, rows.Count);
        lock (_gate)
        {
            if (_entries.Remove(rows.Host.Id, out var former))
            {
                _rows -= former.Count;
            }

            _entries.Add(rows.Host.Id, entry);
            _rows += entry.Count;
            while (_rows > MostRows)
            {
                // any: of hosts that are written in turn, the oldest would be the very next
                var victim = _entries.First();
                _entries.Remove(victim.Key);
                _rows -= victim.Value.Count;
            }
        }
    }

    private sealed record Entry(HostRows Rows, Bus? Bus, Guid Revision, int Count);
}
