using System.Net;
using System.Text;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Conventions;

public sealed class SmallBodyApi : ApiFixture
{
    protected override Dictionary<string, string?> Settings => new() { ["PMEMFLEET:API:MAXJSONBYTES"] = "4096" };
}

public sealed class RefusalTests(SmallBodyApi api) : IClassFixture<SmallBodyApi>
{
    [Theory]
    [InlineData("", 400, "body-empty", null)]
    [InlineData("{", 400, "json-malformed", null)]
    [InlineData("[1,2", 400, "json-malformed", null)]
    [InlineData("null", 400, "body-null", "")]
    [InlineData("[]", 400, "value-invalid", "")]
    [InlineData("7", 400, "value-invalid", "")]
    [InlineData("""{"name":"a","role":"viewer","colour":1}""", 400, "members-invalid", "/colour")]
    [InlineData("""{"name":"a","role":"viewer","Name":"b"}""", 400, "members-invalid", "/Name")]
    [InlineData("""{"name":"a","role":"viewer","a/b~c":1}""", 400, "members-invalid", "/a~1b~0c")]
    [InlineData("""{"name":"a","role":"viewer","name":"b"}""", 400, "members-invalid", "/name")]
    [InlineData("""{"name":7,"role":"viewer"}""", 400, "value-invalid", "/name")]
    [InlineData("""{"name":"a","role":"viewer","expiresAt":"tomorrow"}""", 400, "value-invalid", "/expiresAt")]
    [InlineData("""{"name":"\ud800","role":"viewer"}""", 400, "members-invalid", "/name")]
    [InlineData("""{"name":"a\u0000b","role":"viewer"}""", 400, "members-invalid", "/name")]
    [InlineData("""{"\ud800":"a","role":"viewer"}""", 400, "utf8-invalid", null)]
    [InlineData("""{"role":"viewer"}""", 400, "request-invalid", "/name")]
    [InlineData("""{"name":"a","role":"king"}""", 422, "role-unknown", "/role")]
    [InlineData("""{"name":"a","role":"viewer","expiresAt":"2001-01-01T00:00:00Z"}""", 422, "expiry-past", "/expiresAt")]
    public async Task Post_BadBody_IsRefusedWithPointer(string body, int status, string code, string? at)
    {
        var response = await api.Admin.PostAsync("/v1/api-keys", new StringContent(body, Encoding.UTF8, "application/json"));
        var problem = await response.ReadProblemAsync();
        Assert.Equal((status, code), (problem.Status, problem.Code));
        Assert.Equal("EINVAL", problem.Errno);
        if (at is not null)
        {
            Assert.Equal(at, Assert.Single(problem.Errors!).Pointer);
        }
    }

    [Fact]
    public async Task Post_SeveralUnknownMembers_AllAreNamed()
    {
        var problem = await (await PostAsync("/v1/workers/join", """{"x":1,"name":"w","y":{"z":1}}""", ApiFixture.JoinToken)).ReadProblemAsync();
        Assert.Equal(["/x", "/y"], problem.Errors!.Select(error => error.Pointer));
    }

    [Fact]
    public async Task Post_WrongThingsInLists_AreNamedWithTheirIndex()
    {
        var worker = await ScriptedWorker.JoinAsync(api, "w-lists", pool: "lists");
        const string body = """{"instanceId":"0198c0de-0000-7000-8000-000000000000","hosts":[null],"observations":[],"results":[{"taskId":1}]}""";
        var problem = await (await PostAsync("/v1/workers/w-lists/sync", body, worker.Credential)).ReadProblemAsync();
        Assert.Equal("/hosts/0", Assert.Single(problem.Errors!).Pointer);
        problem = await (await PostAsync("/v1/workers/w-lists/sync", body.Replace("null", "", StringComparison.Ordinal), worker.Credential)).ReadProblemAsync();
        Assert.Equal(("value-invalid", "/results/0/taskId"), (problem.Code, Assert.Single(problem.Errors!).Pointer));
    }

    [Fact]
    public async Task Post_DeepJson_IsRefused()
    {
        foreach (var depth in new[] { 33, 900, 1500 })
        {
            var problem = await (await PostAsync("/v1/api-keys", new string('[', depth) + new string(']', depth))).ReadProblemAsync();
            Assert.Equal("json-too-deep", problem.Code);
        }
    }

