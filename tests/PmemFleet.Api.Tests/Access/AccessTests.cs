using System.Net;
using System.Net.Http.Json;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Access;
using PmemFleet.Contracts.Lists;

namespace PmemFleet.Api.Tests.Access;

public sealed class AccessTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string NoOperation = "/v1/operations/0198c0de-0000-7000-8000-000000000000";

    /// <summary>Who may do what: the status of each role at each endpoint. 404, 400 and 428 are answers of an endpoint that let the caller in.</summary>
    [Theory]
    [InlineData("GET", "/v1/operations", 401, 200, 200, 200, 403, 403)]
    [InlineData("GET", NoOperation, 401, 404, 404, 404, 403, 403)]
    [InlineData("POST", NoOperation + "/cancel", 401, 403, 404, 404, 403, 403)]
    [InlineData("GET", "/v1/events", 401, 200, 200, 200, 403, 403)]
    [InlineData("GET", "/v1/workers", 401, 403, 403, 200, 403, 403)]
    [InlineData("GET", "/v1/api-keys", 401, 403, 403, 200, 403, 403)]
    [InlineData("POST", "/v1/api-keys", 401, 403, 403, 415, 403, 403)]
    [InlineData("DELETE", "/v1/api-keys/0198c0de-0000-7000-8000-000000000000", 401, 403, 403, 428, 403, 403)]
    [InlineData("POST", "/v1/workers/join", 401, 403, 403, 403, 403, 415)]
    [InlineData("POST", "/v1/workers/access-test/sync", 401, 403, 403, 403, 415, 403)]
    [InlineData("POST", "/v1/workers/someone-else/sync", 401, 403, 403, 403, 403, 403)]
    [InlineData("GET", "/metrics", 401, 200, 200, 200, 403, 403)]
    [InlineData("GET", "/livez", 200, 200, 200, 200, 200, 200)]
    [InlineData("GET", "/readyz", 200, 200, 200, 200, 200, 200)]
    [InlineData("GET", "/v1/nothing", 401, 404, 404, 404, 403, 403)]
    public async Task Endpoint_EachCaller_IsLetInOrNot(string method, string path, params int[] expected)
    {
        string?[] bearers =
        [
            null, await api.CreateKeyAsync("viewer"), await api.CreateKeyAsync("operator"), ApiFixture.AdminKey,
            (await ScriptedWorker.JoinAsync(api, "access-test")).Credential, ApiFixture.JoinToken,
        ];
        var statuses = new List<int>();
        foreach (var bearer in bearers)
        {
            var response = await api.Client(bearer).SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
            statuses.Add((int)response.StatusCode);
            if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            {
                await response.ReadProblemAsync();
            }
        }

        Assert.Equal(expected, statuses);
    }

    [Theory]
    [InlineData("pmf_00000000_0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("pmw_0.0.0.0")]
    [InlineData("pmw_")]
    [InlineData("a.b.c")]
    [InlineData("join-token-for-tests-onlx")]
    public async Task Bearer_Unknown_Is401(string bearer) =>
        Assert.Equal("unauthenticated", (await (await api.Client(bearer).GetAsync("/v1/operations")).ReadProblemAsync()).Code);

    [Fact]
    public async Task Key_Revoked_StopsAtOnceOnEveryReplica()
    {
        var other = await api.StartReplicaAsync();
        var created = await (await api.Admin.PostAsJsonAsync("/v1/api-keys", new { name = "short-lived", role = "viewer" })).ReadAsync<ApiKeyDto>();
        Assert.Equal(HttpStatusCode.OK, (await api.Client(created.Key).GetAsync("/v1/operations")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await api.Client(created.Key, other).GetAsync("/v1/operations")).StatusCode);

        using var revoke = new HttpRequestMessage(HttpMethod.Delete, $"/v1/api-keys/{created.Id}");
        revoke.Headers.TryAddWithoutValidation("If-Match", "*");
        Assert.Equal(HttpStatusCode.NoContent, (await api.Admin.SendAsync(revoke)).StatusCode);

        await Eventually.Async(async () => (await api.Client(created.Key).GetAsync("/v1/operations")).StatusCode == HttpStatusCode.Unauthorized, TimeSpan.FromSeconds(2));
        await Eventually.Async(async () => (await api.Client(created.Key, other).GetAsync("/v1/operations")).StatusCode == HttpStatusCode.Unauthorized, TimeSpan.FromSeconds(2));
        Assert.NotNull((await (await api.Admin.GetAsync($"/v1/api-keys/{created.Id}")).ReadAsync<ApiKeyDto>()).RevokedAt);
    }

    [Fact]
    public async Task Key_Expired_StopsAlthoughItIsRemembered()
    {
        var created = await (await api.Admin.PostAsJsonAsync(
            "/v1/api-keys", new { name = "brief", role = "viewer", expiresAt = TimeProvider.System.GetUtcNow().AddSeconds(1) })).ReadAsync<ApiKeyDto>();
        Assert.Equal(HttpStatusCode.OK, (await api.Client(created.Key).GetAsync("/v1/operations")).StatusCode);
        await Eventually.Async(async () => (await api.Client(created.Key).GetAsync("/v1/operations")).StatusCode == HttpStatusCode.Unauthorized, TimeSpan.FromSeconds(3));
    }

    [Fact]
    public async Task Key_Secret_IsShownOnceAndStoredNowhere()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/api-keys") { Content = JsonContent.Create(new { name = "secret", role = "viewer" }) };
        request.Headers.Add("Idempotency-Key", "the-secret-one");
        var key = (await (await api.Admin.SendAsync(request)).ReadAsync<ApiKeyDto>()).Key!;
        Assert.StartsWith("pmf_", key, StringComparison.Ordinal);
        await using var connection = await api.ConnectAsync();
        foreach (var table in new[] { "api_keys", "events", "idempotency_keys" })
        {
            await using var command = new Npgsql.NpgsqlCommand(
                $"SELECT count(*) FROM {table} t WHERE t::text LIKE '%' || $1 || '%' OR t::text LIKE '%' || encode($1::bytea, 'hex') || '%'", connection);
            command.Parameters.Add(new() { Value = key });
            Assert.Equal(0L, await command.ExecuteScalarAsync());
        }
    }

    [Fact]
    public async Task Keys_Listed_PageByPage_AllOnceAndWithoutSecrets()
    {
        for (var i = 0; i < 5; i++)
        {
            await api.CreateKeyAsync("viewer");
        }

        var all = (await (await api.Admin.GetAsync("/v1/api-keys?limit=1000")).ReadAsync<ListPage<ApiKeyDto>>()).Items;
        var paged = new List<ApiKeyDto>();
        for (string? next = "/v1/api-keys?limit=2"; next is not null;)
        {
            var response = await api.Admin.GetAsync(next);
            var page = await response.ReadAsync<ListPage<ApiKeyDto>>();
            paged.AddRange(page.Items);
            next = response.Headers.TryGetValues("Link", out var link) ? link.Single().Split('<', '>')[1] : null;
            Assert.Equal(page.NextCursor is null, next is null);
        }

        Assert.Equal(all.Select(key => key.Id), paged.Select(key => key.Id));
        Assert.All(paged, key => Assert.Null(key.Key));
    }

    [Fact]
    public async Task Delete_StaleIfMatch_Is412AndChangesNothing()
    {
        var response = await api.Admin.PostAsJsonAsync("/v1/api-keys", new { name = "kept", role = "viewer" });
        var created = await response.ReadAsync<ApiKeyDto>();
        using var revoke = new HttpRequestMessage(HttpMethod.Delete, $"/v1/api-keys/{created.Id}");
        revoke.Headers.TryAddWithoutValidation("If-Match", "\"0000000000000000.1\"");
        var problem = await (await api.Admin.SendAsync(revoke)).ReadProblemAsync();
        Assert.Equal((412, "precondition-failed"), (problem.Status, problem.Code));
        var get = await api.Admin.GetAsync($"/v1/api-keys/{created.Id}");
        Assert.Null((await get.ReadAsync<ApiKeyDto>()).RevokedAt);
        Assert.Equal(response.Headers.ETag, get.Headers.ETag);
    }
}
