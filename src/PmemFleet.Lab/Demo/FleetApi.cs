using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Lab.Demo;

/// <summary>
/// The public REST API as a patient client uses it: each POST carries an Idempotency-Key, an accepted operation is followed to
/// its end, and EAGAIN (a host whose worker is being restarted) is asked again.
/// </summary>
internal sealed class FleetApi(HttpClient http, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private static FleetJsonContext Json => FleetJsonContext.Default;

    /// <summary>Reads a resource.</summary>
    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        await ReadAsync(await SendAsync(HttpMethod.Get, path, null, null, cancellation), type, cancellation);

    /// <summary>Reads a document as it is.</summary>
    public async Task<JsonNode> GetNodeAsync(string path, CancellationToken cancellation)
    {
        using var response = await SendAsync(HttpMethod.Get, path, null, null, cancellation);
        return await JsonNode.ParseAsync(await response.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation)
            ?? throw new TourException($"GET {path} gave no document");
    }

    /// <summary>Makes or changes something and gives the resource as it is afterwards.</summary>
    public async Task<T> SendAsync<TBody, T>(
        HttpMethod method, string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(body, bodyType);
        using var response = await SendAsync(method, path, bytes, "application/json", cancellation);
        return await SettleAsync(response, type, cancellation);
    }

    /// <summary>Does something that takes no body and gives the resource as it is afterwards.</summary>
    public async Task<T> PostAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        using var response = await SendAsync(HttpMethod.Post, path, null, null, cancellation);
        return await SettleAsync(response, type, cancellation);
    }

    /// <summary>Does something whose answer does not matter beyond its success.</summary>
    public async Task DoAsync(HttpMethod method, string path, byte[]? body, string? mediaType, CancellationToken cancellation)
    {
        using var response = await SendAsync(method, path, body, mediaType, cancellation);
        if (response.StatusCode == HttpStatusCode.Accepted)
        {
            await FollowAsync(response, cancellation);
        }
    }

    /// <summary>Writes bytes and gives the answer.</summary>
    public async Task<T> SendBytesAsync<T>(string path, byte[] body, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        using var response = await SendAsync(HttpMethod.Put, path, body, "application/octet-stream", cancellation);
        return await ReadAsync(response, type, cancellation);
    }

    /// <summary>Does something and waits for its end, with a JSON body.</summary>
    public Task DoAsync<TBody>(HttpMethod method, string path, TBody body, JsonTypeInfo<TBody> bodyType, CancellationToken cancellation) =>
        DoAsync(method, path, JsonSerializer.SerializeToUtf8Bytes(body, bodyType), "application/json", cancellation);

    /// <summary>Does something that is to be refused, and gives the refusal.</summary>
    public async Task<ProblemDto> RefusedAsync<TBody>(string path, TBody body, JsonTypeInfo<TBody> bodyType, CancellationToken cancellation)
    {
        try
        {
            await DoAsync(HttpMethod.Post, path, body, bodyType, cancellation);
        }
        catch (TourException refusal) when (refusal.Problem is not null)
        {
            return refusal.Problem;
        }

        throw new TourException($"POST {path} was not refused, but has to be");
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, byte[]? body, string? mediaType, CancellationToken cancellation)
    {
        var key = Guid.NewGuid().ToString("N");
        var start = time.GetTimestamp();
        while (true)
        {
            using var request = new HttpRequestMessage(method, path);
            if (method != HttpMethod.Get)
            {
                request.Headers.Add("Prefer", "wait=20");
                request.Headers.Add("Idempotency-Key", key);
                if (method != HttpMethod.Post)
                {
                    request.Headers.TryAddWithoutValidation("If-Match", "*");
                }
            }

            if (body is not null)
            {
                request.Content = new ByteArrayContent(body);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue(mediaType!);
            }

            var response = await http.SendAsync(request, cancellation);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            var problem = await ProblemAsync(response, cancellation);
            var again = response.StatusCode == HttpStatusCode.ServiceUnavailable
                || (response.StatusCode == HttpStatusCode.Conflict && problem.Code is "idempotency-in-flight" or "fenced");
            response.Dispose();
            if (!again || time.GetElapsedTime(start) > Patience)
            {
                throw new TourException($"{method} {path}: {problem.Errno} {problem.Code}: {problem.Detail}") { Problem = problem };
            }

            await Task.Delay(Pause, time, cancellation);
        }
    }

    private async Task<T> SettleAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        if (response.StatusCode != HttpStatusCode.Accepted)
        {
            return await ReadAsync(response, type, cancellation);
        }

        var operation = await FollowAsync(response, cancellation);
        return operation.ResourceLocation is { } location
            ? await GetAsync(location, type, cancellation)
            : (operation.Result ?? throw new TourException($"operation {operation.Kind} gave no result")).Deserialize(type)!;
    }

    private async Task<OperationDto> FollowAsync(HttpResponseMessage accepted, CancellationToken cancellation)
    {
        var location = accepted.Headers.Location?.ToString() ?? throw new TourException("202 without a Location");
        var start = time.GetTimestamp();
        while (true)
        {
            var operation = await GetAsync(location, Json.OperationDto, cancellation);
            switch (operation.State)
            {
                case "succeeded":
                    return operation;
                case "failed" or "cancelled":
                    throw new TourException(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{operation.Kind} {operation.Subject} {operation.State}: {operation.Refusal?.Errno} {operation.Refusal?.Message}"));
            }

            if (time.GetElapsedTime(start) > Patience)
            {
                throw new TourException($"{operation.Kind} {operation.Subject} did not end in {Patience.TotalSeconds:F0} s");
            }

            await Task.Delay(Pause, time, cancellation);
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        using (response)
        {
            return await JsonSerializer.DeserializeAsync(await response.Content.ReadAsStreamAsync(cancellation), type, cancellation)
                ?? throw new TourException("an empty answer");
        }
    }

    private static async Task<ProblemDto> ProblemAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var text = await response.Content.ReadAsStringAsync(cancellation);
        try
        {
            if (JsonSerializer.Deserialize(text, Json.ProblemDto) is { } problem)
            {
                return problem;
            }
        }
        catch (JsonException)
        {
            // a proxy's or a broken server's answer: shown as it is
        }

        return new ProblemDto
        {
            Type = "about:blank",
            Title = response.ReasonPhrase ?? "?",
            Status = (int)response.StatusCode,
            Code = "no-problem-document",
            Errno = "EIO",
            Detail = text,
        };
    }
}
