using System.Collections;
using System.Runtime.InteropServices;

namespace PmemFleet.Nvdimm.Model;

/// <summary>Devices of one kind by number; a new one gets the lowest number that is free, as the kernel's id allocator gives.</summary>
internal sealed class IdTable<T> : IEnumerable<T>
    where T : class
{
    private readonly List<T?> _items = [];
    private int _lowestFree;

    public int Count { get; private set; }

    /// <summary>By number; null where a number is free. For loops over all that must not cost an enumerator.</summary>
    public ReadOnlySpan<T?> Slots => CollectionsMarshal.AsSpan(_items);

    public int NextId => _lowestFree;

    public T? Find(int id) => id >= 0 && id < _items.Count ? _items[id] : null;

    public void Add(int id, T item)
    {
        while (_items.Count <= id)
        {
            _items.Add(null);
        }

        Count += _items[id] is null ? 1 : 0;
        _items[id] = item;
        while (_lowestFree < _items.Count && _items[_lowestFree] is not null)
        {
            _lowestFree++;
        }
    }

    public void Remove(int id)
    {
        if (Find(id) is not null)
        {
            _items[id] = null;
            Count--;
            _lowestFree = Math.Min(_lowestFree, id);
        }
    }

    public void Clear()
    {
        _items.Clear();
        _lowestFree = Count = 0;
    }

    public IEnumerator<T> GetEnumerator()
    {
        // by index: a caller may remove what it is given
        for (var i = 0; i < _items.Count; i++)
        {
            if (_items[i] is { } item)
            {
                yield return item;
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
