using Microsoft.EntityFrameworkCore;
using Npgsql;
using PmemFleet.Api.Hosts;

namespace PmemFleet.Api.Persistence;

/// <summary>What becomes of a row.</summary>
public enum RowState
{
    /// <summary>It is not known here.</summary>
    Unknown,

    /// <summary>It is as it was.</summary>
    Unchanged,

    /// <summary>It is new.</summary>
    Added,

    /// <summary>A column differs from what was loaded.</summary>
    Changed,

    /// <summary>It goes.</summary>
    Removed,
}

/// <summary>
/// What a write adds, changes and removes. Rows are plain objects; what was loaded is copied, and compared when it is saved. All of it is saved in one round
/// trip, with one statement for a table and what is done to it, however many rows there are, and several writes can be gathered into one.
/// (EF's own tracking does the same for one row after the other, and cost more than all the rest of a write together.)
/// </summary>
public sealed class RowChanges
{
    private readonly RowTables _tables;
    private readonly Dictionary<object, object> _loaded = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Guid, RowCopies> _ofHosts = [];
    private readonly List<object> _added = [];
    private readonly List<object> _removed = [];
    private readonly HashSet<object> _addedOrRemoved = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _wakeUps = [];
    private readonly HashSet<string> _elsewhere = [];
    private readonly Dictionary<Guid, Action<RowChanges>> _afterCommit = [];
    private readonly HashSet<Guid> _changedHosts = [];
    private readonly HashSet<Guid> _changedElsewhere = [];
    private Guid _revision;

    internal RowChanges(RowTables tables) => _tables = tables;

    /// <summary>Remembers what a row is now.</summary>
    public void Attach(object row) => _loaded.TryAdd(row, RowTable.Copy(row));

    /// <summary>Takes on all rows of a host's device model, with what is known of them.</summary>
    internal void Attach(Guid host, RowCopies copies)
    {
        // loaded anew, in the same transaction: the former objects may still be in somebody's hands
        if (_ofHosts.TryGetValue(host, out var former) && former != copies)
        {
            foreach (var (row, stored) in former.All)
            {
                _loaded.TryAdd(row, stored);
            }
        }

        _ofHosts[host] = copies;
    }

    /// <summary>A new row.</summary>
    public void Add(object row)
    {
        _added.Add(row);
        _addedOrRemoved.Add(row);
    }

    /// <summary>A row that goes; one that is new is forgotten.</summary>
    public void Remove(object row)
    {
        if (StoredOf(row) is not null)
        {
            if (_addedOrRemoved.Add(row))
            {
                _removed.Add(row);
            }
        }
        else if (_addedOrRemoved.Remove(row))
        {
            _added.Remove(row);
        }
        else
        {
            throw new InvalidOperationException($"a {row.GetType().Name} that is not known here");
        }
    }

    /// <summary>How a row stands.</summary>
    public RowState StateOf(object row) =>
        StoredOf(row) is { } former
            ? _addedOrRemoved.Contains(row) ? RowState.Removed : _tables[row.GetType()].AreSame(row, former) ? RowState.Unchanged : RowState.Changed
            : _addedOrRemoved.Contains(row) ? RowState.Added : RowState.Unknown;

    /// <summary>A row as it was loaded; itself where it is new.</summary>
    public T FormerOf<T>(T row)
        where T : class => StoredOf(row) is { } former ? (T)former : row;

    /// <summary>A new row that is not saved yet.</summary>
    public T? FindAdded<T>(Func<T, bool> which)
        where T : class => _added.OfType<T>().FirstOrDefault(which);

    /// <summary>New rows that are not saved yet.</summary>
    internal IEnumerable<T> Added<T>()
        where T : class => _added.OfType<T>();

    /// <summary>A topic of <see cref="WakeUps"/> to raise once the transaction is committed.</summary>
    public void WakeAfterCommit(string topic) => _wakeUps.Add(topic);

    /// <summary>Whom such a topic wakes at this replica is told otherwise.</summary>
    internal void WakeOnlyElsewhere(string topic) => _elsewhere.Add(topic);

    /// <summary>The topic is to be raised.</summary>
    internal bool IsToWake(string topic) => _wakeUps.Contains(topic);

    /// <summary>What is done about a host once the transaction is committed. The last word counts: whoever waited for the host's lock must not see what stood in between.</summary>
    internal void AfterCommit(Guid host, Action<RowChanges> action) => _afterCommit[host] = action;

