using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Operations;

/// <summary>
/// Whether a result can be one of its task: as many steps as it has up to the first refused one, each of a kind that the step can give, and cancelled
/// only where somebody asked for that. Nothing of a result that cannot be is believed. What a bind found is judged by <see cref="Hosts.CredibleBind"/>.
/// </summary>
internal static class CredibleResult
{
    /// <summary>What each step can give, besides a refusal.</summary>
    internal static IReadOnlyDictionary<Type, Func<StepResult, bool>> GivenBy { get; } = new Dictionary<Type, Func<StepResult, bool>>
    {
        [typeof(BootStep)] = IsDone,
        [typeof(ShutdownStep)] = IsDone,
        [typeof(BindStep)] = static result => result is StepBound,
        [typeof(UnbindStep)] = IsDone,
        [typeof(ZeroStep)] = IsDone,
        [typeof(WipeDimmStep)] = IsDone,
        [typeof(TakeImageStep)] = IsDone,
        [typeof(InjectErrorsStep)] = IsDone,
        [typeof(ClearErrorsStep)] = IsDone,
        [typeof(ScrubStep)] = static result => result is StepScrubbed { Scrub: { Count: >= 0, State: "idle" or "active" } },
        [typeof(CheckBttStep)] = static result => result is StepChecked { Messages: not null },
        [typeof(InjectSmartStep)] = IsDone,
        [typeof(SecurityStep)] = IsDone,
        [typeof(FirmwareStep)] = IsDone,
        [typeof(RunWorkloadStep)] = static result => result is StepWorkload { Outcome: { Figures: not null, Phases: not null }, Sha256: not null },
        [typeof(RefuseStep)] = static _ => false,
        [typeof(CampaignStep)] = static result => result is StepCampaign { Part: not null },
    };

    /// <param name="steps">What was to be done.</param>
    /// <param name="result">What the worker says.</param>
    /// <param name="isCancelRequested">A caller asked to cancel the operation. A worker cancels nothing on its own, and only what it has not begun or can stop whole.</param>
    public static bool Is(IReadOnlyList<TaskStep> steps, TaskResult result, bool isCancelRequested)
    {
        if (result.Cancelled)
        {
            return isCancelRequested && result.Steps.Count == 0;
        }

        if (result.Steps.Count > steps.Count)
        {
            return false;
        }

        for (var at = 0; at < result.Steps.Count; at++)
        {
            var (step, given) = (steps[at], result.Steps[at]);
            if (given is StepRefused && !step.ContinueOnFailure)
            {
                // the task ends here
                return at == result.Steps.Count - 1;
            }

            if (given is not StepRefused && !(GivenBy.TryGetValue(step.GetType(), out var canGive) && canGive(given)))
            {
                return false;
            }
        }

        return result.Steps.Count == steps.Count;
    }

    private static bool IsDone(StepResult result) => result is StepDone;
}
