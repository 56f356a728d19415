using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Ars;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.Tasks;

/// <summary>Scrubs of the bus (spec 60 section 5).</summary>
internal static class ScrubSteps
{
    public static StepResult Scrub(LiveHost host, ScrubStep step)
    {
        host.Scrub.Advance();
        var refusal = host.Scrub.Start(step.Short ? ArsKind.ShortScan : ArsKind.LongScan, step.TimeScale, TimeProvider.System);
        return refusal is null ? new StepScrubbed { Scrub = host.Scrub.Show() } : new StepRefused { Refusal = refusal.ToDto() };
    }
}
