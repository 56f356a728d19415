using System.Diagnostics;
using System.Text.Json;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Problems;

/// <summary>A problem document before it knows its request.</summary>
public sealed record FleetProblem(int Status, string Code, string Errno, string Detail)
{
    public const string MediaType = "application/problem+json";

    public IReadOnlyDictionary<string, string>? Numbers { get; init; }

    public IReadOnlyList<string>? Allowed { get; init; }

    public IReadOnlyList<ProblemErrorDto>? Errors { get; init; }

    public TimeSpan? RetryAfter { get; init; }

    public static FleetProblem Of(RefusalDto refusal, int? status = null)
    {
        var code = status ?? ProblemResults.StatusOf(refusal);
        return new FleetProblem(code, refusal.Code, refusal.Errno, refusal.Message)
        {
            Numbers = refusal.Numbers,
            Allowed = refusal.Allowed,
            Errors = refusal.Subject is null ? null : [new ProblemErrorDto { Pointer = PointerOf(refusal.Subject), Detail = refusal.Message }],
            RetryAfter = code == StatusCodes.Status503ServiceUnavailable ? TimeSpan.FromSeconds(1) : null,
        };
    }

    public ProblemDto ToDto(HttpContext http) => new()
    {
        Type = $"urn:pmemfleet:problem:{Code}",
        Title = Code.Replace('-', ' '),
        Status = Status,
        Detail = Detail,
        Instance = http.Request.Path,
        Code = Code,
        Errno = Errno,
        Numbers = Numbers,
        Allowed = Allowed,
        Errors = Errors,
        TraceId = Activity.Current?.TraceId.ToHexString() ?? http.TraceIdentifier,
    };

    public Task WriteAsync(HttpContext http)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return Task.CompletedTask;
        }

        http.Response.StatusCode = Status;
        http.Response.ContentType = MediaType;
        if (RetryAfter is { } wait)
        {
            http.Response.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString(null, null);
        }

        var body = JsonSerializer.SerializeToUtf8Bytes(ToDto(http), FleetJsonContext.Default.ProblemDto);
        http.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.Body.WriteAsync(body, CancellationToken.None).AsTask();
    }

    private static string PointerOf(string subject) => subject.StartsWith('/') || subject.StartsWith('#') ? subject : $"/{subject}";
}
