using System.Globalization;
using System.Text;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Badblocks;

/// <summary>An entry of a badblocks table.</summary>
/// <param name="Start">The first 512-byte sector.</param>
/// <param name="Length">Sectors, 1 to 512.</param>
/// <param name="Acknowledged">Whoever uses the table has taken note; pmem always has.</param>
public readonly record struct Badblock(long Start, int Length, bool Acknowledged)
{
    /// <summary>The first sector behind the entry.</summary>
    public long End => Start + Length;
}

/// <summary>What a range has to do with the table.</summary>
public enum BadblockMatch
{
    /// <summary>No sector of it is bad.</summary>
    None = 0,

    /// <summary>All bad sectors of it are acknowledged.</summary>
    Acknowledged = 1,

    /// <summary>Some are not.</summary>
    Unacknowledged = -1,
}

/// <summary>
/// A block device's or region's list of bad sectors: at most 512 entries of at most 512 sectors, in order, never overlapping (spec
/// 60 section 2). Six-point-one inserts the pieces of a long range in reverse order; this table keeps them sorted.
/// </summary>
public sealed class BadblockTable
{
    /// <summary>Entries of one 4096-byte page.</summary>
    public const int Capacity = 512;

    /// <summary>Sectors of the longest entry.</summary>
    public const int LongestEntry = 512;

    private const int PageBytes = 4096;

    private readonly List<Badblock> _entries = [];

    /// <summary>The entries in order.</summary>
    public IReadOnlyList<Badblock> Entries => _entries;

    /// <summary>Sectors of all entries: <c>badblock_count</c>.</summary>
    public long SectorCount => _entries.Sum(entry => (long)entry.Length);

    /// <summary>Marks sectors as bad. False where the table is full and the rest was dropped.</summary>
    public bool Set(long start, long count, bool acknowledged = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        var end = start + count;
        var at = LastAtOrBefore(start);
        if (at >= 0 && _entries[at].End >= start)
        {
            (start, end) = Cover(at, _entries[at].Start, start, end, acknowledged);
        }

        while (start < end && at + 1 < _entries.Count && _entries[at + 1].Start <= end)
        {
            at++;
            (start, end) = Cover(at, start, start, end, acknowledged);
        }

        if (start == end)
        {
            JoinFollowing(at);
        }

        for (; start < end; start += LongestEntry)
        {
            if (_entries.Count == Capacity)
            {
                return false;
            }

            _entries.Insert(++at, new Badblock(start, (int)Math.Min(end - start, LongestEntry), acknowledged));
        }

        return true;
    }

    /// <summary>Takes sectors off the list. ENOSPC, and nothing changed, where an entry must be split and the table is full.</summary>
    public Outcome<Done> Clear(long start, long count)
    {
        var end = start + count;
        var at = Math.Max(LastAtOrBefore(start), 0);
        if (at < _entries.Count && _entries[at].Start < start && _entries[at].End > end)
        {
            if (_entries.Count == Capacity)
            {
                return new Refusal(Errno.ENOSPC, "badblocks-full", "the badblocks table is full: no entry can be split").With("entries", Capacity);
            }

            var whole = _entries[at];
            _entries[at] = whole with { Length = (int)(start - whole.Start) };
            _entries.Insert(at + 1, whole with { Start = end, Length = (int)(whole.End - end) });
            return default(Done);
        }

        while (at < _entries.Count && _entries[at].Start < end)
        {
            var entry = _entries[at];
            if (entry.End <= start)
            {
                at++;
            }
            else if (entry.Start < start)
            {
                _entries[at++] = entry with { Length = (int)(start - entry.Start) };
            }
            else if (entry.End > end)
            {
                _entries[at++] = entry with { Start = end, Length = (int)(entry.End - end) };
            }
            else
            {
                _entries.RemoveAt(at);
            }
        }

        return default(Done);
    }

    /// <summary>Looks a range up; <paramref name="first"/> is the lowest overlapping entry, whole.</summary>
    public BadblockMatch Check(long start, long count, out Badblock first)
    {
        first = default;
        var at = LastAtOrBefore(start);
        at = at >= 0 && _entries[at].End > start ? at : at + 1;
        if (at == _entries.Count || _entries[at].Start >= start + count)
        {
            return BadblockMatch.None;
        }

        first = _entries[at];
        for (; at < _entries.Count && _entries[at].Start < start + count; at++)
        {
            if (!_entries[at].Acknowledged)
            {
                return BadblockMatch.Unacknowledged;
            }
        }

        return BadblockMatch.Acknowledged;
    }

    /// <summary>The <c>badblocks</c> attribute: a line <c>start length</c> each, as many whole lines as fit a page.</summary>
    public string Show()
    {
        var text = new StringBuilder();
        foreach (var entry in _entries)
        {
            var line = string.Create(CultureInfo.InvariantCulture, $"{entry.Start} {entry.Length}\n");
            if (text.Length + line.Length > PageBytes)
            {
                break;
            }

            text.Append(line);
        }

        return text.ToString();
    }

    /// <summary>A write to a disk's <c>badblocks</c> attribute: <c>start length</c>; EINVAL for anything else, ENOSPC when it is full.</summary>
    public Outcome<Done> Store(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = text.TrimEnd('\n').Split(' ');
        if (parts.Length != 2 || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var start)
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count <= 0)
        {
            return new Refusal(Errno.EINVAL, "badblocks-text", "a badblock is written as two numbers: start and length in sectors").Allowing("0 1");
        }

        return Set(start, count)
            ? default(Done)
            : new Refusal(Errno.ENOSPC, "badblocks-full", "the badblocks table is full").With("entries", Capacity);
    }

    /// <summary>Stretches an entry over as much of the range as its limit allows; what is left of the range comes back.</summary>
    private (long Start, long End) Cover(int at, long from, long start, long end, bool acknowledged)
    {
        var entry = _entries[at];
        var covered = start <= entry.Start && end >= entry.End;
        var reach = Math.Max(end, entry.End);
        var length = (int)Math.Min(reach - from, LongestEntry);
        _entries[at] = new Badblock(from, length, covered ? acknowledged : acknowledged && entry.Acknowledged);
        return (from + length, reach);
    }

    /// <summary>An entry that has reached the next one joins it where both are short enough, and only cuts it back where they are not.</summary>
    private void JoinFollowing(int at)
    {
        while (at >= 0 && at + 1 < _entries.Count && _entries[at + 1].Start <= _entries[at].End)
        {
            var (one, next) = (_entries[at], _entries[at + 1]);
            if (Math.Max(one.End, next.End) - one.Start < LongestEntry)
            {
                _entries[at] = new Badblock(one.Start, (int)(Math.Max(one.End, next.End) - one.Start), one.Acknowledged && next.Acknowledged);
                _entries.RemoveAt(at + 1);
                continue;
            }

            if (next.End <= one.End)
            {
                _entries.RemoveAt(at + 1);
                continue;
            }

            _entries[at + 1] = next with { Start = one.End, Length = (int)(next.End - one.End) };
            return;
        }
    }

    private int LastAtOrBefore(long sector)
    {
        var (low, high) = (0, _entries.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_entries[middle].Start <= sector)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }
}
