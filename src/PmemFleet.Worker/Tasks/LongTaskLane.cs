using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Sync;

namespace PmemFleet.Worker.Tasks;

/// <summary>
/// The lane beside each host's order of tasks: a task with a <see cref="LongStep"/> begins in its turn and lets the next task pass. Its result
/// is kept as any other's; progress goes up with the syncs, at most one a second because of it.
/// </summary>
internal sealed partial class LongTaskLane(IEnumerable<ILongStep> steps, LiveHosts hosts, SyncSignal signal, TimeProvider time, ILogger<LongTaskLane> log)
{
    private const int Attempts = 3;
    private static readonly TimeSpan BetweenReports = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LeasePoll = TimeSpan.FromMilliseconds(200);

    private readonly List<ILongStep> _steps = [.. steps];
    private long _reportedAt;

    /// <summary>Whether a task belongs here.</summary>
    public static bool Takes(WorkerTask task) => task.Steps is [LongStep];

    /// <summary>Begins a task, under the host's gate. True where its result is kept already, false where it goes on beside the others.</summary>
    public bool Begin(LiveHost host, WorkerTask task)
    {
        var step = (LongStep)task.Steps[0];
        if (_steps.Find(known => known.Runs(step)) is not { } runner)
        {
            Keep(host, task, new StepRefused { Refusal = Refusals.Of("EOPNOTSUPP", "unknown-step", $"This worker does not know the step {step.GetType().Name}.") });
            return true;
        }

        var running = new LongTask(task.TaskId, _ => Announce());
        host.LongTasks[task.TaskId] = running;
        var begun = runner.Begin(host, step, running);
        if (begun.Work is not { } work)
        {
            host.LongTasks.TryRemove(task.TaskId, out _);
            Keep(host, task, begun.Result!);
            return true;
        }

        if (host.Cancelled.ContainsKey(task.TaskId))
        {
            // it came between the look at the queue and this
            running.Stop(null);
        }

        _ = RunAsync(host, task, running, work);
        return false;
    }

    private async Task RunAsync(LiveHost host, WorkerTask task, LongTask running, Func<Task<StepResult>> work)
    {
        await Task.Yield();
        using var span = WorkerTelemetry.Begin(task, host.Store.HostId);
        var begun = time.GetTimestamp();
        var result = await FinishAsync(task, running, work);
        try
        {
            while (!await TryKeepAsync(host, task, result))
            {
                await Task.Delay(LeasePoll, time);
            }

            WorkerTelemetry.Count(task, ResultOf(host, task, result), time.GetElapsedTime(begun));
        }
        catch (FencedException)
        {
            await hosts.DropAsync(host.Store.HostId, host);
        }
        finally
        {
            host.LongTasks.TryRemove(task.TaskId, out _);
            host.UnderWay.TryRemove(task.TaskId, out _);
            host.Cancelled.TryRemove(task.TaskId, out _);
            running.Dispose();
            signal.Raise();
        }
    }

    /// <summary>The result; null where the task counts as cancelled.</summary>
    private async Task<StepResult?> FinishAsync(WorkerTask task, LongTask running, Func<Task<StepResult>> work)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                running.Stopped.ThrowIfCancellationRequested();
                return await work();
            }
            catch (OperationCanceledException) when (running.Stopped.IsCancellationRequested)
            {
                return running.EndedBy is { } refusal ? new StepRefused { Refusal = refusal } : null;
            }
#pragma warning disable CA1031 // a defect of one workload must not take the worker with it
            catch (Exception failure)
#pragma warning restore CA1031
            {
                LogFailed(failure, task.Kind, attempt);
                if (attempt == Attempts)
                {
                    return new StepRefused { Refusal = Refusals.Of("EIO", "task-failed", $"The worker failed {Attempts} times: {failure.Message}") };
                }
            }
        }
    }

    /// <summary>False while it is not said whether the host is still this worker's.</summary>
    private async Task<bool> TryKeepAsync(LiveHost host, WorkerTask task, StepResult? result)
    {
        await host.Gate.WaitAsync();
        try
        {
            if (host.IsDropped)
            {
                return true;
            }

            if (!hosts.LeaseHolds)
            {
                return false;
            }

            Keep(host, task, result);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // a full disk, say
            LogFailed(failure, task.Kind, 0);
            return false;
        }
        finally
        {
            host.Gate.Release();
        }
    }

    private static void Keep(LiveHost host, WorkerTask task, StepResult? result) => host.Store.Keep(ResultOf(host, task, result));

    private static TaskResult ResultOf(LiveHost host, WorkerTask task, StepResult? result) => new()
    {
        TaskId = task.TaskId,
        HostId = host.Store.HostId,
        Epoch = host.Store.Epoch,
        Cancelled = result is null,
        Steps = result is null ? [] : [result],
    };

    private void Announce()
    {
        var (last, now) = (Interlocked.Read(ref _reportedAt), time.GetTimestamp());
        if (time.GetElapsedTime(last, now) >= BetweenReports && Interlocked.CompareExchange(ref _reportedAt, now, last) == last)
        {
            signal.Raise();
        }
    }

    [LoggerMessage(EventId = 2004, Level = LogLevel.Error, Message = "{Kind} failed beside the tasks of its host, attempt {Attempt}")]
    private partial void LogFailed(Exception failure, string kind, int attempt);
}