    /// <summary>A statement that is not made here changes rows of these hosts' device models.</summary>
    internal void ChangedElsewhere(IEnumerable<Guid> hosts) => _changedElsewhere.UnionWith(hosts);

    /// <summary>This transaction has changed rows of the host's device model, as far as they are saved.</summary>
    internal bool HasChanged(Guid host) => _changedHosts.Contains(host) || _changedElsewhere.Contains(host);

    /// <summary>The host's revision once this transaction is committed; null where it is not known.</summary>
    internal Guid? RevisionOf(HostRow host) =>
        _changedElsewhere.Contains(host.Id) ? null : _changedHosts.Contains(host.Id) ? _revision : host.Revision;

    /// <summary>The topics to raise once the transaction is committed: everywhere, and at the other replicas only.</summary>
    internal (string[] Everywhere, string[] Elsewhere) TakeWakeUps()
    {
        (string[], string[]) topics = ([.. _wakeUps.Except(_elsewhere)], [.. _wakeUps.Intersect(_elsewhere)]);
        _wakeUps.Clear();
        _elsewhere.Clear();
        return topics;
    }

    /// <summary>The transaction is committed.</summary>
    internal void Committed()
    {
        foreach (var action in _afterCommit.Values)
        {
            action(this);
        }
    }

    /// <summary>Changes of another write, to be taken over or thrown away.</summary>
    internal RowChanges New() => new(_tables);

    /// <summary>Takes over what another write changed; nothing of it is undone here.</summary>
    internal void Take(RowChanges other)
    {
        foreach (var row in other._added)
        {
            Add(row);
        }

        foreach (var (host, copies) in other._ofHosts)
        {
            Attach(host, copies);
        }

        foreach (var (row, former) in other._loaded)
        {
            if (other.StateOf(row) is RowState.Changed or RowState.Removed)
            {
                _loaded.Add(row, former);
            }
        }

        foreach (var row in other._removed)
        {
            Remove(row);
        }

        _wakeUps.UnionWith(other._wakeUps);
    }

    /// <summary>Forgets a row that is not here any more.</summary>
    internal void Forget(object row)
    {
        _loaded.Remove(row);
        CopiesWith(row)?.Remove(row);
    }

    /// <summary>Forgets all rows.</summary>
    internal void Clear()
    {
        _loaded.Clear();
        _ofHosts.Clear();
        _added.Clear();
        _removed.Clear();
        _addedOrRemoved.Clear();
    }

    /// <summary>Forgets everything, for the next transaction.</summary>
    internal void Reset()
    {
        Clear();
        _wakeUps.Clear();
        _elsewhere.Clear();
        _afterCommit.Clear();
        _changedHosts.Clear();
        _changedElsewhere.Clear();
        _revision = Guid.Empty;
    }

    /// <summary>Writes everything that differs; what was new or changed is remembered as it is then.</summary>
    /// <param name="trip">In the transaction.</param>
    /// <param name="cancellationToken">Stops it; the caller rolls back.</param>
    internal async Task<int> SaveAsync(RoundTrip trip, CancellationToken cancellationToken)
    {
        var rows = SaveWith(trip);
        await trip.RunAsync(cancellationToken);
        return rows;
    }

    /// <summary>Does the same in a round trip that has other parts too. It is saved when that is back; until then nothing here may be changed or saved.</summary>
    internal int SaveWith(RoundTrip trip)
    {
        var changed = new List<object>();
        AddChanged(_loaded, changed);
        foreach (var copies in _ofHosts.Values)
        {
            AddChanged(copies.All, changed);
        }

        var rows = changed.Count + _added.Count + _removed.Count;
        if (rows == 0)
        {
            return 0;
        }

        var revised = changed.Concat(_added).Concat(_removed).OfType<IHostDeviceRow>().Select(row => row.HostId).ToHashSet();
        _changedHosts.UnionWith(revised);

        // the row of a host is written whole, and its revision may have become another one since it was loaded: it gets a new one, which is never wrong
        revised.UnionWith(changed.OfType<HostRow>().Select(host => host.Id));
        if (revised.Count > 0)
        {
            Revise(trip, changed, revised);
        }

        Write(trip, changed);
        if (revised.Count > 0)
        {
            trip.Add(new NpgsqlBatchCommand(HostRevisions.EndOwn));
        }

        trip.AtEnd(() => Accept(changed));
        return rows;
    }

