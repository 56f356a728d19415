using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace PmemFleet.Chaos.Tests.Support;

/// <summary>The last answer of a request that was asked until it was answered.</summary>
/// <param name="Status">The HTTP status; of an operation that was accepted, 200 where it succeeded and 422 where it failed.</param>
/// <param name="Body">The resource, or the problem.</param>
/// <param name="Bytes">The body as it came.</param>
/// <param name="ETag">The resource's tag.</param>
/// <param name="InDoubt">A former attempt was not answered: it may have had its effect.</param>
/// <param name="Replayed">The answer was stored before.</param>
internal sealed record Answer(int Status, JsonNode? Body, byte[] Bytes, string? ETag, bool InDoubt, bool Replayed)
{
    public bool IsSuccess => Status is >= 200 and < 300;

    public string? Code => Status >= 400 ? (string?)Body?["code"] : null;

    public override string ToString() => $"{Status} {Encoding.UTF8.GetString(Bytes)}";
}

/// <summary>
/// A client as the documentation tells people to write one: each POST carries an Idempotency-Key, whatever was not answered and whatever may be
/// asked again is asked again with the same key, an accepted operation is followed to its end. Anything but that is a finding.
/// </summary>
internal sealed class PatientClient(HttpClient http)
{
    private static readonly TimeSpan Attempt = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private int _retries;

    /// <summary>Between two attempts, and between two looks at an operation.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>Attempts that were not answered, or answered "again".</summary>
    public int Retries => _retries;

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null, null, null);

    /// <summary>Sends the last POST again, with its key; what it said then, and what it says now.</summary>
    public Func<Task<(Answer Then, Answer Now)>>? RepeatLastPost { get; set; }

    public async Task<Answer> PostAsync(string path, JsonNode? body, string key, string? etag = null)
    {
        var content = body is null ? null : JsonBody(body);
        var then = await SendAsync(HttpMethod.Post, path, content, key, etag);
        RepeatLastPost = async () => (then, await SendAsync(HttpMethod.Post, path, content, key, etag));
        return then;
    }

    public Task<Answer> PutAsync(string path, byte[] bytes, string etag) => SendAsync(HttpMethod.Put, path, Octets(bytes), null, etag);

    public Task<Answer> DeleteAsync(string path, string etag) => SendAsync(HttpMethod.Delete, path, null, null, etag);

    /// <summary>All items of a list, over its pages.</summary>
    public async Task<List<JsonNode>> ListAsync(string path)
    {
        var items = new List<JsonNode>();
        string? cursor = null;
        do
        {
            var page = await GetAsync($"{path}?limit=1000{(cursor is null ? string.Empty : $"&cursor={Uri.EscapeDataString(cursor)}")}");
            Assert.True(page.IsSuccess, $"GET {path}: {page}");
            items.AddRange(page.Body!["items"]!.AsArray()!);
            cursor = (string?)page.Body["nextCursor"];
        }
        while (cursor is not null);
        return items;
    }

    private static Func<HttpContent> JsonBody(JsonNode body)
    {
        var text = body.ToJsonString();
        return () => new StringContent(text, Encoding.UTF8, "application/json");
    }

    private static Func<HttpContent> Octets(byte[] bytes) => () => new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };

    private async Task<Answer> SendAsync(HttpMethod method, string path, Func<HttpContent>? content, string? key, string? etag)
    {
        using var patience = new CancellationTokenSource(Patience);
        var inDoubt = false;
        string? last = null;
        while (true)
        {
            Assert.False(patience.IsCancellationRequested, $"{method} {path} was not answered within {Patience.TotalSeconds:F0} s; last: {last}");
            try
            {
                var answer = await OnceAsync(method, path, content?.Invoke(), key, etag, inDoubt);
                Assert.True(answer.Status != 500, $"{method} {path}: {answer}");
                if (answer.Status == 202)
                {
                    return await FollowAsync(answer, patience.Token);
                }

                if (answer.Status is not (502 or 503 or 429) && answer.Code is not ("idempotency-in-flight" or "fenced" or "bind-pending"))
                {
                    return answer;
                }

                last = answer.ToString();
                inDoubt |= answer.Status is 502 or 503;
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException or OperationCanceledException)
            {
                last = broken.Message;
                inDoubt = true;
            }

            Interlocked.Increment(ref _retries);
            await Task.Delay(Pause);
        }
    }

    private async Task<Answer> OnceAsync(HttpMethod method, string path, HttpContent? content, string? key, string? etag, bool inDoubt)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        if (etag is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", etag);
        }

        using var limit = new CancellationTokenSource(Attempt);
        using var response = await http.SendAsync(request, limit.Token);
        var bytes = await response.Content.ReadAsByteArrayAsync(limit.Token);
        var isJson = response.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json";
        if (response.StatusCode == HttpStatusCode.Accepted && response.Headers.Location is null)
        {
            Assert.Fail($"{method} {path}: 202 without a Location");
        }

        var body = isJson && bytes.Length > 0 ? JsonNode.Parse(bytes) : null;
        if (response.StatusCode == HttpStatusCode.Accepted)
        {
            body = new JsonObject { ["location"] = response.Headers.Location!.ToString() };
        }

        return new Answer((int)response.StatusCode, body, bytes, response.Headers.ETag?.ToString(), inDoubt, response.Headers.Contains("Idempotency-Replayed"));
    }

    private async Task<Answer> FollowAsync(Answer accepted, CancellationToken patience)
    {
        var location = (string)accepted.Body!["location"]!;
        while (true)
        {
            Assert.False(patience.IsCancellationRequested, $"{location} did not end within {Patience.TotalSeconds:F0} s");
            var operation = await SendAsync(HttpMethod.Get, location, null, null, null);
            Assert.True(operation.IsSuccess, $"{location}: {operation}");
            switch ((string)operation.Body!["state"]!)
            {
                case "succeeded":
                    return accepted with { Status = 200, Body = operation.Body["result"]?.DeepClone(), Bytes = operation.Bytes };
                case "failed":
                    return accepted with { Status = 422, Body = operation.Body["refusal"]!.DeepClone(), Bytes = operation.Bytes };
                case "cancelled":
                    return accepted with { Status = 410, Body = operation.Body.DeepClone(), Bytes = operation.Bytes };
            }

            await Task.Delay(Pause, CancellationToken.None);
        }
    }
}
