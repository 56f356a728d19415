using PmemFleet.Api.Idempotency;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;

namespace PmemFleet.Api.Conventions;

/// <summary>What one write does inside its transaction: its key is claimed, its command runs, its answer is made and kept.</summary>
internal static class WriteAttempt
{
    /// <summary>A write that has its transaction for itself.</summary>
    public static async Task<TransactionEnd<WriteAnswer>> RunAsync(
        FleetDbContext db, HttpContext http, OperationQueue queue, DateTimeOffset now, Func<FleetWriteContext, Task<WriteOutcome>> body, CancellationToken cancelled)
    {
        var key = PresentedKey.Of(http);
        if (key is not null && (await IdempotencyKeys.ClaimAsync(db, [key], now, cancelled))[0] is { State: not ClaimState.Fresh } claim)
        {
            return new TransactionEnd<WriteAnswer>(AnswerOf(claim), Commit: false);
        }

        var context = new FleetWriteContext(db, http.Request, queue, now, cancelled);
        var end = Conclude(context, http, await body(context), key);
        if (end.Commit && QueryConventions.IsDryRun(http.Request))
        {
            var operation = db.Changes.FindAdded<OperationRow>(row => row.Id == end.Value.OperationId);
            await db.SaveChangesAsync(cancelled);
            var answer = end.Value with { DryRun = true, Body = operation is null ? end.Value.Body : FleetJson.ToUtf8(OperationProjection.ToDto(operation)), OperationId = null };
            return new TransactionEnd<WriteAnswer>(answer, Commit: false);
        }

        return end;
    }

    /// <summary>From a command's outcome to the answer, with what every write leaves: an event, and the key it was asked under.</summary>
    public static TransactionEnd<WriteAnswer> Conclude(FleetWriteContext context, HttpContext http, WriteOutcome outcome, PresentedKey? key)
    {
        if (outcome is WriteOutcome.Refused refused)
        {
            return new TransactionEnd<WriteAnswer>(WriteAnswer.Of(FleetProblem.Of(refused.Refusal, refused.Status)), Commit: false);
        }

        if (!context.IfMatchChecked && Etag.NothingToMatch(http.Request) is { } unmatched)
        {
            return new TransactionEnd<WriteAnswer>(WriteAnswer.Of(FleetProblem.Of(unmatched)), Commit: false);
        }

        if (!context.HasEvent)
        {
            // audit: no write without a trace of who did it
            context.Event("request.applied", subject: $"{http.Request.Method} {http.Request.Path}");
        }

        var answer = AnswerOf(outcome);
        if (key is not null)
        {
            context.Changes.Add(new IdempotencyKeyRow
            {
                Caller = key.Caller,
                Key = key.Key,
                Fingerprint = key.Fingerprint,
                OperationId = answer.OperationId,
                Status = answer.OperationId is null ? answer.Status : null,
                Location = answer.Location,
                Etag = answer.Etag,
                Body = outcome is WriteOutcome.Created { ReplayedBody: { } shown } ? FleetJson.ToUtf8(shown) : answer.Body,
                ExpiresAt = context.Now + IdempotencyKeys.Kept,
            });
        }

        return new TransactionEnd<WriteAnswer>(answer, Commit: true);
    }

    private static WriteAnswer AnswerOf(WriteOutcome outcome) => outcome switch
    {
        WriteOutcome.Created created => new WriteAnswer(StatusCodes.Status201Created, FleetJson.ToUtf8(created.Body), created.Location, created.Etag),
        WriteOutcome.Ok ok => new WriteAnswer(StatusCodes.Status200OK, FleetJson.ToUtf8(ok.Body), null, ok.Etag),
        WriteOutcome.NoContent none => new WriteAnswer(StatusCodes.Status204NoContent, null, null, none.Etag),
        WriteOutcome.Accepted accepted => new WriteAnswer(StatusCodes.Status202Accepted, null, null, null) { OperationId = accepted.OperationId },
        _ => throw new InvalidOperationException($"no answer for {outcome.GetType().Name}"),
    };

    /// <summary>What a key that is not free answers.</summary>
    public static WriteAnswer AnswerOf(Claim claim) => claim switch
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
