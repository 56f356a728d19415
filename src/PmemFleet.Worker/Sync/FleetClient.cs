using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Serialization.Metadata;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace PmemFleet.Worker.Sync;

/// <summary>What became of a sync.</summary>
/// <param name="Response">The answer; null where the worker is not known any more and has to join anew.</param>
internal sealed record SyncOutcome(SyncResponse? Response);

/// <summary>
/// The worker protocol's two calls. Both are idempotent (design section 3), so both are retried with jitter behind a timeout and a
/// circuit breaker.
/// </summary>
internal sealed class FleetClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly ResiliencePipeline<HttpResponseMessage> _pipeline;

    public FleetClient(WorkerOptions options, TimeProvider time)
    {
        _http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            BaseAddress = options.ApiUrl,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _pipeline = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<HttpResponseMessage>
            {
                MaxRetryAttempts = 3,
                Delay = TimeSpan.FromMilliseconds(100),
                MaxDelay = TimeSpan.FromSeconds(1),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = static arguments => ValueTask.FromResult(IsTransient(arguments.Outcome)),
            })
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<HttpResponseMessage>
            {
                MinimumThroughput = 8,
                BreakDuration = TimeSpan.FromSeconds(1),
                ShouldHandle = static arguments => ValueTask.FromResult(IsTransient(arguments.Outcome)),
            })
            .AddTimeout(new TimeoutStrategyOptions { Timeout = TimeSpan.FromSeconds(SyncLoop.LongestWaitSeconds + 15) })
            .Build();
    }

    /// <summary>Asks to join.</summary>
    /// <exception cref="HttpRequestException">The Api is not there, or refuses.</exception>
    public async Task<JoinResponse> JoinAsync(JoinRequest request, string joinToken, CancellationToken cancellation)
    {
        using var response = await PostAsync("/v1/workers/join", joinToken, request, FleetJsonContext.Default.JoinRequest, cancellation);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync(FleetJsonContext.Default.JoinResponse, cancellation)
            ?? throw new HttpRequestException("the join was answered with nothing");
    }

    /// <summary>The one open request.</summary>
    public async Task<SyncOutcome> SyncAsync(Guid workerId, string credential, SyncRequest request, CancellationToken cancellation)
    {
        using var response = await PostAsync($"/v1/workers/{workerId}/sync", credential, request, FleetJsonContext.Default.SyncRequest, cancellation);
        if (response.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound)
        {
            return new SyncOutcome(null);
        }

        response.EnsureSuccessStatusCode();
        return new SyncOutcome(await response.Content.ReadFromJsonAsync(FleetJsonContext.Default.SyncResponse, cancellation));
    }

    public void Dispose() => _http.Dispose();

    private static bool IsTransient(Outcome<HttpResponseMessage> outcome) =>
        outcome.Exception is HttpRequestException or TimeoutRejectedException
        || outcome.Result is { StatusCode: HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError };

    private async Task<HttpResponseMessage> PostAsync<T>(string path, string bearer, T body, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        await _pipeline.ExecuteAsync(
            async token =>
            {
                using var message = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body, type) };
                message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
                return await _http.SendAsync(message, token);
            },
            cancellation);
}
