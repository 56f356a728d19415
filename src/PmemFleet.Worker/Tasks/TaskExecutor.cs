using System.Diagnostics;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Campaigns;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Tasks;

/// <summary>
/// Executes a host's tasks, each step in turn. A task that was executed before, here or by another worker of the pool, gives its stored
/// result; one that a crash cut short is done again from its start, and every step converges.
/// </summary>
internal sealed partial class TaskExecutor(ILogger<TaskExecutor> log)
{
    /// <summary>Executes a task, or finds its result.</summary>
    /// <exception cref="FencedException">This worker may not write any more; the result is not kept.</exception>
    public TaskResult Execute(LiveHost host, WorkerTask task) => FindResult(host, task) ?? Run(host, task);

    /// <summary>
    /// What a former epoch's execution left on the media is there; what it bound is not, and the boot since left these namespaces to this task.
    /// </summary>
    private static TaskResult BindAgain(LiveHost host, WorkerTask task, TaskResult former)
    {
        var results = former.Steps.Zip(task.Steps, (result, step) => (Result: result, Step: step))
            .Select(pair => pair is { Step: BindStep bind, Result: StepBound } ? BindSteps.Bind(host, bind) : pair.Result);
        return former with { Epoch = host.Store.Epoch, Steps = [.. results] };
    }

    /// <summary>The result of a task that was executed before or is cancelled before its begin; null where it has to be executed.</summary>
    /// <exception cref="FencedException">This worker may not write any more.</exception>
    public static TaskResult? FindResult(LiveHost host, WorkerTask task)
    {
        host.Store.Fence.Demand();
        if (host.Store.FindFormer(task.TaskId) is { } former && (IsBoot(task) ? former.Epoch == host.Store.Epoch && host.Machine is not null : true))
        {
            return Keep(host, former.Epoch == host.Store.Epoch ? former : BindAgain(host, task, former));
        }

        if (host.Cancelled.TryRemove(task.TaskId, out _) && !IsBoot(task))
        {
            // only a task that has not begun: one that is cut short in its middle would leave a namespace that nobody asked for
            return Keep(host, new TaskResult { TaskId = task.TaskId, HostId = host.Store.HostId, Epoch = host.Store.Epoch, Cancelled = true, Steps = [] });
        }

        return null;
    }

    private TaskResult Run(LiveHost host, WorkerTask task)
    {
        using var span = WorkerTelemetry.Begin(task, host.Store.HostId);
        var begun = Stopwatch.GetTimestamp();
        var results = new List<StepResult>();
        foreach (var step in task.Steps)
        {
            var result = Execute(host, task, step);
            results.Add(result);
            if (result is StepRefused && !step.ContinueOnFailure)
            {
                break;
            }
        }

        LogExecuted(task.Kind, host.Layout.HostName, results.Count);
        var kept = Keep(host, new TaskResult { TaskId = task.TaskId, HostId = host.Store.HostId, Epoch = host.Store.Epoch, Steps = results });
        WorkerTelemetry.Count(task, kept, Stopwatch.GetElapsedTime(begun));
        return kept;
    }

    /// <summary>A boot brings this worker's own machine up, whoever booted the host before.</summary>
    private static bool IsBoot(WorkerTask task) => task.Steps.Any(step => step is BootStep);

    private static TaskResult Keep(LiveHost host, TaskResult result)
    {
        host.Store.Keep(result);
        return result;
    }

    private static StepResult Execute(LiveHost host, WorkerTask task, TaskStep step) => step switch
    {
        BootStep boot => PowerSteps.Boot(host, task, boot),
        ShutdownStep => PowerSteps.Shutdown(host),
        BindStep bind => BindSteps.Bind(host, bind),
        UnbindStep unbind => BindSteps.Unbind(host, unbind),
        ZeroStep zero => MediaSteps.Zero(host, zero),
        WipeDimmStep wipe => MediaSteps.Wipe(host, wipe),
        TakeImageStep take => MediaSteps.TakeImage(host, take),
        InjectErrorsStep inject => MediaSteps.Inject(host, inject),
        ClearErrorsStep clear => MediaSteps.Clear(host, clear),
        ScrubStep scrub => ScrubSteps.Scrub(host, scrub),
        InjectSmartStep smart => HealthSteps.Inject(host, task, smart),
        SecurityStep security => HealthSteps.Secure(host, security),
        FirmwareStep firmware => HealthSteps.Update(host, firmware),
        CampaignStep campaign => CampaignSteps.Run(host, task, campaign),
        CheckBttStep check => BindSteps.Check(host, check),
        RefuseStep refuse => new StepRefused { Refusal = refuse.Refusal },
        _ => new StepRefused { Refusal = Refusals.Of("EOPNOTSUPP", "unknown-step", $"This worker does not know the step {step.GetType().Name}.") },
    };

    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Executed {Kind} on {Host}: {Steps} steps")]
    private partial void LogExecuted(string kind, string host, int steps);
}
