using System.Net;
using System.Text;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Tests.Support;

/// <summary>The API as a caller uses it: every answer's status is said, and a wrong one shows the body.</summary>
public static class FleetClient
{
    public static async Task<T> GetAsync<T>(this HttpClient client, string path) =>
        await (await client.GetAsync(new Uri(path, UriKind.Relative))).ExpectAsync<T>(HttpStatusCode.OK);

    public static async Task<T> PostAsync<T>(this HttpClient client, string path, string json, HttpStatusCode status = HttpStatusCode.OK) =>
        await (await client.SendJsonAsync(HttpMethod.Post, path, json)).ExpectAsync<T>(status);

    public static async Task<T> PatchAsync<T>(this HttpClient client, string path, string json) =>
        await (await client.SendJsonAsync(HttpMethod.Patch, path, json)).ExpectAsync<T>(HttpStatusCode.OK);

    public static async Task<ProblemDto> RefusedAsync(this HttpClient client, HttpMethod method, string path, string? json, HttpStatusCode status)
    {
        var response = await client.SendJsonAsync(method, path, json, "*");
        Assert.True(status == response.StatusCode, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return await response.ReadProblemAsync();
    }

    public static async Task RemoveAsync(this HttpClient client, string path, string ifMatch = "*", HttpStatusCode status = HttpStatusCode.NoContent)
    {
        var response = await client.SendJsonAsync(HttpMethod.Delete, path, null, ifMatch);
        Assert.True(status == response.StatusCode, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    public static async Task<HttpResponseMessage> SendJsonAsync(this HttpClient client, HttpMethod method, string path, string? json, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Prefer", "wait=30");
        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }

        return await client.SendAsync(request);
    }

    public static async Task<HttpResponseMessage> PutBytesAsync(this HttpClient client, string path, byte[] bytes, string ifMatch = "*")
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, path) { Content = new ByteArrayContent(bytes) };
        request.Content.Headers.ContentType = new("application/octet-stream");
        request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        return await client.SendAsync(request);
    }

    /// <summary>Creates a host and waits until a worker has booted it.</summary>
    public static async Task<HostDto> CreateReadyHostAsync(this HttpClient client, string json)
    {
        var created = await client.PostAsync<HostDto>("/v1/hosts", json, HttpStatusCode.Created);
        await client.UntilReadyAsync(created.Name);
        return await client.GetAsync<HostDto>($"/v1/hosts/{created.Name}");
    }

    public static Task UntilReadyAsync(this HttpClient client, string host) =>
        Eventually.Async(async () => (await client.GetAsync<HostDto>($"/v1/hosts/{host}")).State == "ready", TimeSpan.FromSeconds(20));

    public static async Task<T> ExpectAsync<T>(this HttpResponseMessage response, HttpStatusCode status)
    {
        Assert.True(status == response.StatusCode, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return await response.ReadAsync<T>();
    }
}
