using System.Net;
using System.Net.Http.Json;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Access;
using PmemFleet.Contracts.Events;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.Tests.Idempotency;

public sealed class IdempotencyTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Post_SameKeySameBody_GivesTheFirstAnswerAgain()
    {
        var first = await CreateAsync("once", "replayed");
        var second = await CreateAsync("once", "replayed");
        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.Created), (first.StatusCode, second.StatusCode));
        Assert.False(first.Headers.Contains("Idempotency-Replayed"));
        Assert.Equal("true", second.Headers.GetValues("Idempotency-Replayed").Single());
        Assert.Equal((first.Headers.Location, first.Headers.ETag), (second.Headers.Location, second.Headers.ETag));
        Assert.Equal((await first.ReadAsync<ApiKeyDto>()) with { Key = null }, await second.ReadAsync<ApiKeyDto>());
        Assert.Equal(1, await CountKeysAsync("once"));
    }

    [Fact]
    public async Task Post_SameKeyOtherBody_Is422()
    {
        await CreateAsync("one body", "reused");
        var problem = await (await CreateAsync("other body", "reused")).ReadProblemAsync();
        Assert.Equal((422, "idempotency-key-reused"), (problem.Status, problem.Code));
        Assert.Equal(0, await CountKeysAsync("other body"));
    }

    [Fact]
    public async Task Post_SameKeyOtherCaller_IsAnotherKey()
    {
        await CreateAsync("first caller", "shared");
        using var other = api.Client(await api.CreateKeyAsync("admin"));
        Assert.Equal(HttpStatusCode.Created, (await CreateAsync("second caller", "shared", other)).StatusCode);
    }

    [Fact]
    public async Task Post_Refused_LeavesTheKeyFree()
    {
        var refused = await SendAsync(api.Admin, new { name = "mended", role = "king" }, "mended");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await CreateAsync("mended", "mended")).StatusCode);
    }

    [Fact]
    public async Task Post_ManyAtOnceOverTwoReplicas_OneEffect()
    {
        using var other = api.Client(ApiFixture.AdminKey, await api.StartReplicaAsync());
        for (var round = 0; round < 10; round++)
        {
            var name = $"raced {round}";
            var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => CreateAsync(name, $"race-{round}", i % 2 == 0 ? api.Admin : other)));
            Assert.All(answers, answer => Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.Created, HttpStatusCode.Conflict }));
            foreach (var conflict in answers.Where(answer => answer.StatusCode == HttpStatusCode.Conflict))
            {
                Assert.Equal("idempotency-in-flight", (await conflict.ReadProblemAsync()).Code);
                Assert.NotNull(conflict.Headers.RetryAfter);
            }

            Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created && !answer.Headers.Contains("Idempotency-Replayed"));
            Assert.Equal(1, await CountKeysAsync(name));
        }
    }

    [Fact]
    public async Task Post_WhileAnotherHoldsTheKey_Is409AtOnce()
    {
        await using var connection = await api.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var command = new Npgsql.NpgsqlCommand(
            "SELECT pg_advisory_xact_lock(hashtextextended('key:' || (SELECT replace(id::text, '-', '') FROM api_keys WHERE bootstrap) || E'\\nheld', 7))", connection))
        {
            await command.ExecuteNonQueryAsync();
        }

        Assert.Equal("idempotency-in-flight", (await (await CreateAsync("held", "held")).ReadProblemAsync()).Code);
        await transaction.RollbackAsync();
        Assert.Equal(HttpStatusCode.Created, (await CreateAsync("held", "held")).StatusCode);
    }

    [Fact]
    public async Task Post_KeyOlderThanADay_IsFreeAgain()
    {
        await CreateAsync("aged", "aged");
        await using (var connection = await api.ConnectAsync())
        await using (var command = new Npgsql.NpgsqlCommand("UPDATE idempotency_keys SET expires_at = now() - interval '1 second' WHERE key = 'aged'", connection))
        {
            Assert.Equal(1, await command.ExecuteNonQueryAsync());
        }

        Assert.Equal(HttpStatusCode.Created, (await CreateAsync("another", "aged")).StatusCode);
    }

    [Fact]
    public async Task Post_DryRun_GivesTheAnswerAndChangesNothing()
    {
        var before = await EventsAsync();
        var response = await api.Admin.PostAsJsonAsync("/v1/api-keys?dryRun=true", new { name = "dry", role = "viewer" });
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("true", response.Headers.GetValues("Dry-Run").Single());
        Assert.Equal(0, await CountKeysAsync("dry"));
        Assert.DoesNotContain(await EventsAsync(), one => one.Subject == "dry");
        Assert.Equal(
            HttpStatusCode.UnprocessableEntity, (await api.Admin.PostAsJsonAsync("/v1/api-keys?dryRun=true", new { name = "dry", role = "king" })).StatusCode);
        Assert.NotEmpty(before);
    }

    [Fact]
    public async Task Write_EachOne_IsInTheEventsWithItsActor()
    {
        var key = await api.CreateKeyAsync("operator");
        var host = await api.AddHostAsync("audited", pool: "nobody-there");
        var operation = await api.EnqueueAsync(host.Name);
        var answer = await api.Client(key).PostAsync($"/v1/operations/{operation.Id}/cancel", null);
        Assert.Equal("cancelled", (await answer.ReadAsync<OperationDto>()).State);
        var audit = (await EventsAsync()).Single(one => one.Type == "operation.cancel-requested");
        Assert.Equal(("audited", "a operator"), (audit.Host, audit.Actor));
    }

    private Task<HttpResponseMessage> CreateAsync(string name, string idempotencyKey, HttpClient? client = null) =>
        SendAsync(client ?? api.Admin, new { name, role = "viewer" }, idempotencyKey);

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, object body, string idempotencyKey)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/api-keys") { Content = JsonContent.Create(body) };
        request.Headers.Add("Idempotency-Key", idempotencyKey);
        return await client.SendAsync(request);
    }

    private async Task<int> CountKeysAsync(string name) =>
        (await (await api.Admin.GetAsync("/v1/api-keys?limit=1000")).ReadAsync<ListPage<ApiKeyDto>>()).Items.Count(key => key.Name == name);

    private async Task<IReadOnlyList<EventDto>> EventsAsync() =>
        (await (await api.Admin.GetAsync("/v1/events?limit=1000")).ReadAsync<ListPage<EventDto>>()).Items;
}
