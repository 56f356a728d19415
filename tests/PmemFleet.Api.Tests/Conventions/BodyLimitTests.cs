using System.Net;
using System.Text.Json.Nodes;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Conventions;

/// <summary>Each route takes as many bytes as it needs, announced or chunked, and says so.</summary>
public sealed class BodyLimitTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Json = "application/json";
    private const string Bytes = "application/octet-stream";

    [Theory]
    [InlineData("POST", "/v1/hosts", Json, 1 << 20)]
    [InlineData("PATCH", "/v1/hosts/none", Json, 1 << 20)]
    [InlineData("POST", "/v1/hosts/none/processes", Json, 1 << 20)]
    [InlineData("POST", "/v1/hosts/none/processes/1/accesses", Json, 24 << 20)]
    [InlineData("PUT", "/v1/fleet", Json, 64 << 20)]
    [InlineData("PUT", "/v1/fleet", "application/yaml", 64 << 20)]
    [InlineData("PUT", "/v1/hosts/none/namespaces/namespace0.0/data", Bytes, 16 << 20)]
    [InlineData("PUT", "/v1/hosts/none/dimms/nmem0/label-area", Bytes, 16 << 20)]
    public async Task Body_OneByteMore_Is413WithTheLimitAndTheLastByteIsTaken(string method, string path, string type, int limit)
    {
        foreach (var chunked in (bool[])[false, true])
        {
            using var refused = await SendAsync(method, path, type, limit + 1, chunked);
            if (chunked && path.EndsWith("/data", StringComparison.Ordinal))
            {
                Assert.Equal(HttpStatusCode.LengthRequired, refused.StatusCode);
                continue;
            }

            var problem = await refused.ReadProblemAsync();
            Assert.Equal((413, "body-too-large", "EFBIG", $"{limit}"), (problem.Status, problem.Code, problem.Errno, problem.Numbers!["limit"]));
        }

        using var taken = await SendAsync(method, path, type, limit, chunked: false);
        Assert.True(taken.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotFound or HttpStatusCode.UnprocessableEntity, $"{taken.StatusCode}");
    }

    [Fact]
    public async Task Body_OfNobody_IsNotCounted()
    {
        using var stranger = api.Client("pmf_nobody_0123456789abcdef0123456789ab");
        using var request = Request("POST", "/v1/hosts", Json, 2 << 20, chunked: false);
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task Document_EachRequestWithABody_TellsTheLimit()
    {
        var document = JsonNode.Parse(await api.Admin.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative)))!;
        var silent = from path in document["paths"]!.AsObject()
                     from method in path.Value!.AsObject()
                     where method.Value is JsonObject operation && operation["requestBody"] is not null && operation["responses"]!["413"] is null
                     select $"{method.Key} {path.Key}";
        Assert.Equal(["put /v1/hosts/{host}/dimms/{dimm}/image"], silent);
    }

    private async Task<HttpResponseMessage> SendAsync(string method, string path, string type, int bytes, bool chunked)
    {
        using var request = Request(method, path, type, bytes, chunked);
        return await api.Admin.SendAsync(request);
    }

    private static HttpRequestMessage Request(string method, string path, string type, int bytes, bool chunked)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new ByteArrayContent(new byte[bytes]) };
        request.Content.Headers.ContentType = new(type);
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        request.Headers.TransferEncodingChunked = chunked;

        // a refusal that needs no body comes before it is sent
        request.Headers.ExpectContinue = !chunked;
        return request;
    }
}