    [Fact]
    public async Task Post_BytesThatAreNoUtf8_AreRefused()
    {
        using var content = new ByteArrayContent([.. "{\"name\":\""u8, 0xff, .. "\"}"u8]);
        content.Headers.ContentType = new("application/json");
        Assert.Equal("utf8-invalid", (await (await api.Admin.PostAsync("/v1/api-keys", content)).ReadProblemAsync()).Code);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/json; charset=utf-16")]
    public async Task Post_OtherMediaType_Is415(string type)
    {
        using var content = new StringContent("{}");
        content.Headers.ContentType = System.Net.Http.Headers.MediaTypeHeaderValue.Parse(type);
        var problem = await (await api.Admin.PostAsync("/v1/api-keys", content)).ReadProblemAsync();
        Assert.Equal((415, "media-type-unsupported"), (problem.Status, problem.Code));
    }

    [Fact]
    public async Task Post_TooLarge_Is413()
    {
        var problem = await (await PostAsync("/v1/api-keys", $$"""{"name":"{{new string('a', 5000)}}"}""")).ReadProblemAsync();
        Assert.Equal((413, "body-too-large"), (problem.Status, problem.Code));
    }

    [Theory]
    [InlineData(8200)]
    [InlineData(60_000)]
    public async Task Get_TargetTooLong_Is414WithTheLimit(int length)
    {
        var problem = await (await api.Admin.GetAsync($"/v1/hosts?cursor={new string('x', length)}")).ReadProblemAsync();
        Assert.Equal((414, "uri-too-long", "8192"), (problem.Status, problem.Code, problem.Numbers!["max"]));
    }

    [Theory]
    [InlineData("GET", "/v1/nothing", 404, "route-not-found")]
    [InlineData("GET", "/v1/operations/not-a-uuid", 404, "route-not-found")]
    [InlineData("GET", "/v1/operations/0198c0de-0000-7000-8000-000000000000", 404, "not-found")]
    [InlineData("GET", "/v1/workers/nobody", 404, "not-found")]
    [InlineData("PUT", "/v1/operations", 405, "method-not-allowed")]
    [InlineData("DELETE", "/v1/api-keys/0198c0de-0000-7000-8000-000000000000", 428, "precondition-required")]
    [InlineData("GET", "/v1/operations?colour=red", 400, "query-invalid")]
    [InlineData("GET", "/v1/operations?dryRun=true", 400, "query-invalid")]
    [InlineData("GET", "/v1/operations?limit=1&limit=2", 400, "query-invalid")]
    [InlineData("GET", "/v1/operations?limit=0", 400, "request-invalid")]
    [InlineData("GET", "/v1/operations?limit=1001", 400, "request-invalid")]
    [InlineData("GET", "/v1/operations?limit=many", 400, "request-invalid")]
    [InlineData("GET", "/v1/operations?cursor=%21%21", 400, "request-invalid")]
    [InlineData("GET", "/v1/operations?host=a%00b", 400, "query-invalid")]
    [InlineData("GET", "/v1/events?after=-1", 400, "request-invalid")]
    [InlineData("POST", "/v1/operations/0198c0de-0000-7000-8000-000000000000/cancel?dryRun=maybe", 400, "query-invalid")]
    [InlineData("POST", "/v1/operations/0198c0de-0000-7000-8000-000000000000/cancel", 404, "not-found")]
    public async Task Request_ThatCannotBeServed_IsAProblem(string method, string path, int status, string code)
    {
        var response = await api.Admin.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        var problem = await response.ReadProblemAsync();
        Assert.Equal((status, code), (problem.Status, problem.Code));
        Assert.Equal(problem.TraceId, response.Headers.GetValues("Trace-Id").Single());
    }

    [Fact]
    public async Task Get_BadQueryValue_IsNamedWithItsPlace()
    {
        var problem = await (await api.Admin.GetAsync("/v1/operations?limit=0")).ReadProblemAsync();
        Assert.Equal("#/query/limit", Assert.Single(problem.Errors!).Pointer);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("é")]
    public async Task Post_BadIdempotencyKey_IsRefused(string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/api-keys") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        using var handler = new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 };
        using var client = new HttpClient(handler) { BaseAddress = api.Admin.BaseAddress };
        client.DefaultRequestHeaders.Authorization = api.Admin.DefaultRequestHeaders.Authorization;
        var response = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("idempotency-key-invalid", (await response.ReadProblemAsync()).Code);
    }

    [Fact]
    public async Task Every_Answer_HasItsTraceId()
    {
        var response = await api.Admin.GetAsync("/v1/operations");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Matches("^[0-9a-f]{32}$", response.Headers.GetValues("Trace-Id").Single());
    }

    private async Task<HttpResponseMessage> PostAsync(string path, string body, string? bearer = null)
    {
        var client = bearer is null ? api.Admin : api.Client(bearer);
        return await client.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
    }
}
