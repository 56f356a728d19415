using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
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

    /// <summary>
    /// Applies the results, in order, and says of each what the operation gives (<see cref="FinishedTask.Succeed"/> and so on). What it changes is saved
    /// behind it, in the same transaction.
    /// </summary>
    Task CompleteAsync(FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken);
}

/// <summary>A task with its result. Unless the completion decides otherwise, it succeeds where every step did.</summary>
public sealed class FinishedTask
{
    internal FinishedTask(TaskRow task, OperationRow operation, HostRow host, TaskResult result)
    {
        (Task, Operation, Host, Result, Steps) = (task, operation, host, result, task.ReadSteps());
        IsDamaged = !CredibleResult.Is(Steps, result, operation.CancelRequested);
        IsCancelled = result.Cancelled && !IsDamaged;
        Refusal = IsDamaged ? Damaged : IsCancelled ? OfCancelled : (result.Steps.Count > 0 ? result.Steps[^1] as StepRefused : null)?.Refusal;
    }

    public TaskRow Task { get; }

    /// <summary>Read it; how it ends is said by the methods here.</summary>
    public OperationRow Operation { get; }

    /// <summary>Locked; its changes are saved with the completion's.</summary>
    public HostRow Host { get; }

    /// <summary>What the worker says. Look at <see cref="IsDamaged"/> first, or at <see cref="Given"/>.</summary>
    public TaskResult Result { get; }

    /// <summary>The result cannot be one of this task: nothing of it counts.</summary>
    public bool IsDamaged { get; }

    /// <summary>It was cancelled, as a caller had asked.</summary>
    public bool IsCancelled { get; }

    /// <summary>What the steps gave, as far as they were executed; nothing where that cannot be believed.</summary>
    public IReadOnlyList<StepResult> Given => IsDamaged ? [] : Result.Steps;

    /// <summary>What was to be done.</summary>
    public IReadOnlyList<TaskStep> Steps { get; }

    /// <summary>Why the task ended early, if it did: the last step's refusal, the cancellation, or a damaged result.</summary>
    public RefusalDto? Refusal { get; }

    /// <summary>The host's media is gone, and with it goes the host: the one rule for all that ends because of it.</summary>
    public bool RemovesHost => Task.Kind == OperationKinds.DeleteHost && Refusal is null;

    /// <summary>False where it is known that the host has no media errors: nobody has to look for them.</summary>
    internal bool HostMayHaveErrors { get; set; } = true;

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
    public void Cancel() => Verdict = new TaskVerdict(OperationRow.Cancelled, null, null, OfCancelled);

    /// <summary>What the worker says cannot be.</summary>
    internal static readonly RefusalDto Damaged = new() { Errno = "EIO", Code = "result-damaged", Message = "The worker's result is not one of this task." };

    private static readonly RefusalDto OfCancelled = new() { Errno = "ECANCELED", Code = "cancelled", Message = "The operation was cancelled." };

    internal TaskVerdict Conclude() => Verdict
        ?? (IsCancelled ? new TaskVerdict(OperationRow.Cancelled, null, null, Refusal)
            : Refusal is { } refusal ? new TaskVerdict(OperationRow.Failed, null, null, refusal)
            : new TaskVerdict(OperationRow.Succeeded, null, null, null));
}

/// <summary>How an operation stands after a task.</summary>
internal sealed record TaskVerdict(string State, object? Resource, string? Etag, RefusalDto? Refusal);
