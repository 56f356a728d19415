using PmemFleet.Api.Problems;

namespace PmemFleet.Api.Conventions;

/// <summary>How long a request's path and query may be together.</summary>
public static class RequestTarget
{
    /// <summary>In characters, percent-encoding included.</summary>
    public const int MaxChars = 8192;

    public static Task LimitAsync(HttpContext http, RequestDelegate next)
    {
        var length = http.Request.Path.ToUriComponent().Length + (http.Request.QueryString.Value?.Length ?? 0);
        return length <= MaxChars
            ? next(http)
            : new FleetProblem(StatusCodes.Status414UriTooLong, "uri-too-long", "ENAMETOOLONG", $"Path and query have {length} characters; at most {MaxChars} are taken.")
            {
                Numbers = new Dictionary<string, string> { ["length"] = $"{length}", ["max"] = $"{MaxChars}" },
            }.WriteAsync(http);
    }
}
