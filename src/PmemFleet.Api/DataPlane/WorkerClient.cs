using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace PmemFleet.Api.DataPlane;

/// <summary>
/// Passes data-plane requests to the worker that holds a host. Every request carries the epoch the Api knows; the pipeline
/// (<see cref="WorkerPipeline"/>) repeats only what may be repeated. A worker that cannot be asked is a refusal, not an exception.
/// </summary>
public sealed class WorkerClient(HttpClient http)
{
    /// <summary>Bytes of an upload in memory at a time.</summary>
    private const int UploadPiece = 256 << 10;

    private const int LongestTag = 64;

    /// <summary>A request with a JSON body or none, answered by <see cref="DataPlaneReply{T}"/>.</summary>
    public Task<WorkerAnswer<T>> SendAsync<T>(
        WorkerTarget target, HttpMethod method, string path, object? body, RequestConditions? conditions, CancellationToken cancellationToken)
        where T : class
    {
        var content = body is null ? null : new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), FleetJsonContext.Default));
        if (content is not null)
        {
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        return ReplyAsync<T>(target, NewRequest(target, method, path, content, conditions), cancellationToken);
    }

    /// <summary>Bytes up, as they come from the caller.</summary>
    public Task<WorkerAnswer<T>> UploadAsync<T>(
        WorkerTarget target, string path, Stream bytes, long length, TimeSpan timeout, CancellationToken cancellationToken)
        where T : class
    {
        var content = new StreamContent(bytes, UploadPiece);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        content.Headers.ContentLength = length;
        var request = NewRequest(target, HttpMethod.Put, path, content, null);
        request.Options.Set(WorkerPipeline.Timeout, timeout);
        return ReplyAsync<T>(target, request, cancellationToken);
    }

    /// <summary>Bytes down: the value is the open response, which the caller disposes.</summary>
    public Task<WorkerAnswer<HttpResponseMessage>> DownloadAsync(WorkerTarget target, string path, CancellationToken cancellationToken) =>
        TryAsync(target, async () =>
        {
            using var request = NewRequest(target, HttpMethod.Get, path, null, null);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                using (response)
                {
                    return await RefusedAsync<HttpResponseMessage>(target, response, cancellationToken);
                }
            }

            return new WorkerAnswer<HttpResponseMessage> { Value = response, Observations = Own(target, ObservationsOf(response)) };
        });

    /// <summary>Text down.</summary>
    public async Task<WorkerAnswer<string>> ReadTextAsync(WorkerTarget target, string path, CancellationToken cancellationToken)
    {
        var answer = await DownloadAsync(target, path, cancellationToken);
        if (answer.Value is not { } response)
        {
            return new WorkerAnswer<string> { Refusal = answer.Refusal, Status = answer.Status };
        }

        using (response)
        {
            return new WorkerAnswer<string> { Value = await response.Content.ReadAsStringAsync(cancellationToken) };
        }
    }

    private static WorkerAnswer<T> Refused<T>(RefusalDto refusal)
        where T : class => new() { Refusal = refusal };

    private static HttpRequestMessage NewRequest(WorkerTarget target, HttpMethod method, string path, HttpContent? content, RequestConditions? conditions)
    {
        var request = new HttpRequestMessage(method, target.UriOf(path)) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", target.Credential);
        request.Headers.Add(DataPlaneRoutes.EpochHeader, target.Epoch.ToString(null, null));
        if (conditions?.IdempotencyKey is { } key)
        {
            request.Headers.TryAddWithoutValidation(DataPlaneRoutes.IdempotencyHeader, key);
        }

        if (conditions?.IfMatch is { } tag)
        {
            request.Headers.TryAddWithoutValidation("If-Match", tag);
        }

        return request;
    }

    private Task<WorkerAnswer<T>> ReplyAsync<T>(WorkerTarget target, HttpRequestMessage request, CancellationToken cancellationToken)
        where T : class =>
        TryAsync(target, async () =>
        {
            using (request)
            {
                using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
                if (!response.IsSuccessStatusCode)
                {
                    return await RefusedAsync<T>(target, response, cancellationToken);
                }

                // a success that has nothing of what was asked for is none: nobody knows what was done
                var reply = await ReadAsync<T>(response, cancellationToken);
                return reply is null || (reply.Value is null && reply.Refusal is null && typeof(T) != typeof(Acknowledged))
                    ? Refused<T>(WorkerRefusals.Unreachable(target, "its answer is not of this protocol"))
                    : new WorkerAnswer<T>
                    {
                        Value = reply.Value,
                        Refusal = reply.Refusal,
                        Observations = Own(target, reply.Observations),
                        Etag = EtagOf(response),
                        Replayed = response.Headers.Contains(DataPlaneRoutes.ReplayedHeader),
                    };
            }
        });

    private static async Task<WorkerAnswer<T>> TryAsync<T>(WorkerTarget target, Func<Task<WorkerAnswer<T>>> send)
        where T : class
    {
        try
        {
            return await send();
        }
        catch (BrokenCircuitException)
        {
            return Refused<T>(WorkerRefusals.Unreachable(target, "it failed too often just now"));
        }
        catch (TimeoutRejectedException)
        {
            return Refused<T>(WorkerRefusals.Unreachable(target, "it took too long"));
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            return Refused<T>(WorkerRefusals.Unreachable(target, failure.Message));
        }
    }

    private static async Task<WorkerAnswer<T>> RefusedAsync<T>(WorkerTarget target, HttpResponseMessage response, CancellationToken cancellationToken)
        where T : class
    {
        var reply = await ReadAsync<Acknowledged>(response, cancellationToken);
        if (reply?.Refusal is not { Errno: not null, Code: not null, Message: not null } refusal)
        {
            return Refused<T>(WorkerRefusals.Unreachable(target, $"it answered {(int)response.StatusCode}"));
        }

        // the worker or this replica is behind on who holds the host; the next look at the rows settles it
        return refusal.Code == "fenced"
            ? Refused<T>(WorkerRefusals.HostNotReady(target.HostName, "it is moving to another worker"))
            : new WorkerAnswer<T> { Refusal = refusal, Status = StatusOf(response), Observations = Own(target, reply.Observations) };
    }

    private static async Task<DataPlaneReply<T>?> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
        where T : class
    {
        if (response.Content.Headers.ContentType?.MediaType is not ("application/json" or "application/problem+json"))
        {
            return null;
        }

        var type = (JsonTypeInfo<DataPlaneReply<T>>)FleetJsonContext.Default.GetTypeInfo(typeof(DataPlaneReply<T>))!;
        try
        {
            return await JsonSerializer.DeserializeAsync(await response.Content.ReadAsStreamAsync(cancellationToken), type, cancellationToken);
        }
        catch (JsonException malformed)
        {
            throw new HttpRequestException("its answer is not of this protocol", malformed);
        }
    }

    /// <summary>A strong tag of visible ASCII; anything else is none.</summary>
    private static string? EtagOf(HttpResponseMessage response) =>
        response.Headers.ETag is { IsWeak: false, Tag: { Length: <= LongestTag } tag } && tag.All(c => c is >= '!' and <= '~') ? tag : null;

    /// <summary>A worker's failure is its own: only what it refuses is passed on as it says.</summary>
    private static int? StatusOf(HttpResponseMessage response) => (int)response.StatusCode is >= 400 and < 500 and var status ? status : null;

    /// <summary>What it saw of the host it was asked about, under the epoch it was asked under; of any other it is not believed.</summary>
    private static IReadOnlyList<DimmObservation> Own(WorkerTarget target, IReadOnlyList<DimmObservation?>? seen) =>
        [.. (seen ?? []).OfType<DimmObservation>().Where(dimm => dimm.HostId == target.HostId && dimm.Epoch == target.Epoch)];

    private static IReadOnlyList<DimmObservation> ObservationsOf(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues(DataPlaneRoutes.ObservationsHeader, out var values))
        {
            return [];
        }

        try
        {
            return JsonSerializer.Deserialize(Convert.FromBase64String(values.First()), FleetJsonContext.Default.IReadOnlyListDimmObservation) ?? [];
        }
        catch (Exception malformed) when (malformed is FormatException or JsonException)
        {
            response.Dispose();
            throw new HttpRequestException("its answer is not of this protocol", malformed);
        }
    }
}
