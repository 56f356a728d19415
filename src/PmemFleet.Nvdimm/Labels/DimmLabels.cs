using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Labels;

/// <summary>
/// A DIMM driver's view of the label area from its probe on: the current index block, the staging one and the labels in
/// use (spec 10 sections 5, 6 and 12). All writes go through here, in the crash-safe order.
/// </summary>
public sealed class DimmLabels
{
    private readonly LabelArea _area;
    private readonly Dictionary<Guid, List<int>> _slots = [];
    private IndexImage? _staging;
    private int _current;

    private DimmLabels(int dimm, LabelArea area, LabelGeometry geometry)
    {
        Dimm = dimm;
        _area = area;
        Geometry = geometry;
    }

    /// <summary>The DIMM's number, as writes in the <see cref="Journal"/> name it.</summary>
    public int Dimm { get; }

    /// <summary>The layout in use; that of v1.2 where the area has no valid index.</summary>
    public LabelGeometry Geometry { get; }

    /// <summary>At least one index block was valid, or this object wrote one.</summary>
    public bool HasIndex => _staging is not null;

    /// <summary>Labels are compared with cookie 1; otherwise with cookie 2, also where there is no index (spec 10 section 9).</summary>
    public bool SelectsFirstCookie => _staging?.SelectsFirstCookie ?? false;

    /// <summary>The block that counts: 0 or 1.</summary>
    public int CurrentIndex => _current;

    /// <summary>Slots a caller can still use: one is always kept for updates.</summary>
    public int AvailableSlots => Math.Max(0, (_staging?.FreeCount() ?? Geometry.SlotCount) - 1);

    /// <summary>When set, every write to the area is noted here, in order.</summary>
    public ICollection<LabelWrite>? Journal { get; set; }

    /// <summary>Looks at <paramref name="area"/> as the driver's probe does: v1.1 first, then v1.2. It writes nothing.</summary>
    /// <returns>The view, or ENXIO where the area cannot hold two v1.2 labels and has no v1.1 index.</returns>
    public static Outcome<DimmLabels> Probe(int dimm, LabelArea area)
    {
        LabelGeometry? last = null;
        foreach (var version in (ReadOnlySpan<LabelVersion>)[LabelVersion.V11, LabelVersion.V12])
        {
            last = LabelGeometry.For(area.Size, version);
            if (last is not { } geometry)
            {
                continue;
            }

            var blocks = new byte[2 * geometry.IndexBytes];
            area.Read(0, blocks);
            var first = blocks.AsSpan(0, geometry.IndexBytes);
            var second = blocks.AsSpan(geometry.IndexBytes);
            var firstIsValid = IndexBlock.Fault(first, 0, geometry) is null;
            var secondIsValid = IndexBlock.Fault(second, 1, geometry) is null;
            if (!firstIsValid && !secondIsValid)
            {
                continue;
            }

            var labels = new DimmLabels(dimm, area, geometry)
            {
                _current = !secondIsValid ? 0
                    : !firstIsValid ? 1
                    : SequenceNumber.Newer(IndexBlock.Read(first).Sequence, IndexBlock.Read(second).Sequence),
            };
            labels._staging = IndexImage.FromValid(labels._current == 0 ? first : second);
            labels.FindSlots();
            return labels;
        }

        return last is { } unused
            ? new DimmLabels(dimm, area, unused)
            : new Refusal(Errno.ENXIO, "label-area-too-small", $"nmem{dimm}: label area ({area.Size}) too small to host ({LabelGeometry.LabelBytesOf(LabelVersion.V12)} byte) labels")
                .With("labelAreaBytes", area.Size).Allowing($"{LabelGeometry.MinimumAreaBytes}").About("labelAreaBytes");
    }

    /// <summary>Labels in use, in slot order: free bit clear, own slot named, checksum right.</summary>
    public IEnumerable<NamespaceLabel> Active()
    {
        if (_staging is null)
        {
            yield break;
        }

        for (var slot = 0; slot < _staging.SlotCount; slot++)
        {
            if (!_staging.IsFree(slot) && TryRead(slot, out var label))
            {
                yield return label;
            }
        }
    }

