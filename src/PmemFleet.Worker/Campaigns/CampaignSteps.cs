using System.IO.Compression;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Campaigns;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Media.Errors;

namespace PmemFleet.Worker.Campaigns;

/// <summary>A campaign's part of one host: simulated, and where it is asked for applied to the DIMMs.</summary>
internal static class CampaignSteps
{
    public static StepResult Run(LiveHost host, WorkerTask task, CampaignStep step)
    {
        var plan = CampaignWire.ToPlan(step.Request);
        var outcomes = new List<DimmOutcome>();
        foreach (var one in step.Dimms)
        {
            // unplugged since then
            if (host.Memory.FindDimm(one.DimmId) is not { } dimm)
            {
                continue;
            }

            var outcome = CampaignEngine.Run(plan, CampaignWire.ToDimm(host.Layout.HostName, one, dimm.Layout));
            outcomes.Add(outcome);
            if (step.Request.Effect == "apply" && dimm.Attributes.AppliedBy != task.TaskId)
            {
                Apply(host.Memory, dimm, outcome, task.TaskId);
            }
        }

        var summary = new CampaignSummary();
        outcomes.ForEach(outcome => summary.Add(outcome.Summary));
        using var log = new MemoryStream();
        using (var gzip = new GZipStream(log, CompressionLevel.Fastest, leaveOpen: true))
        using (var buffered = new BufferedStream(gzip, 1 << 16))
        {
            _ = CampaignLog.Write(outcomes, buffered);
        }

        return new StepCampaign { Part = new CampaignPartDto { Summary = CampaignWire.ToDto(summary), Log = log.ToArray() } };
    }

    /// <summary>What is there at the campaign's end is on the DIMM from now on; in one record, so that a crash leaves all of it or nothing.</summary>
    private static void Apply(SystemMemory memory, DimmMedia dimm, DimmOutcome outcome, Guid taskId)
    {
        var changes = new List<ErrorChange>();
        foreach (var error in outcome.Remaining)
        {
            changes.Add(ErrorChange.Poison(error.Dpa, error.Length));
            if (error.IsKnown)
            {
                changes.Add(ErrorChange.Know(error.Dpa, error.Length));
            }
        }

        memory.Change(
            dimm,
            dimm.Attributes with { AppliedBy = taskId, RemappedUnits = dimm.Attributes.RemappedUnits + outcome.ClearedUnits },
            [.. changes]);
    }
}
