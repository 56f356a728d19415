using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Access;
using PmemFleet.Api.Idempotency;
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
    FleetTransactions transactions, OperationQueue queue, OperationWaiter waiter, IEnumerable<ConstraintRefusal> constraints, TimeProvider time)
{
    public async Task<IActionResult> ExecuteAsync(ControllerBase controller, Func<FleetWriteContext, Task<WriteOutcome>> body)
    {
        var http = controller.HttpContext;
        var dryRun = QueryConventions.IsDryRun(http.Request);
        WriteAnswer answer;
        try
        {
            answer = await transactions.RunAsync((db, cancelled) => AttemptAsync(db, http, dryRun, body, cancelled), http.RequestAborted);
        }
        catch (Exception failure) when (ConstraintRefusal.Find(constraints, failure) is { } refusal)
        {
            answer = WriteAnswer.Of(FleetProblem.Of(refusal));
        }

        if (answer.OperationId is { } operationId && !dryRun)
        {
            var operation = await waiter.WaitAsync(operationId, Preference.WaitOf(http), http.RequestAborted)
                ?? throw new InvalidOperationException($"operation {operationId} was committed and is gone");
            answer = OperationAnswer.Of(operation) with { Replayed = answer.Replayed };
        }

        return new WriteAnswerResult(answer);
    }

    private async Task<TransactionEnd<WriteAnswer>> AttemptAsync(
        FleetDbContext db, HttpContext http, bool dryRun, Func<FleetWriteContext, Task<WriteOutcome>> body, CancellationToken cancelled)
    {
        var now = time.GetUtcNow();
        var caller = http.User.CallerId();
        var key = dryRun || !HttpMethods.IsPost(http.Request.Method) ? null : (string?)http.Request.Headers["Idempotency-Key"];
        var fingerprint = key is null ? null : IdempotencyKeys.Fingerprint(http.Request);
        if (key is not null)
        {
            var claim = await IdempotencyKeys.ClaimAsync(db, caller, key, fingerprint!, now, cancelled);
            if (claim.State != ClaimState.Fresh)
            {
                return new TransactionEnd<WriteAnswer>(AnswerOf(claim), Commit: false);
            }
        }

        var context = new FleetWriteContext(db, http.Request, queue, now, cancelled);
        var outcome = await body(context);
        if (outcome is WriteOutcome.Refused refused)
        {
            return new TransactionEnd<WriteAnswer>(WriteAnswer.Of(FleetProblem.Of(refused.Refusal, refused.Status)), Commit: false);
        }

        if (http.Request.Headers.IfMatch.Count > 0 && !context.IfMatchChecked && http.Request.Headers.IfMatch != Etag.Any)
        {
            // what the request makes or starts has no version that could match (RFC 9110 section 13.1.1): nothing is done
            return new TransactionEnd<WriteAnswer>(WriteAnswer.Of(FleetProblem.Of(Etag.NothingToMatch(http.Request))), Commit: false);
        }

        if (!context.HasEvent)
        {
            // audit: no write without a trace of who did it
            context.Event("request.applied", subject: $"{http.Request.Method} {http.Request.Path}");
        }

        var answer = AnswerOf(outcome);
        if (dryRun)
        {
            await db.SaveChangesAsync(cancelled);
            answer = answer with { DryRun = true, Body = answer.OperationId is { } id ? DryOperation(db, id) : answer.Body, OperationId = null };
            return new TransactionEnd<WriteAnswer>(answer, Commit: false);
        }

        if (key is not null)
        {
            db.Add(new IdempotencyKeyRow
            {
                Caller = caller,
                Key = key,
                Fingerprint = fingerprint!,
                OperationId = answer.OperationId,
                Status = answer.OperationId is null ? answer.Status : null,
                Location = answer.Location,
                Etag = answer.Etag,
                Body = outcome is WriteOutcome.Created { ReplayedBody: { } shown } ? FleetJson.ToUtf8(shown) : answer.Body,
                ExpiresAt = now + IdempotencyKeys.Kept,
            });
        }

        return new TransactionEnd<WriteAnswer>(answer, Commit: true);
    }

    private static byte[] DryOperation(FleetDbContext db, Guid id) =>
        FleetJson.ToUtf8(OperationProjection.ToDto(db.Operations.Local.Single(operation => operation.Id == id)));

    private static WriteAnswer AnswerOf(WriteOutcome outcome) => outcome switch
    {
        WriteOutcome.Created created => new WriteAnswer(StatusCodes.Status201Created, FleetJson.ToUtf8(created.Body), created.Location, created.Etag),
        WriteOutcome.Ok ok => new WriteAnswer(StatusCodes.Status200OK, FleetJson.ToUtf8(ok.Body), null, ok.Etag),
        WriteOutcome.NoContent none => new WriteAnswer(StatusCodes.Status204NoContent, null, null, none.Etag),
        WriteOutcome.Accepted accepted => new WriteAnswer(StatusCodes.Status202Accepted, null, null, null) { OperationId = accepted.OperationId },
        _ => throw new InvalidOperationException($"no answer for {outcome.GetType().Name}"),
    };

    private static WriteAnswer AnswerOf(Claim claim) => claim switch
    {
        { State: ClaimState.InFlight } => WriteAnswer.Of(
            new FleetProblem(StatusCodes.Status409Conflict, "idempotency-in-flight", "EBUSY", "A request with this Idempotency-Key has not ended yet.")
            {
                RetryAfter = TimeSpan.FromSeconds(1),
            }),
        { State: ClaimState.Reused } => WriteAnswer.Of(new FleetProblem(
            StatusCodes.Status422UnprocessableEntity, "idempotency-key-reused", "EINVAL", "This Idempotency-Key was used for another request.")),
        { Stored: { } stored } => new WriteAnswer(stored.Status ?? StatusCodes.Status202Accepted, stored.Body, stored.Location, stored.Etag)
        {
            OperationId = stored.OperationId,
            Replayed = true,
        },
        _ => throw new InvalidOperationException("a replay without its answer"),
    };
}
