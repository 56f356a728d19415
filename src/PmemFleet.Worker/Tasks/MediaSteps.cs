using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.Tasks;

/// <summary>Steps on the media itself.</summary>
internal static class MediaSteps
{
    private const int Sector = 512;

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
        if (host.Memory.FindDimm(step.DimmId) is { } dimm)
        {
            if (step.Remove)
            {
                dimm.Remove();
            }
            else
            {
                dimm.Wipe();
            }
        }

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

        foreach (var range in step.Ranges)
        {
            host.Memory.Change(host.Memory.FindDimm(range.DimmId)!, (poison, bad) => step.Uninject
                ? poison.Remove(range.Dpa, range.Length)
                : poison.Add(range.Dpa, range.Length) | (step.Notify && bad.Add(range.Dpa, range.Length)));
        }

        return new StepDone();
    }

    /// <summary>Only errors wholly inside the range are cleared, in whole sectors (spec 60 section 8).</summary>
    public static StepResult Clear(LiveHost host, ClearErrorsStep step)
    {
        if (Outside(host, step.Start, step.Length) is { } refused)
        {
            return refused;
        }

        for (var at = step.Start; at < step.Start + step.Length;)
        {
            // a run at a time: what is not bad is skipped as a whole
            var run = host.Memory.Runs(at, step.Start + step.Length - at).First();
            foreach (var bad in run.Dimm.Bad.Overlaps(run.Dpa, run.Length).ToList())
            {
                var first = (at + (bad.Dpa - run.Dpa)) / Sector * Sector;
                var last = (at + (bad.Dpa - run.Dpa) + bad.Length + Sector - 1) / Sector * Sector;
                if (first >= step.Start && last <= step.Start + step.Length)
                {
                    host.Memory.Clear(first, last - first);
                }
            }

            at += run.Length;
        }

        return new StepDone();
    }

    /// <summary>Every latent error of every DIMM becomes known.</summary>
    public static StepResult Scrub(LiveHost host)
    {
        foreach (var dimm in host.Memory.Dimms)
        {
            host.Memory.Change(dimm, (poison, bad) => poison.Ranges.ToList().Aggregate(false, (changed, range) => changed | bad.Add(range.Dpa, range.Length)));
            dimm.CountScrub();
        }

        return new StepDone();
    }

    private static StepRefused? Outside(LiveHost host, long start, long length) => length > 0 && host.Memory.Covers(start, length)
        ? null
        : new StepRefused { Refusal = Refusals.Of("EFAULT", "range-outside-region", "The range is not in one region.", ("start", start), ("length", length)) };
}
