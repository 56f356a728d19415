using PmemFleet.Api.Operations;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Hosts;

/// <summary>Tells the model what became of the binds that a task was to make.</summary>
public static class BindResults
{
    /// <summary>Every bind step gets its outcome; one that the task never came to fails with the task's refusal.</summary>
    /// <returns>The last refusal of the model, where a bind failed.</returns>
    public static RefusalDto? Apply(HostAggregate host, FinishedTask task)
    {
        RefusalDto? refusal = null;
        foreach (var (step, index) in task.Steps.Select((step, index) => (step, index)))
        {
            // a bind that is not awaited any more is one of a boot before, or was undone
            if (step is not BindStep bind || host.Bus.FindNamespace(bind.Namespace) is not { State: NamespaceState.Pending })
            {
                continue;
            }

            var outcome = index < task.Given.Count ? OutcomeOf(bind, task.Given[index]) : MediaSteps.NeverRun(task.Refusal);
            if (host.Bus.Complete(bind.Namespace, outcome).Refusal is { } failed)
            {
                refusal = Namespaces.NamespaceRequests.OnTheWire(failed);
            }
        }

        return refusal;
    }

    private static BindOutcome OutcomeOf(BindStep bind, StepResult result) => CredibleBind.Is(bind, result)
        ? MediaSteps.ToOutcome(result)
        : new BindOutcome.Failed { Refusal = new Refusal(Errno.EIO, "result-damaged", "What the worker says of the bind cannot be.") };
}
