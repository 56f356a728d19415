using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.Tasks;

/// <summary>
/// Executes a host's tasks, each step in turn. A task that was executed before, here or by another worker of the pool, gives its stored
/// result; one that a crash cut short is done again from its start, and every step converges.
/// </summary>
internal sealed partial class TaskExecutor(ILogger<TaskExecutor> log)
{
    /// <summary>Executes a task, or finds its result; null where this worker is fenced and may not.</summary>
    public TaskResult? Execute(LiveHost host, WorkerTask task)
    {
        if (!host.Store.IsCurrent)
        {
            return null;
        }

        if (host.Store.FindFormer(task.TaskId) is { } former && !IsOfThisBoot(task))
        {
            var restamped = former with { Epoch = host.Store.Epoch };
            host.Store.Keep(restamped);
            return restamped;
        }

        var results = new List<StepResult>();
        foreach (var step in task.Steps)
        {
            var result = Execute(host, task, step);
            results.Add(result);
            if (result is StepRefused && step is not BindStep { ContinueOnFailure: true })
            {
                break;
            }
        }

        var done = new TaskResult { TaskId = task.TaskId, HostId = host.Store.HostId, Epoch = host.Store.Epoch, Steps = results };
        if (!host.Store.IsCurrent)
        {
            return null;
        }

        host.Store.Keep(done);
        LogExecuted(task.Kind, host.Layout.HostName, results.Count);
        return done;
    }

    /// <summary>A boot brings this worker's own machine up, whoever booted the host before.</summary>
    private static bool IsOfThisBoot(WorkerTask task) => task.Steps.Any(step => step is BootStep);

    private static StepResult Execute(LiveHost host, WorkerTask task, TaskStep step) => step switch
    {
        BootStep boot => PowerSteps.Boot(host, task, boot),
        ShutdownStep => PowerSteps.Shutdown(host),
        BindStep bind => BindSteps.Bind(host, bind),
        UnbindStep unbind => BindSteps.Unbind(host, unbind),
        ZeroStep zero => MediaSteps.Zero(host, zero),
        WipeDimmStep wipe => MediaSteps.Wipe(host, wipe),
        InjectErrorsStep inject => MediaSteps.Inject(host, inject),
        ClearErrorsStep clear => MediaSteps.Clear(host, clear),
        ScrubStep => MediaSteps.Scrub(host),
        CheckBttStep check => BindSteps.Check(host, check),
        _ => new StepRefused { Refusal = Refusals.Of("EOPNOTSUPP", "unknown-step", $"This worker does not know the step {step.GetType().Name}.") },
    };

    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Executed {Kind} on {Host}: {Steps} steps")]
    private partial void LogExecuted(string kind, string host, int steps);
}
