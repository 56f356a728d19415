using System.Net.Sockets;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;
using PmemFleet.Api.Conventions;

namespace PmemFleet.Api.Problems;

/// <summary>The last place an exception comes to: a bug is a 500 that says nothing, a lost database is a 503, a caller that left gets nothing.</summary>
public sealed partial class UnhandledExceptionHandler(ILogger<UnhandledExceptionHandler> logger) : IExceptionHandler
{
    private const int ClientClosedRequest = 499;

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested)
        {
            httpContext.Response.StatusCode = ClientClosedRequest;
            return true;
        }

        await ProblemOf(httpContext, exception).WriteAsync(httpContext);
        return true;
    }

    private FleetProblem ProblemOf(HttpContext http, Exception exception)
    {
        switch (exception)
        {
            case RefusedBodyException refused:
                return refused.Problem;
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return BodyLimit.Exceeded(http);
            case BadHttpRequestException bad:
                return new FleetProblem(bad.StatusCode, "request-malformed", "EINVAL", "The request is not well-formed HTTP.");
            case var lost when IsDatabaseLost(lost):
                LogDatabaseLost(exception);
                return new FleetProblem(StatusCodes.Status503ServiceUnavailable, "database-unavailable", "EAGAIN", "The database cannot be reached now; try again.")
                {
                    RetryAfter = TimeSpan.FromSeconds(2),
                };
            default:
                LogUnhandled(exception);
                return new FleetProblem(StatusCodes.Status500InternalServerError, "internal", "EIO", "Something is wrong with the service; the log has it under the trace id.");
        }
    }

    private static bool IsDatabaseLost(Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is SocketException or NpgsqlException { IsTransient: true }
                or PostgresException { SqlState: "42P01" or PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown })
            {
                return true;
            }
        }

        return false;
    }

    [LoggerMessage(EventId = 1020, Level = LogLevel.Error, Message = "Unhandled")]
    private partial void LogUnhandled(Exception exception);

    [LoggerMessage(EventId = 1021, Level = LogLevel.Warning, Message = "The database cannot be reached")]
    private partial void LogDatabaseLost(Exception exception);
}
