using PmemFleet.Api.Access;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;

namespace PmemFleet.Api.Hosting;

/// <summary>Liveness depends on nothing; readiness on the database and its schema.</summary>
public static class HealthEndpoints
{
    public static void MapFleetHealth(this WebApplication app)
    {
        app.MapGet("/livez", () => Results.Text("ok")).AllowAnonymous().ExcludeFromDescription();
        app.MapGet("/readyz", async (DatabaseReadiness database, Startup startup, GracefulShutdown shutdown, HttpContext http) =>
        {
            var reason = shutdown.IsStopping ? "it is stopping" : await database.WhyNotAsync(http.RequestAborted) ?? (startup.Done.IsCompleted ? null : "the start has not ended");
            if (reason is null)
            {
                await http.Response.WriteAsync("ok", http.RequestAborted);
                return;
            }

            await new FleetProblem(StatusCodes.Status503ServiceUnavailable, "not-ready", "EAGAIN", $"Not ready: {reason}.") { RetryAfter = TimeSpan.FromSeconds(1) }
                .WriteAsync(http);
        }).AllowAnonymous().ExcludeFromDescription();
        app.MapPrometheusScrapingEndpoint("/metrics").RequireAuthorization(Roles.Metrics);
    }
}
