using System.Text.Json;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Operations;

/// <summary>
/// What a finished task means for the rows, by operation kind. Called inside the sync's transaction with the hosts locked, once
/// for all tasks of the kind, so that a sync costs the same number of statements however many results it carries: query for all of
/// them at once. Each task is completed exactly once.
/// </summary>
public interface ITaskCompletion
{
    /// <summary>The operation kinds it completes.</summary>
    IReadOnlyCollection<string> Kinds { get; }

    /// <summary>Applies the results, in order, and says of each what the operation gives (<see cref="FinishedTask.Succeed"/> and so on).</summary>
    Task CompleteAsync(FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken);
}

/// <summary>A task with its result. Unless the completion decides otherwise, it succeeds where every step did.</summary>
public sealed class FinishedTask
{
    internal FinishedTask(TaskRow task, OperationRow operation, HostRow host, TaskResult result)
    {
        (Task, Operation, Host, Result, Steps) = (task, operation, host, result, StepsOf(task));
        Refusal = (result.Steps.Count > 0 ? result.Steps[^1] as StepRefused : null)?.Refusal;
        if (!result.Cancelled && Refusal is null && !IsOf(task.Kind, Steps, result))
        {
            Refusal = Damaged;
        }

        if (result.Cancelled)
        {
            Refusal = new RefusalDto { Errno = "ECANCELED", Code = "cancelled", Message = "The operation was cancelled." };
        }
    }

    public TaskRow Task { get; }

    /// <summary>Read it; how it ends is said by the methods here.</summary>
    public OperationRow Operation { get; }

    /// <summary>Locked and tracked.</summary>
    public HostRow Host { get; }

    public TaskResult Result { get; }

    /// <summary>What was to be done.</summary>
    public IReadOnlyList<TaskStep> Steps { get; }

    /// <summary>Why the task ended early, if it did: the last step's refusal or the cancellation.</summary>
    public RefusalDto? Refusal { get; }

    internal TaskVerdict? Verdict { get; private set; }

    /// <summary>The operation succeeds.</summary>
    /// <param name="resource">The resource as the request's answer shows it; null where there is none.</param>
    /// <param name="etag">Its ETag after this change.</param>
    public void Succeed(object? resource = null, string? etag = null) => Verdict = new TaskVerdict(OperationRow.Succeeded, resource, etag, null);

    /// <summary>The operation fails.</summary>
    public void Fail(RefusalDto refusal) => Verdict = new TaskVerdict(OperationRow.Failed, null, null, refusal);

    /// <summary>The operation goes on: the completion has put another task into the queue (<see cref="OperationQueue.Follow"/>).</summary>
    public void Continue() => Verdict = new TaskVerdict(OperationRow.Running, null, null, null);

    /// <summary>The operation ends as cancelled.</summary>
    public void Cancel() => Verdict = new TaskVerdict(OperationRow.Cancelled, null, null, new RefusalDto { Errno = "ECANCELED", Code = "cancelled", Message = "The operation was cancelled." });

    /// <summary>What the worker says cannot be.</summary>
    internal static readonly RefusalDto Damaged = new() { Errno = "EIO", Code = "result-damaged", Message = "The worker's result is not one of this task." };

    /// <summary>Whether a task can have this result: as many steps as it has, and where the operation gives what a step found, that step.</summary>
    internal static bool IsOf(string kind, IReadOnlyList<TaskStep> steps, TaskResult result) => steps.Count == result.Steps.Count && kind switch
    {
        OperationKinds.RunWorkload => result.Steps is [StepWorkload { Outcome: not null, Sha256: not null }],
        OperationKinds.Campaign => result.Steps is [StepCampaign],
        OperationKinds.CheckNamespace => result.Steps.Any(step => step is StepChecked { Messages: not null }),
        _ => true,
    };

    internal static IReadOnlyList<TaskStep> StepsOf(TaskRow task) => JsonSerializer.Deserialize(task.Steps, FleetJsonContext.Default.IReadOnlyListTaskStep)!;

    internal TaskVerdict Conclude() => Verdict
        ?? (Result.Cancelled ? new TaskVerdict(OperationRow.Cancelled, null, null, Refusal)
            : Refusal is { } refusal ? new TaskVerdict(OperationRow.Failed, null, null, refusal)
            : new TaskVerdict(OperationRow.Succeeded, null, null, null));
}

/// <summary>How an operation stands after a task.</summary>
internal sealed record TaskVerdict(string State, object? Resource, string? Etag, RefusalDto? Refusal);
