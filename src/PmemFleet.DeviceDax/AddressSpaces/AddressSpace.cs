using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

/// <summary>The mappings of one process in address order, and its page table. The process's gate guards it.</summary>
internal sealed class AddressSpace(Process owner, AddressSpaceLayout layout, PageTable table)
{
    private readonly List<Mapping> _mappings = [];
    private Mapping? _lastFound;

    public AddressSpaceLayout Layout => layout;

    public PageTable Table { get; } = table;

    public IReadOnlyList<Mapping> Mappings => _mappings;

    public Mapping? Find(ulong address)
    {
        if (_lastFound is { } last && address >= last.StartValue && address < last.EndValue)
        {
            return last;
        }

        var index = IndexAt(address);
        if (index == _mappings.Count || _mappings[index].StartValue > address)
        {
            return null;
        }

        return _lastFound = _mappings[index];
    }

    /// <summary>Index of the first mapping that ends after an address.</summary>
    public int IndexAt(ulong address)
    {
        var (low, high) = (0, _mappings.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _mappings[middle].EndValue > address ? (low, middle) : (middle + 1, high);
        }

        return low;
    }

    public IEnumerable<Mapping> Overlapping(ulong start, ulong end)
    {
        for (var i = IndexAt(start); i < _mappings.Count && _mappings[i].StartValue < end; i++)
        {
            yield return _mappings[i];
        }
    }

    public bool IsFree(ulong start, ulong end) => !Overlapping(start, end).Any();

    public void Insert(Mapping mapping)
    {
        _mappings.Insert(IndexAt(mapping.StartValue), mapping);
        mapping.File?.Hold();
        mapping.Device?.Mapped(owner);
    }

    public void Remove(Mapping mapping)
    {
        _mappings.Remove(mapping);
        _lastFound = null;
        mapping.Device?.Unmapped(owner);
        mapping.File?.Put();
    }

    /// <summary>Cuts a mapping in two; the given one keeps the lower part.</summary>
    public Mapping Cut(Mapping mapping, ulong address)
    {
        var upper = new Mapping(address, mapping.EndValue, mapping.Flags, mapping.File, mapping.PageOffsetOf(address));
        mapping.EndValue = address;
        _lastFound = null;
        Insert(upper);
        return upper;
    }

    /// <summary>Joins what touches in the range, as the kernel does after each change of flags.</summary>
    public void Merge(ulong start, ulong end)
    {
        for (var i = Math.Max(IndexAt(start) - 1, 0); i + 1 < _mappings.Count && _mappings[i].StartValue <= end;)
        {
            var (lower, upper) = (_mappings[i], _mappings[i + 1]);
            if (!lower.CanMergeWith(upper))
            {
                i++;
                continue;
            }

            var newEnd = upper.EndValue;
            Remove(upper);
            lower.EndValue = newEnd;
        }
    }

    /// <summary>munmap of a range whose borders are already cut: mappings go, then entries, then unshared tables.</summary>
    public void Drop(ulong start, ulong end)
    {
        foreach (var mapping in Overlapping(start, end).ToList())
        {
            Remove(mapping);
        }

        var next = IndexAt(start);
        var floor = next == 0 ? 0 : _mappings[next - 1].EndValue;
        var ceiling = next == _mappings.Count ? ulong.MaxValue : _mappings[next].StartValue;
        Table.Unmap(start, end, floor, ceiling);
    }

    /// <summary>What puts the mappings and the page table back to what they are now; devices and files count their users themselves.</summary>
    public Action Remember()
    {
        var (kept, table) = (_mappings.Select(mapping => (Mapping: mapping, mapping.StartValue, mapping.EndValue, mapping.Flags, mapping.PageOffset)).ToList(), Table.Remember());
        return () =>
        {
            _mappings.Clear();
            _lastFound = null;
            foreach (var (mapping, start, end, flags, pageOffset) in kept)
            {
                (mapping.StartValue, mapping.EndValue, mapping.Flags, mapping.PageOffset) = (start, end, flags, pageOffset);
                _mappings.Add(mapping);
            }

            table();
        };
    }

    /// <summary>Highest free range below the base of mappings, then the lowest above it.</summary>
    public ulong? PlaceTopDown(ulong length)
    {
        var gapEnd = layout.MmapBase;
        for (var i = _mappings.Count - 1; i >= -1; i--)
        {
            if (i >= 0 && _mappings[i].StartValue >= layout.MmapBase)
            {
                continue;
            }

            var gapStart = i >= 0 ? _mappings[i].EndValue : AddressSpaceLayout.LowestAddress;
            if (gapEnd > gapStart && gapEnd - gapStart >= length)
            {
                return gapEnd - length;
            }

            gapEnd = i >= 0 ? Math.Min(gapEnd, _mappings[i].StartValue) : gapEnd;
        }

        return PlaceBottomUp(length, layout.MmapBase, layout.TaskSize);
    }

    public ulong? PlaceBottomUp(ulong length, ulong from, ulong limit)
    {
        var candidate = from;
        foreach (var mapping in _mappings)
        {
            if (mapping.EndValue <= candidate)
            {
                continue;
            }

            if (mapping.StartValue >= candidate && mapping.StartValue - candidate >= length)
            {
                break;
            }

            candidate = PageGranules.AlignUp(mapping.EndValue, PageGranules.PageBytes);
        }

        return candidate + length <= limit && candidate + length > candidate ? candidate : null;
    }
}
