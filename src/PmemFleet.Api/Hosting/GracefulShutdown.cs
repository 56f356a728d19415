using Microsoft.Extensions.Options;

namespace PmemFleet.Api.Hosting;

/// <summary>
/// At SIGTERM <c>/readyz</c> fails at once, waits and streams are answered, and every answer ends its connection; only when whoever sends
/// requests has had PMEMFLEET__API__DRAINSECONDS to see that, the listening ends. What is under way then still has the host's shutdown timeout.
/// </summary>
public sealed class GracefulShutdown(IOptions<ApiOptions> options, IHostApplicationLifetime lifetime, TimeProvider time) : IHostedLifecycleService
{
    public bool IsStopping => lifetime.ApplicationStopping.IsCancellationRequested;

    /// <summary>Keeps a client from sending its next request over a connection that is about to end.</summary>
    public Task EndConnectionAsync(HttpContext http, RequestDelegate next)
    {
        http.Response.OnStarting(() =>
        {
            if (IsStopping && HttpProtocol.IsHttp11(http.Request.Protocol))
            {
                http.Response.Headers.Connection = "close";
            }

            return Task.CompletedTask;
        });
        return next(http);
    }

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        lifetime.StopApplication();
        return Task.Delay(TimeSpan.FromSeconds(options.Value.DrainSeconds), time, cancellationToken);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
