using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
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
internal abstract record SyncOutcome
{
    private SyncOutcome()
    {
    }

    /// <summary>Answered.</summary>
    public sealed record Answered(SyncResponse Response) : SyncOutcome;

    /// <summary>409: the lease ended, or a newer process has the name. The hosts are another's.</summary>
    public sealed record Fenced : SyncOutcome;

    /// <summary>400: an Api of an older version does not know all members of the request.</summary>
    public sealed record NotUnderstood : SyncOutcome;

    /// <summary>401, 403 or 404: the credential is not known (any more). Who holds the hosts is not said.</summary>
    public sealed record NotKnown(HttpStatusCode Status) : SyncOutcome;
}

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
        if ((int)response.StatusCode is >= 400 and < 500 && await ReasonAsync(response, cancellation) is { } reason)
        {
            throw new HttpRequestException($"the join was refused ({(int)response.StatusCode}): {reason}", null, response.StatusCode);
        }

        response.EnsureSuccessStatusCode();
        return await ReadAsync(response, FleetJsonContext.Default.JoinResponse, cancellation);
    }

    /// <summary>The one open request.</summary>
    public async Task<SyncOutcome> SyncAsync(Guid workerId, string credential, SyncRequest request, CancellationToken cancellation)
    {
        using var response = await PostAsync($"/v1/workers/{workerId}/sync", credential, request, FleetJsonContext.Default.SyncRequest, cancellation);
        switch (response.StatusCode)
        {
            case HttpStatusCode.Conflict:
                return new SyncOutcome.Fenced();
            case HttpStatusCode.BadRequest when request.HostsDigest is not null:
                return new SyncOutcome.NotUnderstood();
            case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound:
                return new SyncOutcome.NotKnown(response.StatusCode);
            default:
                response.EnsureSuccessStatusCode();
                return new SyncOutcome.Answered(await ReadAsync(response, FleetJsonContext.Default.SyncResponse, cancellation));
        }
    }

    /// <summary>Reports what keeps the worker from serving its hosts; false where the Api does not know such reports.</summary>
    public async Task<bool> ReportAsync(Guid workerId, string credential, WorkerConditions conditions, CancellationToken cancellation)
    {
        using var response = await PostAsync($"/v1/workers/{workerId}/conditions", credential, conditions, FleetJsonContext.Default.WorkerConditions, cancellation);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed)
        {
            return false;
        }

        response.EnsureSuccessStatusCode();
        return true;
    }

    /// <summary>Whether a host of this worker was up before. An Api of a former version does not say: then it was.</summary>
    public async Task<bool> WasUpAsync(Guid workerId, string credential, Guid hostId, CancellationToken cancellation)
    {
        using var message = new HttpRequestMessage(HttpMethod.Get, $"/v1/workers/{workerId}/hosts/{hostId}/media");
        message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", credential);
        using var response = await _http.SendAsync(message, cancellation);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return true;
        }

        response.EnsureSuccessStatusCode();
        return (await ReadAsync(response, FleetJsonContext.Default.HostMediaDto, cancellation)).Exist;
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Whatever stands between may answer too: anything but the document asked for is a failure of the way.</summary>
    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(cancellation), type)
                ?? throw new HttpRequestException("the answer is empty");
        }
        catch (JsonException malformed)
        {
            throw new HttpRequestException("the answer is not of this protocol", malformed);
        }
    }

    /// <summary>What a problem document says; null where the answer is none.</summary>
    private static async Task<string?> ReasonAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        try
        {
            using var problem = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellation));
            return problem.RootElement.TryGetProperty("detail", out var detail) ? detail.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Of a length that is said first: what comes in chunks keeps a pump of its own at the Api, for as long as the request waits.</summary>
    private static ByteArrayContent ContentOf<T>(T body, JsonTypeInfo<T> type) => new(JsonSerializer.SerializeToUtf8Bytes(body, type))
    {
        Headers = { ContentType = new MediaTypeHeaderValue("application/json", "utf-8") },
    };

    private static bool IsTransient(Outcome<HttpResponseMessage> outcome) =>
        outcome.Exception is HttpRequestException or TimeoutRejectedException
        || outcome.Result is { StatusCode: HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError };

    private async Task<HttpResponseMessage> PostAsync<T>(string path, string bearer, T body, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        await _pipeline.ExecuteAsync(
            async token =>
            {
                using var message = new HttpRequestMessage(HttpMethod.Post, path) { Content = ContentOf(body, type) };
                message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
                return await _http.SendAsync(message, token);
            },
            cancellation);
}
