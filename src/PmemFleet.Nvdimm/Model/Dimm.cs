using System.Buffers.Binary;
using System.Globalization;
using PmemFleet.Nvdimm.Allocation;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>A DIMM: <c>nmemN</c>.</summary>
public sealed class Dimm
{
    private DimmLabels? _labels;

    internal Dimm(DimmSnapshot saved)
    {
        Identity = saved with { LabelChunks = [], Extents = [] };
        Name = string.Create(CultureInfo.InvariantCulture, $"nmem{saved.Id}");
        Area = saved.LabelAreaBytes is { } size ? new LabelArea(size, saved.LabelChunks) : null;
        Enabled = saved.Enabled;
        Labelling = saved.Labelling;
        Locked = saved.Locked;
        Security = saved.Security;
        Conditions = saved.Conditions;
        foreach (var extent in saved.Extents)
        {
            Space.TryReserve(extent);
        }
    }

    /// <summary>What never changes: capacity, serial, handle. Use the other members for what does.</summary>
    public DimmSnapshot Identity { get; }

    /// <summary>The number N of <c>nmemN</c>.</summary>
    public int Id => Identity.Id;

    /// <summary><c>nmemN</c>.</summary>
    public string Name { get; }

    /// <summary>The label area, or null.</summary>
    public LabelArea? Area { get; }

    /// <summary>The driver is bound.</summary>
    public bool Enabled { get; internal set; }

    /// <summary>Labels are in use for its regions.</summary>
    public bool Labelling { get; internal set; }

    /// <summary>Data cannot be reached.</summary>
    public bool Locked { get; internal set; }

    /// <summary>Security state text, or null.</summary>
    public string? Security { get; internal set; }

    /// <summary>NFIT conditions.</summary>
    public DimmConditions Conditions { get; internal set; }

    /// <summary>What labels reserve.</summary>
    public DpaSpace Space { get; } = new();

    /// <summary>The driver's view of the label area; null while the DIMM is disabled or has none.</summary>
    public DimmLabels? Labels
    {
        get
        {
            if (!Enabled || Area is null)
            {
                return null;
            }

            return _labels ??= DimmLabels.Probe(Id, Area).TryGet(out var labels, out _) ? labels : null;
        }
    }

    /// <summary>ndctl's unique id: vendor, location and date where they are given, serial.</summary>
    public string UniqueId
    {
        get
        {
            var vendor = BinaryPrimitives.ReverseEndianness(Identity.VendorId);
            var date = BinaryPrimitives.ReverseEndianness(Identity.ManufacturingDate);
            var serial = BinaryPrimitives.ReverseEndianness(Identity.SerialNumber);
            return (Identity.ManufacturingDate, Identity.ManufacturingLocation) == default
                ? string.Create(CultureInfo.InvariantCulture, $"{vendor:x4}-{serial:x8}")
                : string.Create(CultureInfo.InvariantCulture, $"{vendor:x4}-{Identity.ManufacturingLocation:x2}-{date:x4}-{serial:x8}");
        }
    }

    internal DimmSnapshot Save() => Identity with
    {
        Enabled = Enabled,
        Labelling = Labelling,
        Locked = Locked,
        Security = Security,
        Conditions = Conditions,
        LabelChunks = Area?.Chunks() ?? [],
        Extents = [.. Space.Extents],
    };

    /// <summary>The driver's probe: reads the labels and reserves what they name (spec 10 sections 11 and 14).</summary>
    internal Outcome<Done> Probe()
    {
        _labels = null;
        Space.Clear();
        Enabled = false;
        if (Area is null)
        {
            Enabled = true;
            return default(Done);
        }

        if (!DimmLabels.Probe(Id, Area).TryGet(out var labels, out var refusal))
        {
            return refusal;
        }

        foreach (var label in labels.Active())
        {
            var extent = new DpaExtent((long)label.Dpa, (long)label.RawSize, label.Uuid);
            if (extent.Start < 0 || extent.Length <= 0 || extent.End < extent.Start || !Space.TryReserve(extent))
            {
                Space.Clear();
                return new Refusal(Errno.EBUSY, "label-extents-overlap", $"nvdimm: probe of {Name} failed with error -16")
                    .With("dpa", extent.Start).With("bytes", extent.Length);
            }
        }

        _labels = labels;
        Enabled = true;
        Labelling |= labels.HasIndex;
        return default(Done);
    }

    internal void Disable()
    {
        _labels = null;
        Space.Clear();
        Enabled = false;
    }

    internal void ForgetLabels() => _labels = null;
}
