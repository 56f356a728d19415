using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Hosts;

/// <summary>
/// The rows of hosts as this replica's last write left them, so that the next one does not load them again. An entry is worth something only to who has
/// locked the host and finds its revision unchanged (<see cref="HostRevisions"/>): so nothing has to be told to anybody, and what is here may be as old as it likes.
/// </summary>
/// <param name="mostBytes">What all entries may take, about.</param>
public sealed class HostCache(long mostBytes)
{
    /// <summary>What a replica keeps.</summary>
    public const long MostBytes = 56L << 20;

    /// <summary>An entry without rows, and a row with its copy and what the model has of it.</summary>
    private const int EntryBytes = 4096;
    private const int RowBytes = 760;

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Entry> _entries = [];
    private readonly List<Guid> _hosts = [];
    private long _bytes;

    /// <summary>Hosts that are kept.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _hosts.Count;
            }
        }
    }

    /// <summary>The rows of a host that is locked, and the model over them where it is there; null where they have to be loaded. Whoever takes an entry has it alone.</summary>
    public (HostRows Rows, Bus? Bus)? Take(HostRow locked) =>
        Remove(locked.Id) is { } entry && entry.Revision == locked.Revision ? (entry.Rows.With(locked), entry.Bus) : null;

    /// <summary>Forgets a host.</summary>
    internal Entry? Remove(Guid host)
    {
        lock (_gate)
        {
            if (!_entries.Remove(host, out var entry))
            {
                return null;
            }

            // the last one takes its place in the list
            var last = _hosts[^1];
            _hosts[entry.Place] = last;
            _hosts.RemoveAt(_hosts.Count - 1);
            if (last != host)
            {
                _entries[last].Place = entry.Place;
            }

            _bytes -= entry.Bytes;
            return entry;
        }
    }

    /// <summary>Keeps what is committed.</summary>
    /// <param name="rows">The rows; nobody changes them any more.</param>
    /// <param name="bus">The model that the rows say; null: it is to be made of them.</param>
    /// <param name="revision">The host's revision at the commit.</param>
    public void Put(HostRows rows, Bus? bus, Guid revision)
    {
        rows.Order();
        var bytes = EntryBytes + ((long)RowBytes * rows.Count) + rows.LabelChunks.Sum(chunk => (long)chunk.Content.Length);
        lock (_gate)
        {
            Remove(rows.Host.Id);
            _entries.Add(rows.Host.Id, new Entry(rows, bus, revision, bytes) { Place = _hosts.Count });
            _hosts.Add(rows.Host.Id);
            _bytes += bytes;
            while (_bytes > mostBytes)
            {
                // any: of hosts that are written in turn, the oldest would be the very next
                Remove(_hosts[Random.Shared.Next(_hosts.Count)]);
            }
        }
    }

    /// <summary>A host that is kept.</summary>
    internal sealed class Entry(HostRows rows, Bus? bus, Guid revision, long bytes)
    {
        public HostRows Rows => rows;

        public Bus? Bus => bus;

        public Guid Revision => revision;

        public long Bytes => bytes;

        /// <summary>In the list of hosts.</summary>
        public required int Place { get; set; }
    }
}
