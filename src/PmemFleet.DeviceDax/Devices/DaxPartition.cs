using System.Collections.Immutable;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Devices;

/// <summary>
/// A device of a dynamic region as daxctl shapes it before it is enabled: created empty, sized, aligned, enabled, deleted
/// (spec 50 section 2). Its writes are those of its sysfs attributes.
/// </summary>
public sealed class DaxPartition
{
    private const ulong SizeUnit = 1UL << 21;
    private readonly DaxRegion _region;
    private DaxDevice? _device;

    internal DaxPartition(DaxRegion region, int instance)
    {
        (_region, Instance, Granule) = (region, instance, region.Granule);
    }

    /// <summary>Y of daxX.Y.</summary>
    public int Instance { get; }

    /// <summary>Its align.</summary>
    public PageGranule Granule { get; private set; }

    /// <summary>Its ranges in page-offset order.</summary>
    public ImmutableArray<PhysicalRange> Ranges { get; private set; } = [];

    /// <summary>Sum of its ranges.</summary>
    public ByteCount Size => new(Ranges.Aggregate(0UL, (sum, r) => sum + r.Length.Value));

    /// <summary>Its enabled life, if it has one.</summary>
    public DaxDevice? Device => _device is { IsAlive: true } ? _device : null;

    /// <summary>
    /// Writes <c>size</c>: EINVAL off max(align, 2 MiB), EBUSY while enabled, ENOSPC beyond what is free. Shrinks from its
    /// last range; grows into the lowest gaps.
    /// </summary>
    public Outcome<Done> Resize(ByteCount size)
    {
        var unit = Math.Max(Granule.Bytes(), SizeUnit);
        if (!PageGranules.IsAligned(size.Value, unit))
        {
            return new Refusal(Errno.EINVAL, "dax-size-misaligned", "The size must be a multiple of the align and of 2 MiB.")
                .With("size", size.Value).With("unit", unit)
                .AllowingBytes(size.Value, unit);
        }

        return Device is not null ? Active() : _region.Shape(this, size.Value, unit, ranges => Ranges = ranges);
    }

    /// <summary>Writes <c>align</c>: EINVAL when no page has that size or a range doesn't fit it, EBUSY while enabled (seed row 89).</summary>
    public Outcome<Done> SetAlign(ByteCount align)
    {
        if (!PageGranules.TryFromAlign(align.Value, out var granule))
        {
            return new Refusal(Errno.EINVAL, "dax-align-unsupported", "No page has this size.").With("align", align.Value)
                .Allowing(new ulong[] { 4096, 2097152, 1073741824 }.OrderBy(legal => UInt128.Max(legal, align.Value) - UInt128.Min(legal, align.Value)).Select(legal => $"{legal}"));
        }

        if (Device is not null)
        {
            return Active();
        }

        if (Ranges.Any(r => !PageGranules.IsAligned(r.Length.Value, granule.Bytes())))
        {
            return new Refusal(Errno.EINVAL, "dax-align-range", "A range of the device isn't a multiple of the align.").With("align", align.Value)
                .Allowing(new ulong[] { 2097152, 4096 }.Where(legal => legal < align.Value && Ranges.All(r => PageGranules.IsAligned(r.Length.Value, legal))).Select(legal => $"{legal}"));
        }

        Granule = granule;
        return default(Done);
    }

    /// <summary>Binds the driver: ENXIO for a device of size 0.</summary>
    public Outcome<DaxDevice> Enable()
    {
        if (Device is { } device)
        {
            return device;
        }

        if (Ranges.IsEmpty)
        {
            return new Refusal(Errno.ENXIO, "dax-size-zero", "A device of size 0 can't be enabled.");
        }

        var made = _region.AddDevice(new(Instance, Ranges) { Granule = Granule });
        _device = made.TryGet(out var enabled, out _) ? enabled : _device;
        return made;
    }

    internal static Refusal Active() => new(Errno.EBUSY, "dax-device-active", "The device is enabled; disable it first.");
}
