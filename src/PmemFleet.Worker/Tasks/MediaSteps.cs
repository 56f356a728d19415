using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Media.Errors;
using DimmRange = PmemFleet.Contracts.Sync.DimmRange;

namespace PmemFleet.Worker.Tasks;

/// <summary>Steps on the media itself.</summary>
internal static class MediaSteps
{
    /// <summary>Through the driver's write path: poison in the range is cleared, then zeroes are stored (spec 20 section 9).</summary>
    public static StepResult Zero(LiveHost host, ZeroStep step)
    {
        if (Outside(host, step.Start, step.Length) is { } refused)
        {
            return refused;
        }

        BindSteps.UnbindRange(host, step.Start, step.Length);
        host.Memory.Clear(step.Start, step.Length);
        host.Memory.Zero(step.Start, step.Length);
        host.Memory.Flush(step.Start, step.Length);
        return new StepDone();
    }

    public static StepResult Wipe(LiveHost host, WipeDimmStep step)
    {
        var dimm = host.Memory.FindDimm(step.DimmId);
        if (step.Remove)
        {
            // the layout without it may have come before the task
            if (dimm is null)
            {
                DimmMedia.RemoveFiles(host.Store.Folder, step.DimmId, host.Store.Fence);
            }

            dimm?.Remove();
            new StagedImages(host.Store.Folder, step.DimmId, host.Store.Fence).Remove();
        }
        else if (dimm is not null)
        {
            dimm.Wipe();
            host.Memory.NoteChanged(dimm);
        }

        return new StepDone();
    }

    /// <summary>Only where no namespace over the DIMM is bound; those of other DIMMs are not in the way.</summary>
    public static StepResult TakeImage(LiveHost host, TakeImageStep step)
    {
        if (host.Memory.FindDimm(step.DimmId) is not { } dimm)
        {
            return new StepRefused { Refusal = Refusals.NotFound($"DIMM {step.DimmId}") };
        }

        if (host.Bound.Values.FirstOrDefault(bound => host.Memory.RegionOf(bound.Step.Start)!.Layout.Mappings.Any(mapping => mapping.DimmId == step.DimmId)) is { } user)
        {
            return new StepRefused { Refusal = Refusals.Of("EBUSY", "namespaces-active", $"{user.Step.Namespace} is enabled; an image is imported while the DIMM's regions are disabled.") };
        }

        if (!new StagedImages(host.Store.Folder, step.DimmId, host.Store.Fence).TryTake(dimm, step.ImageId))
        {
            return new StepRefused { Refusal = Refusals.Of("ENODATA", "image-lost", "The uploaded image is not in the media pool any more.") };
        }

        host.Memory.NoteChanged(dimm);
        return new StepDone();
    }

    /// <summary>Uninjecting takes poison off the media; what the bus lists stays until a write or a clear (spec 60 section 7).</summary>
    public static StepResult Inject(LiveHost host, InjectErrorsStep step)
    {
        foreach (var range in step.Ranges)
        {
            if (host.Memory.FindDimm(range.DimmId) is not { } dimm || !IsOn(dimm.Layout, range))
            {
                return new StepRefused { Refusal = Refusals.Of("EINVAL", "range-outside-dimm", "The range is not on the DIMM.", ("dpa", range.Dpa), ("length", range.Length)) };
            }
        }

        foreach (var ofDimm in step.Ranges.GroupBy(range => range.DimmId))
        {
            // both lists in one record: after a crash either knows of all of it or of none
            host.Memory.Change(host.Memory.FindDimm(ofDimm.Key)!, [.. ofDimm.SelectMany(range => Changes(range, step))]);
        }

        return new StepDone();
    }

    private static IEnumerable<ErrorChange> Changes(DimmRange range, InjectErrorsStep step)
    {
        yield return new ErrorChange(step.Uninject ? ErrorChangeKind.Heal : ErrorChangeKind.Poison, range.Dpa, range.Length, range.Count, range.Stride);
        if (step.Notify && !step.Uninject)
        {
            yield return new ErrorChange(ErrorChangeKind.Know, range.Dpa, range.Length, range.Count, range.Stride);
        }
    }

    /// <summary>
    /// The region's badblocks that lie wholly inside the range are cleared, one that straddles its edge stays (spec 60 section 8). The table holds 512
    /// entries, so it is filled anew until a pass finds no full one.
    /// </summary>
    public static StepResult Clear(LiveHost host, ClearErrorsStep step)
    {
        if (Outside(host, step.Start, step.Length) is { } refused)
        {
            return refused;
        }

        if (host.Scrub.IsActive)
        {
            // ndctl waits for it; a scrub in simulated time is brought to its end
            host.Scrub.Complete();
        }

        var region = host.Memory.RegionOf(step.Start)!;
        for (var isMore = true; isMore;)
        {
            region.ResetBadblocks();
            var table = region.Badblocks(host.Memory.Notifications);
            var isFull = table.Entries.Count == BadblockTable.Capacity;
            var cleared = ErrorClearing.ClearAll(table, step.Start - region.Layout.Start, step.Length, (offset, length) => host.Memory.ClearUnits(region.Layout.Start + offset, length));
            if (!cleared.TryGet(out var count, out var refusal))
            {
                host.Memory.ResetBadblocks();
                return new StepRefused { Refusal = refusal.ToDto() };
            }

            isMore = isFull && count > 0;
        }

        // the namespace is disabled for it and enabled again: its driver's table is filled anew
        host.Memory.ResetBadblocks();
        return new StepDone();
    }

    private static bool IsOn(DimmLayout layout, DimmRange range)
    {
        var last = (Int128)range.Dpa + ((Int128)(range.Count - 1) * range.Stride);
        return range is { Dpa: >= 0, Length: > 0, Count: > 0 } && (range.Count == 1 || range.Stride >= range.Length) && last + range.Length <= layout.Capacity;
    }

    private static StepRefused? Outside(LiveHost host, long start, long length) => length > 0 && host.Memory.Covers(start, length)
        ? null
        : new StepRefused { Refusal = Refusals.Of("EFAULT", "range-outside-region", "The range is not in one region.", ("start", start), ("length", length)) };
}
