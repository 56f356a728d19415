using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace PmemFleet.Lab.Scenarios;

/// <summary>An answer of the Api.</summary>
internal sealed record ScenarioAnswer(int Status, JsonNode? Document);

/// <summary>Requests as a patient client makes them: an accepted operation is followed to its end, and EAGAIN is asked again.</summary>
internal sealed class ScenarioClient(HttpClient http, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    public async Task<ScenarioAnswer> SendAsync(HttpMethod method, string path, JsonNode? body, byte[]? bytes, CancellationToken cancellation)
    {
        var key = Guid.NewGuid().ToString("N");
        var start = time.GetTimestamp();
        while (true)
        {
            using var request = new HttpRequestMessage(method, path);
            if (method == HttpMethod.Post)
            {
                request.Headers.Add("Idempotency-Key", key);
            }

            if (method != HttpMethod.Get)
            {
                request.Headers.Add("Prefer", "wait=20");
            }

            if (method == HttpMethod.Put || method == HttpMethod.Delete)
            {
                request.Headers.TryAddWithoutValidation("If-Match", "*");
            }

            if (bytes is not null || body is not null)
            {
                request.Content = new ByteArrayContent(bytes ?? Encoding.UTF8.GetBytes(body!.ToJsonString()));
                request.Content.Headers.ContentType = new MediaTypeHeaderValue(bytes is null ? "application/json" : "application/octet-stream");
            }

            using var response = await http.SendAsync(request, cancellation);
            if (response.StatusCode == HttpStatusCode.Accepted && response.Headers.Location is { } operation)
            {
                return await FollowAsync(operation.ToString(), start, cancellation);
            }

            var document = await ReadAsync(response, cancellation);
            if (response.StatusCode != HttpStatusCode.ServiceUnavailable || time.GetElapsedTime(start) > Patience)
            {
                return new ScenarioAnswer((int)response.StatusCode, document);
            }

            await Task.Delay(Pause, time, cancellation);
        }
    }

    /// <summary>An operation to its end: its result, or its refusal with status 422.</summary>
    public async Task<ScenarioAnswer> FollowAsync(string operation, long start, CancellationToken cancellation)
    {
        while (true)
        {
            var seen = (await SendAsync(HttpMethod.Get, operation, null, null, cancellation)).Document;
            if ((string?)seen?["state"] is not ("pending" or "running") || time.GetElapsedTime(start) > Patience)
            {
                return (string?)seen?["state"] == "succeeded"
                    ? new ScenarioAnswer(200, seen["result"]?.DeepClone())
                    : new ScenarioAnswer(422, seen?["refusal"]?.DeepClone() ?? seen);
            }

            await Task.Delay(Pause, time, cancellation);
        }
    }

    private static async Task<JsonNode?> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var type = response.Content.Headers.ContentType?.MediaType;
        if (type is null || !type.EndsWith("json", StringComparison.Ordinal))
        {
            return JsonValue.Create(response.Content.Headers.ContentLength ?? 0);
        }

        var bytes = await response.Content.ReadAsByteArrayAsync(cancellation);
        return bytes.Length == 0 ? null : JsonNode.Parse(bytes);
    }
}
