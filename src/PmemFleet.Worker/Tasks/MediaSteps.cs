using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;

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
        else
        {
            dimm?.Wipe();
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

        if (host.Bound.Values.FirstOrDefault(bound => host.Memory.RegionOf(bound.Step.Start)!.Mappings.Any(mapping => mapping.DimmId == step.DimmId)) is { } user)
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
            if (host.Memory.FindDimm(range.DimmId) is not { } dimm || range.Dpa < 0 || range.Length <= 0 || range.Dpa > dimm.Layout.Capacity - range.Length)
            {
                return new StepRefused { Refusal = Refusals.Of("EINVAL", "range-outside-dimm", "The range is not on the DIMM.", ("dpa", range.Dpa), ("length", range.Length)) };
            }
        }

        foreach (var ofDimm in step.Ranges.GroupBy(range => range.DimmId))
        {
            host.Memory.Change(host.Memory.FindDimm(ofDimm.Key)!, (poison, bad) => ofDimm.Aggregate(false, (changed, range) => changed | (step.Uninject
                ? poison.Remove(range.Dpa, range.Length)
                : poison.Add(range.Dpa, range.Length) | (step.Notify && bad.Add(range.Dpa, range.Length)))));
        }

        return new StepDone();
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

        var region = host.Memory.RegionOf(step.Start)!;
        for (var wasFull = true; wasFull;)
        {
            var table = new BadblockTable();
            wasFull = !Fill(table, host.Memory.KnownBadOf(region), step.Start - region.Start, step.Length);
            var cleared = ErrorClearing.ClearAll(table, step.Start - region.Start, step.Length, (offset, length) => host.Memory.ClearUnits(region.Start + offset, length));
            if (!cleared.TryGet(out var count, out var refusal))
            {
                return new StepRefused { Refusal = refusal.ToDto() };
            }

            wasFull &= count > 0;
        }

        return new StepDone();
    }

    /// <summary>Every latent error of every DIMM becomes known; a short scrub only repeats what is known.</summary>
    public static StepResult Scrub(LiveHost host, ScrubStep step)
    {
        var count = host.Memory.Dimms.Select(dimm => dimm.ScrubCount).DefaultIfEmpty().Max() + 1;
        foreach (var dimm in host.Memory.Dimms)
        {
            if (!step.Short)
            {
                host.Memory.Change(dimm, (poison, bad) => poison.Ranges.Aggregate(false, (changed, range) => changed | bad.Add(range.Dpa, range.Length)));
            }

            dimm.SetScrubCount(count);
        }

        return new StepDone();
    }

    /// <summary>Fills a table with the runs of bad sectors that touch the range, in sectors from the region's start; false where it is full.</summary>
    private static bool Fill(BadblockTable table, IEnumerable<(long Offset, long Length)> bad, long start, long length)
    {
        var runs = new DpaRangeSet([]);
        foreach (var (offset, bytes) in bad)
        {
            var sectors = SectorSpan.Of(offset, bytes);
            runs.Add(sectors.Offset, sectors.Length);
        }

        return runs.Ranges.Where(run => run.Dpa < start + length && run.Dpa + run.Length > start)
            .Aggregate(true, (all, run) => table.Set(run.Dpa / SectorSpan.SectorBytes, run.Length / SectorSpan.SectorBytes) && all);
    }

    private static StepRefused? Outside(LiveHost host, long start, long length) => length > 0 && host.Memory.Covers(start, length)
        ? null
        : new StepRefused { Refusal = Refusals.Of("EFAULT", "range-outside-region", "The range is not in one region.", ("start", start), ("length", length)) };
}
