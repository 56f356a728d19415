using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Sysfs;

namespace PmemFleet.Nvdimm.Model;

/// <content>Namespaces as ndctl makes, changes and destroys them, composed of the small steps (spec 20 section 9).</content>
public sealed partial class Bus
{
    /// <summary>ndctl create-namespace: in the first region that qualifies, in the order in which ndctl walks them.</summary>
    public Outcome<NamespaceChange> CreateNamespace(NamespaceOptions options)
    {
        if (NamespaceRequest.CheckOptions(this, options, isNew: true) is { } unusable)
        {
            return unusable;
        }

        Refusal? skipped = null;
        foreach (var region in _regions.OrderBy(region => region.Name, SysfsOrder.Instance))
        {
            if (options.Region is { } wanted && wanted != region.Name)
            {
                continue;
            }

            if (CreateIn(region, options).TryGet(out var created, out var refusal))
            {
                return created;
            }

            if (refusal.Errno != Errno.EAGAIN)
            {
                return refusal;
            }

            // the refusal that says most about what would fit is the one to show
            skipped = skipped is null || (refusal.Allowed.Length > 0 && skipped.Allowed.Length == 0) ? refusal : skipped;
        }

        return skipped is null
            ? (Refuse.NoDevice("region", options.Region ?? "") with { Message = "failed to create namespace: No such device or address" }).Exits(Errno.ENODEV)
            : (skipped with { Errno = Errno.ENOSPC, Message = "failed to create namespace: No space left on device" }).Exits(Errno.ENODEV);
    }

    /// <summary>ndctl create-namespace -e: same device, new uuid, other mode, size or name.</summary>
    public Outcome<NamespaceChange> ReconfigureNamespace(string name, NamespaceOptions options)
    {
        if (NamespaceRequest.CheckOptions(this, options, isNew: false) is { } unusable)
        {
            return unusable;
        }

        if (FindNamespace(name) is not { } device)
        {
            return Refuse.NoDevice("namespace", name);
        }

        if (!NamespaceRequest.Check(this, device.Region, device, options).TryGet(out var request, out var refusal))
        {
            // a create ends with ENODEV where a region refused by ENXIO; a reconfiguration has no other region to try
            return refusal.Errno is Errno.EAGAIN or Errno.ENXIO ? (refusal with { Errno = Errno.ENXIO }).Exits(Errno.ENXIO) : refusal;
        }

        if (Blocked(device, options.Force) is { } blocked)
        {
            return blocked;
        }

        var steps = new List<MediaStep>();
        if (Prepare(device, options.Force, steps).Refusal is { } busy)
        {
            return busy;
        }

        if (device.Kind == NamespaceKind.Io && options.AutoLabel && Relabel(device.Region, steps) is { } seed)
        {
            device = seed;
            request = request with { Size = Math.Min(request.Size, seed.Region.MaxAvailableExtent) };
        }

        return SetUp(device, request, options, BindIntent.Reconfigure, steps);
    }

    /// <summary>Changes only the size of a namespace that is not active; its data area keeps its start.</summary>
    public Outcome<NamespaceChange> ResizeNamespace(string name, long size)
    {
        if (FindNamespace(name) is not { } device)
        {
            return Refuse.NoDevice("namespace", name);
        }

        return SetSize(device, size).Refusal is { } refusal ? refusal : new NamespaceChange(device, []);
    }

    /// <summary>ndctl destroy-namespace. A label-less one only loses its info blocks and is left disabled.</summary>
    /// <returns>The change; its namespace's size is 0 where it was destroyed, and the device may be gone.</returns>
    public Outcome<NamespaceChange> DestroyNamespace(string name, bool force)
    {
        if (FindNamespace(name) is not { } device)
        {
            return Refuse.NoDevice("namespace", name);
        }

        var steps = new List<MediaStep>();
        if (Prepare(device, force, steps).Refusal is { } refusal)
        {
            return refusal;
        }

        // also one of size 0, which forgets its uuid; one that has none is destroyed already
        if (device.Kind == NamespaceKind.Pmem && SetSize(device, 0).Refusal is { Rule: not "uuid-not-set" } kept)
        {
            return kept;
        }

        return new NamespaceChange(device, [.. steps]);
    }

    private Outcome<NamespaceChange> CreateIn(Region region, NamespaceOptions options)
    {
        if (!NamespaceRequest.Check(this, region, null, options).TryGet(out var request, out var refusal))
        {
            return refusal;
        }

        if (region.ReadOnly)
        {
            return new Refusal(Errno.EAGAIN, "region-read-only", $"{region.Name}: read-only, ineligible for namespace");
        }

        // a create never takes a namespace that is configured, not even where it is the region's seed: a probe that failed leaves it so
        var device = region.NamespaceTable.Find(0) is { } first && IsIdle(first) ? first : region.NamespaceSeed;
        if (device is { State: NamespaceState.Disabled, Claim: { } left })
        {
            // what a failed BTT leaves behind until the region is disabled
            return new Refusal(Errno.EBUSY, "namespace-claimed", $"create namespace: {left.Name}: set_namespace failed: Device or resource busy");
        }

        if (device is null || !IsIdle(device))
        {
            return new Refusal(Errno.EAGAIN, "no-idle-seed", $"{region.Name}: no idle namespace seed");
        }

        return SetUp(device, request, options, BindIntent.Create, []);
    }

    /// <summary>Not bound and without capacity; a uuid that a create left behind does not count (golden x_19). A label-less namespace has a size always: it is there to be configured while nothing has it.</summary>
    private static bool IsIdle(PmemNamespace device) =>
        device.State == NamespaceState.Disabled && (device.Kind == NamespaceKind.Io || device.Size == 0);

    private static Refusal? Blocked(PmemNamespace device, bool force) =>
        device.Region.ReadOnly ? new Refusal(Errno.ENXIO, "region-read-only", $"{device.Region.Name}: read-only, re-configuration disabled")
        : device.IsEnabled && !force ? Refuse.NeedsForce(device)
        : device.State == NamespaceState.Pending ? Refuse.Pending(device)
        : device.Mounted ? Refuse.Mounted(device)
        : null;

    private static Outcome<Done> Prepare(PmemNamespace device, bool force, List<MediaStep> steps)
    {
        if (Blocked(device, force) is { } blocked)
        {
            return blocked;
        }

        if (Disable(device, steps).Refusal is { } refusal)
        {
            return refusal;
        }

        if (!device.IsHeld)
        {
            device.ClaimClass = ClaimClass.None;
            UpdateLabels(device);
            if (device.Size >= InfoBlocksBytes)
            {
                steps.Add(new MediaStep.ZeroInfoBlocks(device.Name, new Spa(device.Start), new Bytes(InfoBlocksBytes)));
            }
        }

        return default(Done);
    }

    /// <summary>Turns a label-less region into a labelled one; null where its DIMMs cannot have labels or others use them.</summary>
    private PmemNamespace? Relabel(Region region, List<MediaStep> steps)
    {
        if (region.Mappings.Count == 0
            || region.Mappings.Any(m => m.Dimm.Area is null || _regions.Any(r => r != region && r.Enabled && r.Mappings.Any(o => o.Dimm == m.Dimm))))
        {
            return null;
        }

        region.RemoveDevices();
        region.Enabled = false;
        foreach (var mapping in region.Mappings)
        {
            if (LabelTool.Initialise(mapping.Dimm.Area!, LabelVersion.V12, force: true).Refusal is null)
            {
                mapping.Dimm.Probe();
            }
        }

        Probe(region, steps);
        return region.NamespaceSeed;
    }
}