    /// <summary>Gives the hosts whose devices change a new revision: with their own row where it is here, else by a statement.</summary>
    private void Revise(RoundTrip trip, List<object> changed, HashSet<Guid> hosts)
    {
        _revision = _revision == Guid.Empty ? Guid.NewGuid() : _revision;
        trip.Add(new NpgsqlBatchCommand(HostRevisions.BeginOwn));
        var others = hosts.ToHashSet();
        foreach (var host in _loaded.Keys.Concat(_added).OfType<HostRow>().Where(host => hosts.Contains(host.Id)))
        {
            others.Remove(host.Id);
            if (host.Revision != _revision && StateOf(host) == RowState.Unchanged)
            {
                changed.Add(host);
            }

            host.Revision = _revision;
        }

        if (others.Count > 0)
        {
            trip.Add(new NpgsqlBatchCommand("UPDATE hosts SET revision = $1 WHERE id = ANY($2)")
            {
                Parameters = { new NpgsqlParameter<Guid> { TypedValue = _revision }, new NpgsqlParameter<Guid[]> { TypedValue = [.. others] } },
            });
        }
    }

    /// <summary>The row as it is stored; null where it is new, or not known here.</summary>
    private object? StoredOf(object row) => _loaded.GetValueOrDefault(row) ?? CopiesWith(row)?.Find(row);

    private RowCopies? CopiesWith(object row) => row is IHostDeviceRow device ? _ofHosts.GetValueOrDefault(device.HostId) : null;

    private void AddChanged(Dictionary<object, object> stored, List<object> changed)
    {
        foreach (var (row, former) in stored)
        {
            if (!_tables[row.GetType()].AreSame(row, former) && !_addedOrRemoved.Contains(row))
            {
                changed.Add(row);
            }
        }
    }

    private void Accept(List<object> changed)
    {
        foreach (var row in _removed)
        {
            _loaded.Remove(row);
            CopiesWith(row)?.Remove(row);
        }

        foreach (var row in changed.Concat(_added))
        {
            if (!_loaded.ContainsKey(row) && CopiesWith(row) is { } copies)
            {
                copies.Keep(row);
            }
            else
            {
                _loaded[row] = RowTable.Copy(row);
            }
        }

        _added.Clear();
        _removed.Clear();
        _addedOrRemoved.Clear();
    }

    /// <summary>
    /// First go the rows that nothing refers to, whose names others may take; then tables follow those they refer to, what changes before what is new; and
    /// what was referred to goes last, when nothing refers to it any more (a delete takes along what does).
    /// </summary>
    private void Write(RoundTrip trip, List<object> changed)
    {
        void Say(Func<RowTable, IReadOnlyList<object>, NpgsqlBatchCommand> statement, Type type, List<object>? rows)
        {
            if (rows is null)
            {
                return;
            }

            var command = statement(_tables[type], rows);
            trip.Add(command);
            trip.AtEnd(() =>
            {
                if ((int)command.RecordsAffected != rows.Count)
                {
                    throw new DbUpdateConcurrencyException($"{rows.Count} rows were to be written, and {command.RecordsAffected} were there: {command.CommandText}");
                }
            });
        }

        var (gone, differing, made) = (ByType(_removed), ByType(changed), ByType(_added));
        Type[] types = [.. gone.Keys.Concat(differing.Keys).Concat(made.Keys).Distinct().OrderBy(type => _tables.PlaceOf[type])];
        foreach (var type in types.Where(type => !_tables[type].IsReferredTo))
        {
            Say((table, rows) => table.Delete(rows), type, gone.GetValueOrDefault(type));
        }

        foreach (var type in types)
        {
            Say((table, rows) => table.Update(rows), type, differing.GetValueOrDefault(type));
            Say((table, rows) => table.Insert(rows), type, made.GetValueOrDefault(type));
        }

        foreach (var type in types.Where(type => _tables[type].IsReferredTo).Reverse())
        {
            Say((table, rows) => table.Delete(rows), type, gone.GetValueOrDefault(type));
        }
    }

    private static Dictionary<Type, List<object>> ByType(List<object> rows) => rows.GroupBy(row => row.GetType()).ToDictionary(group => group.Key, group => group.ToList());
}
