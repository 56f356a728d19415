using PmemFleet.Api.Conventions;

namespace PmemFleet.Api.Problems;

/// <summary>Gives an error that the framework left without a body its problem document.</summary>
public static class StatusProblems
{
    public static Task WriteAsync(HttpContext http) => Of(http).WriteAsync(http);

    private static FleetProblem Of(HttpContext http)
    {
        var request = http.Request;
        return http.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => new FleetProblem(404, "route-not-found", "ENOENT", $"There is nothing at {request.Path}."),
            StatusCodes.Status405MethodNotAllowed => new FleetProblem(405, "method-not-allowed", "EOPNOTSUPP", $"{request.Method} is not possible here.")
            {
                Allowed = [.. http.Response.Headers.Allow.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)],
            },
            StatusCodes.Status406NotAcceptable => new FleetProblem(406, "not-acceptable", "EINVAL", "The answer is JSON; Accept does not take it."),
            StatusCodes.Status413PayloadTooLarge => BodyLimit.Exceeded(http),
            StatusCodes.Status415UnsupportedMediaType => new FleetProblem(
                415, "media-type-unsupported", "EINVAL", $"The content type '{request.ContentType}' is not taken here.")
            {
                Allowed = ["application/json"],
            },
            var status => new FleetProblem(status, $"http-{status}", status < 500 ? "EINVAL" : "EIO", "The request cannot be served."),
        };
    }
}
