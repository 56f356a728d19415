using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <content>DIMMs: plug, enable, disable, and ndctl's label commands.</content>
public sealed partial class Bus
{
    /// <summary>Adds a DIMM under the lowest free number and probes it.</summary>
    /// <param name="dimm">The DIMM; its number is not looked at.</param>
    /// <returns>The DIMM; EINVAL where a size is not possible.</returns>
    public Outcome<Dimm> Plug(DimmSnapshot dimm)
    {
        if (dimm.Capacity.Value <= 0 || dimm.Capacity.Value % Region.PageBytes != 0)
        {
            return new Refusal(Errno.EINVAL, "dimm-capacity", "a DIMM's capacity is a positive multiple of 4096 bytes")
                .With("capacity", dimm.Capacity.Value).About("capacity").Allowing(Nearest.Multiples(dimm.Capacity.Value, Region.PageBytes, 1));
        }

        if (dimm.LabelAreaBytes is { } area && LabelGeometry.For(area, LabelVersion.V12) is null)
        {
            return new Refusal(Errno.ENXIO, "label-area-too-small", $"label area ({area}) too small to host (256 byte) labels")
                .With("labelAreaBytes", area).Allowing($"{LabelGeometry.MinimumAreaBytes}", "131072").About("labelAreaBytes");
        }

        var added = new Dimm(dimm with { Id = _dimms.NextId, Enabled = false, Labelling = false, Extents = [] });
        _dimms.Add(added.Id, added);
        added.Probe();
        return added;
    }

    /// <summary>ndctl enable-dimm: the driver probes it. Already enabled is a success.</summary>
    public Outcome<Done> EnableDimm(string name) =>
        FindDimm(name) is not { } dimm ? Refuse.NoDevice("dimm", name)
        : dimm.Enabled ? default(Done)
        : dimm.Probe();

    /// <summary>ndctl disable-dimm: EBUSY while an enabled region uses its labels.</summary>
    public Outcome<Done> DisableDimm(string name)
    {
        if (FindDimm(name) is not { } dimm)
        {
            return Refuse.NoDevice("dimm", name);
        }

        if (IsActive(dimm))
        {
            return new Refusal(Errno.EBUSY, "dimm-active", $"{dimm.Name} is active, skipping...");
        }

        dimm.Disable();
        return default(Done);
    }

    /// <summary>An enabled region uses the DIMM, and the DIMM has labels to use: sysfs's <c>state</c>.</summary>
    public bool IsActive(Dimm dimm) =>
        Region.HasDriverData(dimm) && _regions.Any(r => r.Enabled && r.Mappings.Any(m => m.Dimm == dimm));

    /// <summary>ndctl init-labels; then the DIMM's driver looks again.</summary>
    /// <param name="name">The DIMM.</param>
    /// <param name="version">ndctl's default is v1.1.</param>
    /// <param name="force">Also where labels are.</param>
    public Outcome<Done> InitLabels(string name, LabelVersion version = LabelVersion.V11, bool force = false) =>
        ChangeLabels(name, area => LabelTool.Initialise(area, version, force));

    /// <summary>ndctl zero-labels, of all or of a part; then the DIMM's driver looks again.</summary>
    /// <param name="name">The DIMM.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Bytes, or null for the rest.</param>
    public Outcome<Done> ZeroLabels(string name, int offset = 0, int? length = null) =>
        ChangeLabels(name, area => Within(area, offset, length ?? area.Size - offset, () => area.Clear(offset, length ?? area.Size - offset)));

    /// <summary>ndctl write-labels; then the DIMM's driver looks again.</summary>
    public Outcome<Done> WriteLabels(string name, int offset, ReadOnlyMemory<byte> bytes) =>
        ChangeLabels(name, area => Within(area, offset, bytes.Length, () => area.Write(offset, bytes.Span)));

    /// <summary>ndctl read-labels: the bytes.</summary>
    public Outcome<byte[]> ReadLabels(string name, int offset = 0, int? length = null)
    {
        if (!LabelAreaOf(name).TryGet(out var dimm, out var refusal))
        {
            return refusal;
        }

        var bytes = new byte[Math.Clamp(length ?? int.MaxValue, 0, Math.Max(0, dimm.Area!.Size - offset))];
        var read = Within(dimm.Area, offset, length ?? bytes.Length, () => dimm.Area.Read(offset, bytes));
        return read.Refusal is { } outside ? outside : bytes;
    }

    /// <summary>ndctl check-labels: the format of the valid labels.</summary>
    public Outcome<LabelVersion> CheckLabels(string name) =>
        LabelAreaOf(name).TryGet(out var dimm, out var refusal) ? LabelTool.Check(dimm.Area!) : refusal;

    private static Outcome<Done> Within(LabelArea area, int offset, int length, Action action)
    {
        if (offset < 0 || length < 0 || offset > area.Size - length)
        {
            return new Refusal(Errno.ENXIO, "outside-label-area", "No such device or address")
                .With("offset", offset).With("length", length).With("labelAreaBytes", area.Size)
                .About(offset >= 0 && offset < area.Size ? "length" : "offset")
                .Allowing(offset >= 0 && offset < area.Size ? Nearest.Multiples(length, 1, 0, area.Size - offset)
                    : Nearest.Multiples(offset, 1, 0, area.Size - Math.Clamp(length, 1, area.Size)));
        }

        action();
        return default(Done);
    }

    private Outcome<Dimm> LabelAreaOf(string name) =>
        FindDimm(name) is not { } dimm ? Refuse.NoDevice("dimm", name)
        : dimm.Area is null ? Refuse.NoLabelArea(dimm)
        : dimm.Locked ? new Refusal(Errno.EACCES, "dimm-locked", $"{dimm.Name}: is locked: Permission denied")
        : dimm;

    private Outcome<Done> ChangeLabels(string name, Func<LabelArea, Outcome<Done>> change)
    {
        if (!LabelAreaOf(name).TryGet(out var dimm, out var refusal))
        {
            return refusal;
        }

        if (IsActive(dimm))
        {
            return new Refusal(Errno.EBUSY, "dimm-active", $"{dimm.Name}: regions active, abort label write");
        }

        var changed = change(dimm.Area!);
        if (changed.Refusal is null && dimm.Enabled)
        {
            // a failed probe leaves the DIMM disabled, as on Linux; the write itself is done
            dimm.Probe();
        }

        return changed;
    }
}
