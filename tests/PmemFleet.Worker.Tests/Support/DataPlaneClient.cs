using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Worker.Tests.Support;

/// <summary>A reply of the data plane.</summary>
internal sealed record Reply<T>(int Status, T? Value, RefusalDto? Refusal, int ObservationCount)
    where T : class
{
    public bool IsReplayed { get; init; }

    public string? Etag { get; init; }

    /// <summary>Status and rule, for assertions.</summary>
    public (int Status, string? Errno, string? Code) Refused => (Status, Refusal?.Errno, Refusal?.Code);
}

/// <summary>Speaks to a worker as the Api does.</summary>
internal sealed class DataPlaneClient(Uri worker, ScriptedHost host)
{
    private static readonly HttpClient Http = new();

    public string Credential { get; init; } = ScriptedFleetApi.DataPlaneCredential;

    /// <summary>The epoch it claims; null: the host's.</summary>
    public long? Epoch { get; init; }

    public string? IdempotencyKey { get; init; }

    public string? IfMatch { get; init; }

    public Task<Reply<T>> GetAsync<T>(string path)
        where T : class => SendAsync<T>(HttpMethod.Get, path, null);

    public Task<Reply<T>> PostAsync<T>(string path, object? body = null)
        where T : class => SendAsync<T>(HttpMethod.Post, path, body is null ? null : Document(body));

    public Task<Reply<Acknowledged>> DeleteAsync(string path) => SendAsync<Acknowledged>(HttpMethod.Delete, path, null);

    public Task<Reply<T>> PatchAsync<T>(string path, object body)
        where T : class => SendAsync<T>(HttpMethod.Patch, path, Document(body));

    public Task<Reply<T>> PutAsync<T>(string path, byte[] bytes)
        where T : class => SendAsync<T>(HttpMethod.Put, path, new ByteArrayContent(bytes));

    public async Task<Reply<T>> SendAsync<T>(HttpMethod method, string path, HttpContent? content)
        where T : class
    {
        using var response = await RawAsync(method, path, content);
        var type = (JsonTypeInfo<DataPlaneReply<T>>)FleetJsonContext.Default.GetTypeInfo(typeof(DataPlaneReply<T>))!;
        var bytes = await response.Content.ReadAsByteArrayAsync();
        var reply = bytes.Length == 0 ? null : JsonSerializer.Deserialize(bytes, type);
        return new Reply<T>((int)response.StatusCode, reply?.Value, reply?.Refusal, reply?.Observations.Count ?? 0)
        {
            Etag = response.Headers.ETag?.ToString(),
            IsReplayed = response.Headers.Contains(DataPlaneRoutes.ReplayedHeader),
        };
    }

    public async Task<HttpResponseMessage> RawAsync(HttpMethod method, string path, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(worker, $"/v1/hosts/{host.Id}/{path}")) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Credential);
        request.Headers.Add(DataPlaneRoutes.EpochHeader, $"{Epoch ?? host.Epoch}");
        if (IdempotencyKey is not null)
        {
            request.Headers.Add(DataPlaneRoutes.IdempotencyHeader, IdempotencyKey);
        }

        if (IfMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", IfMatch);
        }

        return await Http.SendAsync(request);
    }

    /// <summary>Bytes of a namespace.</summary>
    public async Task<byte[]> ReadAsync(long offset, long length)
    {
        using var response = await RawAsync(HttpMethod.Get, $"namespaces/namespace0.0/data?offset={offset}&length={length}");
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return await response.Content.ReadAsByteArrayAsync();
    }

    public static ByteArrayContent Document(object body)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), FleetJsonContext.Default));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }
}
