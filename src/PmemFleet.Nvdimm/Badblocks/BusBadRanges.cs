using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Nvdimm.Badblocks;

/// <summary>
/// What a bus knows to be bad, in system physical addresses and to the byte: unordered, overlaps kept (spec 60 section 1). Every
/// badblocks table is filled from it.
/// </summary>
public sealed class BusBadRanges
{
    private readonly List<ByteRange> _ranges = [];

    /// <summary>The ranges in the order they became known.</summary>
    public IReadOnlyList<ByteRange> Ranges => _ranges;

    /// <summary>Adds a range; one that begins where a known one begins takes its place.</summary>
    public void Add(long spa, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        var at = _ranges.FindIndex(range => range.Start == spa);
        if (at < 0)
        {
            _ranges.Add(new ByteRange(spa, length));
            return;
        }

        _ranges[at] = new ByteRange(spa, length);
    }

    /// <summary>Forgets a range to the byte: what lies inside goes, what only overlaps is trimmed or split.</summary>
    public void Forget(long spa, long length)
    {
        var end = spa + length;
        for (var at = 0; at < _ranges.Count;)
        {
            var range = _ranges[at];
            if (range.Start >= end || range.End <= spa)
            {
                at++;
                continue;
            }

            _ranges.RemoveAt(at);
            if (range.Start < spa)
            {
                _ranges.Insert(at++, new ByteRange(range.Start, spa - range.Start));
            }

            if (range.End > end)
            {
                _ranges.Insert(at++, new ByteRange(end, range.End - end));
            }
        }
    }

    /// <summary>Adds to a table what overlaps its span, in sectors from the span's start; it removes nothing. False where the table is full.</summary>
    public bool Populate(BadblockTable table, long spa, long length)
    {
        ArgumentNullException.ThrowIfNull(table);
        var all = true;
        foreach (var range in _ranges)
        {
            var start = Math.Max(range.Start, spa);
            var end = Math.Min(range.End, spa + length);
            if (start < end)
            {
                var sectors = SectorSpan.Of(start - spa, end - start);
                all &= table.Set(sectors.First, sectors.Count);
            }
        }

        return all;
    }

    /// <summary>Accounts for cleared bytes: they are forgotten here, and whole sectors of them leave the tables of every region they lie in (spec 60 section 4).</summary>
    /// <param name="spa">Where clearing began.</param>
    /// <param name="cleared">Bytes that the device says it cleared.</param>
    /// <param name="regions">The regions' tables with the start and length of their spans.</param>
    public void AccountCleared(long spa, long cleared, IEnumerable<(long Start, long Length, BadblockTable Table)> regions)
    {
        ArgumentNullException.ThrowIfNull(regions);
        if (cleared <= 0)
        {
            return;
        }

        Forget(spa, cleared);
        foreach (var (start, length, table) in regions)
        {
            if (cleared >= SectorSpan.SectorBytes && spa >= start && spa + cleared <= start + length)
            {
                _ = table.Clear((spa - start) / SectorSpan.SectorBytes, cleared / SectorSpan.SectorBytes);
            }
        }
    }
}
