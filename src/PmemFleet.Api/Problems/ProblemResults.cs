using Microsoft.AspNetCore.Mvc;
using PmemFleet.Contracts.Problems;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Problems;

/// <summary>From a refusal to problem+json. The only place that knows which errno is which HTTP status.</summary>
public static class ProblemResults
{
    /// <summary>Rule name of a path that names nothing: its ENOENT, ENODEV or ENXIO is 404 and not a rule's 422.</summary>
    public const string NotFoundCode = "not-found";

    /// <summary>Rule name of a read of poisoned data.</summary>
    public const string MediaErrorCode = "media-error";

    /// <summary>Rule name of a write to a block device whose region is read-only.</summary>
    public const string ReadOnlyDeviceCode = "block-device-read-only";

    /// <summary>The model's refusal as it travels.</summary>
    public static RefusalDto ToDto(this Refusal refusal) => new()
    {
        Errno = refusal.Errno.ToString(),
        Code = refusal.Rule,
        Message = refusal.Message,
        Numbers = refusal.Numbers.IsEmpty ? null : refusal.Numbers,
        Allowed = refusal.Allowed.IsDefaultOrEmpty ? null : [.. refusal.Allowed],
        Subject = refusal.Subject,
    };

    /// <summary>A path that names nothing.</summary>
    public static RefusalDto NotFound(string kind, string name) => new()
    {
        Errno = "ENOENT",
        Code = NotFoundCode,
        Message = $"There is no {kind} '{name}'.",
        Numbers = new Dictionary<string, string> { [kind] = name },
    };

    public static IActionResult ToResult(this Refusal refusal, int? status = null) => refusal.ToDto().ToResult(status);

    public static IActionResult ToResult(this RefusalDto refusal, int? status = null) => new ProblemResult(FleetProblem.Of(refusal, status));

    /// <summary>The HTTP status of a refusal.</summary>
    public static int StatusOf(RefusalDto refusal) => refusal.Code switch
    {
        NotFoundCode => StatusCodes.Status404NotFound,
        "precondition-failed" => StatusCodes.Status412PreconditionFailed,
        "precondition-required" => StatusCodes.Status428PreconditionRequired,
        ReadOnlyDeviceCode => StatusCodes.Status409Conflict,
        "events-compacted" => StatusCodes.Status410Gone,
        _ => refusal.Errno switch
        {
            "EBUSY" or "EEXIST" or "ENOSPC" or "EIO" or "ESTALE" or "ECANCELED" => StatusCodes.Status409Conflict,
            "EACCES" or "EPERM" => StatusCodes.Status403Forbidden,
            "EAGAIN" or "EHOSTDOWN" or "ETIMEDOUT" => StatusCodes.Status503ServiceUnavailable,
            _ => StatusCodes.Status422UnprocessableEntity,
        },
    };
}

/// <summary>Answers with a problem document.</summary>
public sealed class ProblemResult(FleetProblem problem) : ActionResult
{
    public FleetProblem Problem { get; } = problem;

    public override Task ExecuteResultAsync(ActionContext context) => Problem.WriteAsync(context.HttpContext);
}
