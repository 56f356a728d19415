using System.Collections.Immutable;
using System.Text.Json.Serialization;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Devices;

/// <summary>What a dax region is made from.</summary>
/// <param name="Id">The region's number; with pmem, that of the namespace's region.</param>
/// <param name="Range">The data, without metadata: [base + start_pad + dataoff, end - end_trunc].</param>
/// <param name="Granule">The align attribute.</param>
public sealed record DaxRegionSpec(int Id, PhysicalRange Range, PageGranule Granule)
{
    /// <summary>Static regions (pmem) have one device per namespace; dynamic ones (soft-reserved memory) are divided at will.</summary>
    public bool IsStatic { get; init; } = true;

    /// <summary>Name of the parent device; any bus will do (seed row 29).</summary>
    public string? Parent { get; init; }
}

/// <summary>What a dax device is made from.</summary>
/// <param name="Instance">Y of daxX.Y.</param>
/// <param name="Ranges">Its ranges in page-offset order; the whole region when empty.</param>
[method: JsonConstructor]
public sealed record DaxDeviceSpec(int Instance, ImmutableArray<PhysicalRange> Ranges)
{
    /// <summary>A device over its whole region.</summary>
    public DaxDeviceSpec(int instance)
        : this(instance, [])
    {
    }

    /// <summary>Its own align; the region's when null. Only devices of dynamic regions may differ.</summary>
    public PageGranule? Granule { get; init; }

    /// <summary>Whether its memory has struct pages.</summary>
    public bool HasStructPages { get; init; } = true;

    /// <summary>The NUMA node it would come online as; -1 for none.</summary>
    public int TargetNode { get; init; }
}

/// <summary>
/// A range that dax devices are taken from. Its three attributes are all a tool needs to size a mapping (seed rows 27 and 28).
/// </summary>
public sealed partial class DaxRegion
{
    private readonly Lock _gate = new();
    private readonly Machine _machine;
    private readonly List<DaxDevice> _devices = [];

    internal DaxRegion(Machine machine, DaxRegionSpec spec)
    {
        _machine = machine;
        (Id, Range, Granule, IsStatic, Parent) = (spec.Id, spec.Range, spec.Granule, spec.IsStatic, spec.Parent);
    }

    /// <summary>sysfs <c>dax_region/id</c>.</summary>
    public int Id { get; }

    /// <summary>The physical range.</summary>
    public PhysicalRange Range { get; }

    /// <summary>sysfs <c>dax_region/size</c>.</summary>
    public ByteCount Size => Range.Length;

    /// <summary>sysfs <c>dax_region/align</c>, bytes.</summary>
    public ByteCount Align => new(Granule.Bytes());

    /// <summary>The align as a page size.</summary>
    public PageGranule Granule { get; }

    /// <summary>True for pmem.</summary>
    public bool IsStatic { get; }

    /// <summary>Name of the parent device, if it has one.</summary>
    public string? Parent { get; }

    /// <summary>Devices whose ranges aren't released yet, by instance.</summary>
    public IReadOnlyList<DaxDevice> Devices
    {
        get
        {
            lock (_gate)
            {
                return [.. _devices.OrderBy(d => d.Instance)];
            }
        }
    }

    /// <summary>Bytes no device has.</summary>
    public ByteCount AvailableSize
    {
        get
        {
            lock (_gate)
            {
                return new(Size.Value - _devices.Aggregate(0UL, (sum, d) => sum + d.Size.Value));
            }
        }
    }

    /// <summary>
    /// Enables a device. EINVAL when an extent isn't a multiple of the align (seed row 68) or a static region is given several;
    /// EBUSY when a range is taken, with the kernel's message (seed row 59).
    /// </summary>
    public Outcome<DaxDevice> AddDevice(DaxDeviceSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ImmutableArray<PhysicalRange> ranges = spec.Ranges.IsDefaultOrEmpty ? [Range] : spec.Ranges;
        lock (_gate)
        {
            if (Check(spec, ranges) is { } refusal)
            {
                return refusal;
            }

            var extents = ImmutableArray.CreateBuilder<DaxExtent>(ranges.Length);
            ulong pageOffset = 0;
            foreach (var range in ranges)
            {
                extents.Add(new(pageOffset, range));
                pageOffset += range.Length.Value >> PageGranules.PageShift;
            }

            var made = _machine.Register((number, inode) => new(_machine, this, spec, extents.MoveToImmutable(), number, inode));
            if (made.TryGet(out var device, out _))
            {
                _devices.Add(device);
            }

            return made;
        }
    }

    internal void Release(DaxDevice device)
    {
        lock (_gate)
        {
            _devices.Remove(device);
        }
    }

    private Refusal? Check(DaxDeviceSpec spec, ImmutableArray<PhysicalRange> ranges)
    {
        var name = $"dax{Id}.{spec.Instance}";
        if (IsStatic && ranges.Length > 1)
        {
            return new(Errno.EINVAL, "static-multi-range", "A device of a static region has exactly one range.")
            {
                KernelMessage = $"device_dax {name}: static pgmap / multi-range device conflict",
            };
        }

        var align = Math.Max(Align.Value, (spec.Granule ?? Granule).Bytes());
        foreach (var range in ranges)
        {
            if (!PageGranules.IsAligned(range.Start.Value | range.Length.Value, align) || range.Length.Value == 0)
            {
                return new Refusal(Errno.EINVAL, "dax-extent-misaligned", "Every extent starts and ends on a multiple of the region's align.")
                    .WithAddress("start", range.Start.Value).With("length", range.Length.Value).With("align", align)
                    .AllowingBytes(range.Length.Value, align, align, Range.Length.Value);
            }

            if (range.Start.Value < Range.Start.Value || range.End.Value > Range.End.Value)
            {
                return new Refusal(Errno.ENXIO, "dax-extent-outside-region", "An extent must lie in its region.")
                    .WithAddress("start", range.Start.Value).With("length", range.Length.Value)
                    .WithAddress("regionStart", Range.Start.Value).With("regionLength", Range.Length.Value).Allowing($"{Range}");
            }

            if (_devices.Any(d => d.Extents.Any(e => e.Range.Overlaps(range))) || ranges.Count(r => r.Overlaps(range)) > 1)
            {
                return Busy(name, range);
            }
        }

        return _devices.Any(d => d.Instance == spec.Instance) ? Busy(name, ranges[0]) : null;
    }

    private static Refusal Busy(string name, PhysicalRange range) =>
        new(Errno.EBUSY, "range-busy", $"could not reserve region {range}")
        {
            KernelMessage = $"dax_pmem {name}: could not reserve region {range}",
        };
}
