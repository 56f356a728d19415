using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;

namespace PmemFleet.Api.Conventions;

/// <summary>
/// Runs one write as the conventions say: one transaction with the effect, its events and its Idempotency-Key; <c>?dryRun=true</c> rolls back at
/// the end; a race that is lost repeats the whole; an operation is waited for as the caller prefers. Take it as an action's
/// <c>[FromServices]</c> parameter: that is also what makes the action accept <c>dryRun</c>.
/// </summary>
public sealed class FleetWrite(
    FleetTransactions transactions, GroupedWrites grouped, OperationQueue queue, OperationWaiter waiter, IEnumerable<ConstraintRefusal> constraints, TimeProvider time)
{
    public Task<IActionResult> ExecuteAsync(ControllerBase controller, Func<FleetWriteContext, Task<WriteOutcome>> body)
    {
        var http = controller.HttpContext;
        return FinishAsync(http, () => transactions.RunAsync((db, cancelled) => WriteAttempt.RunAsync(db, http, queue, time.GetUtcNow(), body, cancelled), http.RequestAborted));
    }

    /// <summary>One command on one host: it may share its transaction with commands on other hosts that come at the same time.</summary>
    public Task<IActionResult> ExecuteAsync(ControllerBase controller, HostCommand command)
    {
        var http = controller.HttpContext;
        return QueryConventions.IsDryRun(http.Request) ? ExecuteAsync(controller, command.AloneAsync) : FinishAsync(http, () => grouped.RunAsync(http, command));
    }

    private async Task<IActionResult> FinishAsync(HttpContext http, Func<Task<WriteAnswer>> write)
    {
        WriteAnswer answer;
        try
        {
            answer = await write();
        }
        catch (Exception failure) when (ConstraintRefusal.Find(constraints, failure) is { } refusal)
        {
            answer = WriteAnswer.Of(FleetProblem.Of(refusal));
        }

        if (answer.OperationId is { } operationId && !answer.DryRun)
        {
            var operation = await waiter.WaitAsync(operationId, Preference.WaitOf(http), http.RequestAborted)
                ?? throw new InvalidOperationException($"operation {operationId} was committed and is gone");
            answer = OperationAnswer.Of(operation) with { Replayed = answer.Replayed };
        }

        return new WriteAnswerResult(answer);
    }
}
