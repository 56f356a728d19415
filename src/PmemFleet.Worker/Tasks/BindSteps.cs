using PmemFleet.Contracts.Sync;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Tasks;

/// <summary>Namespaces are bound to their drivers and unbound.</summary>
internal static class BindSteps
{
    public static StepResult Bind(LiveHost host, BindStep step)
    {
        if (host.Machine is null)
        {
            return Refused(step, Refusals.Of("ENXIO", "host-off", "The host is powered off."), []);
        }

        if (host.Bound.TryGetValue(step.Namespace, out var bound) && IsSame(bound.Step, step))
        {
            // the same bind again, after a crash or a doubled message
            return bound.Bound;
        }

        UnbindRange(host, step.Start, step.Size, step.Namespace);
        if (!host.Memory.Covers(step.Start, step.Size))
        {
            return Refused(step, Refusals.Of("ENXIO", "range-outside-region", "The namespace is not in one region of this host.", ("start", step.Start), ("size", step.Size)), []);
        }

        if (host.Memory.RegionOf(step.Start)!.Dimms.Select(dimm => dimm.Attributes.Security.RefuseAccess()).FirstOrDefault(locked => locked is not null) is { } isLocked)
        {
            return Refused(step, isLocked.ToDto(), []);
        }

        var media = new NamespaceMedia(host.Memory, step.Start, step.Size);
        var outcome = NamespaceBinder.Bind(BindWire.ToPlan(step, host.Layout.SupportsPud), media);
        if (outcome is BindOutcome.Failed failed)
        {
            return Refused(step, failed.Refusal.ToDto(), failed.Messages) with { Claim = BindWire.Of(failed.Claim) };
        }

        return Keep(host, step, media, BindWire.ToBound(step.Namespace, outcome));
    }

    /// <summary>
    /// The Api binds and wipes only what it knows to be unbound. Where it did not believe what a bind gave, or a boot came between a request and
    /// its task, this worker still has something bound there: it is unbound, so that both agree again.
    /// </summary>
    public static void UnbindRange(LiveHost host, long start, long length, string? name = null)
    {
        foreach (var stale in host.Bound.Values.Where(one => one.Step.Namespace == name || (one.Step.Start < start + length && start < one.Step.Start + one.Step.Size)).ToList())
        {
            Unbind(host, new UnbindStep { Namespace = stale.Step.Namespace });
        }
    }

    public static StepResult Unbind(LiveHost host, UnbindStep step)
    {
        if (host.Bound.Remove(step.Namespace, out var bound))
        {
            host.EndLongTasks(
                task => task.Namespaces.Contains(step.Namespace),
                Refusals.Of("ENXIO", "device-disabled", $"{step.Namespace} was unbound while this ran on its device."));
            bound.Media.Flush();

            // the struct pages go, and their marks with them; the next bind makes new ones
            host.HwPoison.Remove(bound.Step.Start, bound.Step.Size);
            if (bound.DaxRegion is { } region)
            {
                // revocation is done on return; a pin that is still held lets go when its process ends
                _ = host.Machine!.RemoveRegionAsync(region);
            }
        }

        return new StepDone();
    }

    public static StepResult Check(LiveHost host, CheckBttStep step)
    {
        if (!host.Memory.Covers(step.Start, step.Size))
        {
            return new StepRefused { Refusal = Refusals.Of("ENXIO", "range-outside-region", "The namespace is not in one region of this host.") };
        }

        var media = new NamespaceMedia(host.Memory, step.Start, step.Size);
        var outcome = BttCheck.Run(media, step.ParentUuid, new BttCheckOptions { Repair = step.Repair, RewriteLog = step.RewriteLog });
        media.Flush();
        return outcome.TryGet(out var report, out var refusal)
            ? new StepChecked { Consistent = report.Consistent, Messages = report.Messages }
            : new StepRefused { Refusal = refusal.ToDto(), Namespace = step.Namespace };
    }

    private static bool IsSame(BindStep former, BindStep step) => former with { ContinueOnFailure = step.ContinueOnFailure } == step;

    private static StepResult Keep(LiveHost host, BindStep step, NamespaceMedia media, StepBound bound)
    {
        var kept = new BoundNamespace { Step = step, Bound = bound, Media = media };
        switch (bound.Kind)
        {
            case "raw":
                kept = kept with { Io = new BlockIo(media, 0, step.Size, step.LogicalBlockBytes) };
                break;
            case "pfn":
                kept = kept with { Io = new BlockIo(media, bound.DataOffset!.Value + (bound.StartPad ?? 0), bound.Size!.Value, step.LogicalBlockBytes) };
                break;
            case "btt":
                var btt = BttIo.Open(media, step.ParentUuid, bound);
                if (!btt.TryGet(out var io, out var refusal))
                {
                    return Refused(step, refusal.ToDto(), bound.Messages);
                }

                kept = kept with { Io = io };
                break;
            default:
                var (region, dax) = AddDax(host, step, bound);
                if (dax is not null)
                {
                    return Refused(step, dax.ToDto(), [dax.KernelMessage ?? dax.Message]);
                }

                kept = kept with { DaxRegion = region };
                break;
        }

        host.Bound.Add(step.Namespace, kept);
        return bound;
    }

    /// <summary>daxR.Y takes both numbers from namespaceR.Y (seed row 94); its region is the namespace's data range.</summary>
    private static (DaxRegion? Region, DeviceDax.Primitives.Refusal? Refusal) AddDax(LiveHost host, BindStep step, StepBound bound)
    {
        var numbers = step.Namespace["namespace".Length..].Split('.');
        var regionId = int.Parse(numbers[0], System.Globalization.CultureInfo.InvariantCulture);
        var instance = int.Parse(numbers[1], System.Globalization.CultureInfo.InvariantCulture);
        var start = step.Start + bound.DataOffset!.Value + (bound.StartPad ?? 0);
        var range = new PhysicalRange(new PhysicalAddress((ulong)start), new ByteCount((ulong)bound.Size!.Value));
        if (!PageGranules.TryFromAlign((ulong)bound.Align!.Value, out var granule))
        {
            return (null, new DeviceDax.Primitives.Refusal(DeviceDax.Primitives.Errno.EINVAL, "unsupported-align", "The align is not a page size."));
        }

        if (!host.Machine!.AddRegion(new DaxRegionSpec(regionId, range, granule) { Parent = step.Namespace }).TryGet(out var region, out var refusal))
        {
            return (null, refusal);
        }

        if (!region.AddDevice(new DaxDeviceSpec(instance)).TryGet(out _, out refusal))
        {
            _ = host.Machine.RemoveRegionAsync(region);
            return (null, refusal);
        }

        return (region, null);
    }

    private static StepRefused Refused(BindStep step, Contracts.Problems.RefusalDto refusal, IReadOnlyList<string> messages) =>
        new() { Refusal = refusal, Namespace = step.Namespace, Messages = messages };
}