    /// <summary>The lowest slot in use by <paramref name="uuid"/>, or null.</summary>
    public int? SlotOf(Guid uuid) => _slots.TryGetValue(uuid, out var slots) ? slots[0] : null;

    /// <summary>Writes index blocks as the kernel does when it needs labels and there are none: block 0 with sequence 3, then block 1 with 2.</summary>
    public void Initialise()
    {
        _staging = IndexImage.Fresh(Geometry);
        _slots.Clear();
        WriteIndex(0, 3);
        WriteIndex(1, 2);
        _current = 0;
    }

    /// <summary>
    /// One pass of an update: the label into a free slot, then the staging index without the slots it replaces, which
    /// is the commit point (spec 10 section 12).
    /// </summary>
    /// <param name="label">The label; its slot is filled in.</param>
    /// <param name="replaces">The uuid of labels it replaces besides its own, after a change of uuid.</param>
    /// <returns>ENXIO where no slot is free or there is no index.</returns>
    public Outcome<Done> Write(in NamespaceLabel label, Guid? replaces = null)
    {
        if (_staging is null || _staging.LowestFree() is var slot && slot < 0)
        {
            return new Refusal(Errno.ENXIO, "label-slots-exhausted", $"nmem{Dimm}: no free label slot").With("availableSlots", 0);
        }

        _staging.SetFree(slot, false);
        Span<byte> bytes = stackalloc byte[LabelGeometry.LabelBytesOf(LabelVersion.V12)];
        bytes = bytes[..Geometry.LabelBytes];
        (label with { Slot = (uint)slot }).Write(bytes);
        WriteArea(Geometry.SlotOffset(slot), bytes);
        if (!_slots.TryGetValue(label.Uuid, out var slots))
        {
            _slots.Add(label.Uuid, slots = new List<int>(1));
        }

        FreeAll(slots);
        if (replaces is { } old && _slots.Remove(old, out var replaced))
        {
            FreeAll(replaced);
        }

        slots.Add(slot);
        Commit();
        return default(Done);
    }

    /// <summary>Frees every slot of <paramref name="uuid"/> and commits; the labels' bytes stay. Nothing happens without an index.</summary>
    public void Delete(Guid uuid)
    {
        if (_staging is null)
        {
            return;
        }

        if (_slots.Remove(uuid, out var slots))
        {
            FreeAll(slots);
        }

        Commit();
    }

    private void FreeAll(List<int> slots)
    {
        foreach (var slot in slots)
        {
            _staging!.SetFree(slot, true);
        }

        slots.Clear();
    }

    private void Commit()
    {
        WriteIndex(1 - _current, SequenceNumber.Next(_staging!.Sequence));
        _current = 1 - _current;
    }

    private void WriteIndex(int which, uint sequence)
    {
        Span<byte> block = Geometry.IndexBytes <= 4096 ? stackalloc byte[Geometry.IndexBytes] : new byte[Geometry.IndexBytes];
        _staging!.Finish(which, sequence, Geometry, block);
        WriteArea(which * Geometry.IndexBytes, block);
    }

    private void WriteArea(int offset, ReadOnlySpan<byte> bytes)
    {
        Journal?.Add(new LabelWrite(Dimm, offset, [.. bytes]));
        _area.Write(offset, bytes);
    }

    private bool TryRead(int slot, out NamespaceLabel label)
    {
        Span<byte> bytes = stackalloc byte[LabelGeometry.LabelBytesOf(LabelVersion.V12)];
        bytes = bytes[..Geometry.LabelBytes];
        _area.Read(Geometry.SlotOffset(slot), bytes);
        var usable = NamespaceLabel.IsUsable(bytes, slot);
        label = usable ? NamespaceLabel.Read(bytes) : default;
        return usable;
    }

    private void FindSlots()
    {
        foreach (var label in Active())
        {
            if (!_slots.TryGetValue(label.Uuid, out var slots))
            {
                _slots.Add(label.Uuid, slots = new List<int>(1));
            }

            slots.Add((int)label.Slot);
        }
    }
}
