namespace PmemFleet.Api.Persistence;

/// <summary>
/// Rows beside what the database has of them. They stay with a host's rows for as long as those are remembered (<see cref="Hosts.HostCache"/>): a write copies
/// what it changes, and not all that it could change.
/// </summary>
public sealed class RowCopies
{
    private readonly Dictionary<object, object> _stored = new(ReferenceEqualityComparer.Instance);

    /// <summary>Of rows that were just loaded.</summary>
    public static RowCopies Of(IEnumerable<object> rows)
    {
        var copies = new RowCopies();
        foreach (var row in rows)
        {
            copies.Keep(row);
        }

        return copies;
    }

    /// <summary>All of them.</summary>
    internal Dictionary<object, object> All => _stored;

    /// <summary>The row as it is stored; null where it is not.</summary>
    internal object? Find(object row) => _stored.GetValueOrDefault(row);

    /// <summary>What the row is now is stored.</summary>
    internal void Keep(object row) => _stored[row] = RowTable.Copy(row);

    /// <summary>It is not stored any more.</summary>
    internal void Remove(object row) => _stored.Remove(row);
}
