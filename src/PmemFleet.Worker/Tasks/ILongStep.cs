using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.Tasks;

/// <summary>
/// How one kind of <see cref="LongStep"/> is run. Registered in the container; a task with a long step has no other step. It is run at least
/// once: after the loss of its worker it begins anew on the next one.
/// </summary>
internal interface ILongStep
{
    /// <summary>Whether it runs this step.</summary>
    bool Runs(LongStep step);

    /// <summary>
    /// Begins, under the host's gate and in the order of its tasks: a result that ends it at once (a refusal, say), or the work to do beside
    /// the host's other tasks. The work takes the gate itself where it touches the host, and throws
    /// <see cref="OperationCanceledException"/> once <see cref="LongTask.Stopped"/> is raised.
    /// </summary>
    LongWork Begin(LiveHost host, LongStep step, LongTask task);
}

/// <summary>What a long step begins with: a result, or work that gives one.</summary>
internal readonly record struct LongWork(StepResult? Result, Func<Task<StepResult>>? Work)
{
    public static implicit operator LongWork(StepResult result) => new(result, null);

    public static implicit operator LongWork(Func<Task<StepResult>> work) => new(null, work);
}
