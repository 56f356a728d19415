using System.Net;
using Microsoft.Extensions.Http.Resilience;
using PmemFleet.Contracts.DataPlane;
using Polly;
using Polly.Timeout;

namespace PmemFleet.Api.DataPlane;

/// <summary>
/// How workers are called: one circuit breaker for each worker, a retry with jitter only of what may be repeated (GET, or a request
/// with an Idempotency-Key, a caller's or the Api's own), and a timeout for each attempt.
/// </summary>
public static class WorkerPipeline
{
    /// <summary>A request's own timeout, for uploads.</summary>
    public static readonly HttpRequestOptionsKey<TimeSpan> Timeout = new("PmemFleet.Timeout");

    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(15);

    public static IServiceCollection AddWorkerClient(this IServiceCollection services)
    {
        services.AddHttpClient<WorkerClient>(client => client.Timeout = System.Threading.Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                UseProxy = false,
                ConnectTimeout = TimeSpan.FromSeconds(3),
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            })
            .AddResilienceHandler("worker", Build)
            .SelectPipelineByAuthority();
        return services;
    }

    private static void Build(ResiliencePipelineBuilder<HttpResponseMessage> builder) => builder
        .AddRetry(new HttpRetryStrategyOptions
        {
            Name = "retry",
            MaxRetryAttempts = 3,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = TimeSpan.FromMilliseconds(150),
            ShouldRetryAfterHeader = false,
            ShouldHandle = arguments => ValueTask.FromResult(
                MayBeRepeated(arguments.Context.GetRequestMessage()) && (IsFailure(arguments.Outcome) || IsNotReady(arguments.Outcome))),
        })
        .AddCircuitBreaker(new HttpCircuitBreakerStrategyOptions
        {
            Name = "breaker",
            FailureRatio = 0.5,
            MinimumThroughput = 10,
            SamplingDuration = TimeSpan.FromSeconds(10),
            BreakDuration = TimeSpan.FromSeconds(2),
            ShouldHandle = arguments => ValueTask.FromResult(IsFailure(arguments.Outcome)),
        })
        .AddTimeout(new TimeoutStrategyOptions
        {
            Name = "attempt",
            TimeoutGenerator = arguments => ValueTask.FromResult(
                arguments.Context.GetRequestMessage() is { } request && request.Options.TryGetValue(Timeout, out var own) ? own : AttemptTimeout),
        });

    private static bool MayBeRepeated(HttpRequestMessage? request) =>
        request is not null && (request.Method == HttpMethod.Get || request.Headers.Contains(DataPlaneRoutes.IdempotencyHeader));

    private static bool IsFailure(Outcome<HttpResponseMessage> outcome) =>
        outcome.Exception is HttpRequestException or TimeoutRejectedException
        || outcome.Result?.StatusCode is HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout;

    /// <summary>A host that boots is no failure of its worker.</summary>
    private static bool IsNotReady(Outcome<HttpResponseMessage> outcome) => outcome.Result?.StatusCode is HttpStatusCode.ServiceUnavailable;
}
