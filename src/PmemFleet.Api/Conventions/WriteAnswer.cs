using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Problems;

namespace PmemFleet.Api.Conventions;

/// <summary>A write's whole answer, in a form that can be stored and given again.</summary>
public sealed record WriteAnswer(int Status, byte[]? Body, string? Location, string? Etag)
{
    /// <summary>The answer is what becomes of this operation.</summary>
    public Guid? OperationId { get; init; }

    /// <summary>The answer is this problem.</summary>
    public FleetProblem? Problem { get; init; }

    /// <summary>It was given before.</summary>
    public bool Replayed { get; init; }

    /// <summary>Nothing was changed.</summary>
    public bool DryRun { get; init; }

    public static WriteAnswer Of(FleetProblem problem) => new(problem.Status, null, null, null) { Problem = problem };
}

/// <summary>Sends a <see cref="WriteAnswer"/>.</summary>
public sealed class WriteAnswerResult(WriteAnswer answer) : ActionResult
{
    public WriteAnswer Answer { get; } = answer;

    public override async Task ExecuteResultAsync(ActionContext context)
    {
        var http = context.HttpContext;
        var answer = Answer;
        if (answer.Replayed)
        {
            http.Response.Headers["Idempotency-Replayed"] = "true";
        }

        if (answer.DryRun)
        {
            http.Response.Headers["Dry-Run"] = "true";
        }

        if (answer.Problem is { } problem)
        {
            await problem.WriteAsync(http);
            return;
        }

        http.Response.StatusCode = answer.Status;
        http.Response.Headers.Location = answer.Location;
        http.Response.Headers.ETag = answer.Etag;
        if (answer.Status == StatusCodes.Status202Accepted)
        {
            http.Response.Headers.RetryAfter = "1";
        }

        if (answer.Body is { } body)
        {
            http.Response.ContentType = "application/json; charset=utf-8";
            http.Response.ContentLength = body.Length;
            await http.Response.Body.WriteAsync(body, CancellationToken.None);
        }
    }
}
