using System.Net.Http.Json;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Api.Tests.Sync;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Api.Tests.Workers;

/// <summary>Whoever wants to join: what is wrong is refused and changes nothing, and nobody loses a host that is his.</summary>
public sealed class HostileJoinTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Instance = "0190163d-8694-739b-aea5-966c26f8ad90";

    [Theory]
    [InlineData("name", "1")]
    [InlineData("name", "null")]
    [InlineData("name", "\"\"")]
    [InlineData("name", "\"UPPER\"")]
    [InlineData("name", "\"a\\u0000b\"")]
    [InlineData("name", "\"\\ud800\"")]
    [InlineData("name", "\"a\\n\"")]
    [InlineData("name", "\"../x\"")]
    [InlineData("name", "\"LONG\"")]
    [InlineData("name", "[\"a\"]")]
    [InlineData("mediaPool", "true")]
    [InlineData("mediaPool", "null")]
    [InlineData("mediaPool", "\"LONG\"")]
    [InlineData("mediaPool", "\"a/b\"")]
    [InlineData("mediaPool", "\"\\u0000\"")]
    [InlineData("advertisedUrl", "null")]
    [InlineData("advertisedUrl", "{}")]
    [InlineData("advertisedUrl", "\"\"")]
    [InlineData("advertisedUrl", "\"/relative\"")]
    [InlineData("advertisedUrl", "\"//worker\"")]
    [InlineData("advertisedUrl", "\"http://\"")]
    [InlineData("advertisedUrl", "\"http:///x\"")]
    [InlineData("advertisedUrl", "\"ftp://worker\"")]
    [InlineData("advertisedUrl", "\"file:///etc/passwd\"")]
    [InlineData("advertisedUrl", "\"javascript:alert(1)\"")]
    [InlineData("advertisedUrl", "\"http://user:word@worker\"")]
    [InlineData("advertisedUrl", "\"http://worker?x\"")]
    [InlineData("advertisedUrl", "\"http://worker#x\"")]
    [InlineData("advertisedUrl", "\"http://worker:99999\"")]
    [InlineData("advertisedUrl", "\"http://wor ker\"")]
    [InlineData("advertisedUrl", "\"http://worker/\\u0000\"")]
    [InlineData("advertisedUrl", "\"http://worker/LONG\"")]
    [InlineData("instanceId", "null")]
    [InlineData("instanceId", "7")]
    [InlineData("instanceId", "\"7\"")]
    [InlineData("instanceId", "\"00000000-0000-0000-0000-000000000000\"")]
    [InlineData("version", "null")]
    [InlineData("version", "1.0")]
    [InlineData("version", "\"\\u0000\"")]
    [InlineData("version", "\"LONG\"")]
    [InlineData("workerId", "\"0190163d-8694-739b-aea5-966c26f8ad90\"")]
    [InlineData("credential", "\"x\"")]
    public async Task Body_WithOneThingWrong_IsRefusedAndChangesNothing(string member, string value)
    {
        var members = new Dictionary<string, string>
        {
            ["name"] = "\"hostile\"",
            ["mediaPool"] = "\"hostile\"",
            ["advertisedUrl"] = "\"http://127.0.0.1:9\"",
            ["instanceId"] = $"\"{Instance}\"",
            ["version"] = "\"1\"",
            [member] = value.Replace("LONG", new string('a', 5000), StringComparison.Ordinal),
        };
        await RefusedAsync("{" + string.Join(',', members.Select(pair => $"\"{pair.Key}\":{pair.Value}")) + "}");
        members.Remove(member);
        if (member is not ("workerId" or "credential"))
        {
            await RefusedAsync("{" + string.Join(',', members.Select(pair => $"\"{pair.Key}\":{pair.Value}")) + "}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"join\"")]
    [InlineData("{\"name\":\"a\",\"name\":\"b\"}")]
    [InlineData("{\"name\":\"a\"")]
    [InlineData("{\"name\":{\"name\":{\"name\":{}}}}")]
    public Task Body_ThatIsNone_IsRefusedAndChangesNothing(string body) => RefusedAsync(body);

    [Theory]
    [InlineData(null, 401)]
    [InlineData("", 401)]
    [InlineData("Bearer", 401)]
    [InlineData("Bearer " + ApiFixture.JoinToken + "x", 401)]
    [InlineData("Bearer join-token-for-tests-onl", 401)]
    [InlineData("Bearer  " + ApiFixture.JoinToken + " " + ApiFixture.JoinToken, 401)]
    [InlineData("Basic " + ApiFixture.JoinToken, 401)]
    [InlineData("Bearer pmf_forged_0123456789abcdef0123456789abcdef", 401)]
    [InlineData("Bearer " + ApiFixture.AdminKey, 403)]
    [InlineData("worker", 403)]
    public async Task Token_ThatIsNotTheJoinTokens_LetsNobodyIn(string? authorization, int status)
    {
        if (authorization == "worker")
        {
            authorization = $"Bearer {(await ScriptedWorker.JoinAsync(api, "joined-already", pool: "joined")).Credential}";
        }

        var before = await WorkersAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/workers/join") { Content = JsonContent.Create(Body("thief", "thieves", Guid.NewGuid())) };
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using var client = api.Client(null);
        var problem = await (await client.SendAsync(request)).ReadProblemAsync();
        Assert.Equal(status, problem.Status);
        Assert.Equal(before, await WorkersAsync());
    }

    [Fact]
    public async Task Token_Rotated_LetsNobodyInWithTheFormerOneAndEndsWhatItGave()
    {
        // its own database: the others' token would be revoked
        var own = new ApiFixture();
        await own.InitializeAsync();
        try
        {
            var (worker, host) = await own.ReadyAsync("former");
            await using var changed = ApiFixture.Build(own.ConnectionString, new() { ["PMEMFLEET:WORKERS:JOINTOKEN"] = "another-join-token-for-tests" });
            await changed.StartAsync();
            await changed.Services.GetRequiredService<Api.Hosting.Startup>().Done;
            var before = await own.RowsOfAsync(host);
            using var former = own.Client(ApiFixture.JoinToken, changed);
            Assert.Equal(401, (await (await former.PostAsJsonAsync("/v1/workers/join", Body("former", "former", Guid.NewGuid()))).ReadProblemAsync()).Status);
            using var joined = own.Client(worker.Credential, changed);
            using var sync = new StringContent($$"""{"instanceId":"{{worker.InstanceId}}","hosts":[],"results":[],"observations":[]}""", Encoding.UTF8, "application/json");
            Assert.Equal(401, (await (await joined.PostAsync($"/v1/workers/{worker.WorkerId}/sync", sync)).ReadProblemAsync()).Status);
            Assert.Equal(before, await own.RowsOfAsync(host));
            await changed.StopAsync();
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task Name_OfALiveWorkerOfAnotherPool_IsRefusedAndTheLiveOneGoesOn()
    {
        var (live, host) = await api.ReadyAsync("live");
        var before = await api.RowsOfAsync(host) + await WorkersAsync();
        foreach (var instance in new[] { Guid.NewGuid(), live.InstanceId })
        {
            var problem = await (await JoinAsync(host.MediaPool, "elsewhere", instance)).ReadProblemAsync();
            Assert.Equal((409, "worker-name-taken", "EBUSY"), (problem.Status, problem.Code, problem.Errno));
        }

        Assert.Equal(before, await api.RowsOfAsync(host) + await WorkersAsync());
        var operation = await api.EnqueueAsync(host.Name);
        await live.SyncAsync(results: [ScriptedWorker.Done(await live.ReceiveAsync("scrub"))]);
        Assert.Equal("succeeded", (await api.Admin.GetAsync<Contracts.Operations.OperationDto>($"/v1/operations/{operation.Id}")).State);
    }

    [Fact]
    public async Task Name_OfAWorkerWhoseLeaseEnded_MayGoToAnotherPool()
    {
        var (_, host) = await api.ReadyAsync("lost");
        await using (var connection = await api.ConnectAsync())
        {
            await using var expire = new NpgsqlCommand("UPDATE worker_leases l SET expires_at = now() FROM workers w WHERE w.id = l.worker_id AND w.name = $1", connection);
            expire.Parameters.Add(new NpgsqlParameter<string> { TypedValue = host.MediaPool });
            await expire.ExecuteNonQueryAsync();
        }

        var moved = await ScriptedWorker.JoinAsync(api, host.MediaPool, pool: $"new-{Guid.NewGuid():N}"[..24]);

        // the host waits for a worker of its own pool
        Assert.Empty((await moved.SyncAsync()).Hosts);
        var heir = await ScriptedWorker.JoinAsync(api, $"heir-{Guid.NewGuid():N}"[..24], pool: host.MediaPool);
        await heir.SyncAsync(results: [ScriptedWorker.Done(await heir.ReceiveAsync("boot"))]);
        Assert.Equal("ready", (await api.Admin.GetAsync<HostDto>($"/v1/hosts/{host.Name}")).State);
    }

    [Fact]
    public async Task Name_OfALiveWorkerOfThePool_IsTakenAndTheFormerOneIsFencedWithAllItSays()
    {
        var (former, host) = await api.ReadyAsync("former");
        var operation = await api.EnqueueAsync(host.Name);
        var task = await former.ReceiveAsync("scrub");
        var thief = await ScriptedWorker.JoinAsync(api, host.MediaPool, pool: host.MediaPool);
        var answer = await (await former.PostAsync(former.Request(results: [ScriptedWorker.Done(task)]))).ReadProblemAsync();
        Assert.Equal((409, "fenced"), (answer.Status, answer.Code));

        // what was asked of the host is still done, once, by the one that has it now
        var boot = await thief.ReceiveAsync("boot");
        Assert.Equal(task.Host.Epoch + 1, boot.Host.Epoch);
        await thief.SyncAsync(results: [ScriptedWorker.Done(boot)]);
        var again = thief.Received.Find(one => one.Task.Kind == "scrub") is { Task: not null } given ? given : await thief.ReceiveAsync("scrub");
        await thief.SyncAsync(results: [ScriptedWorker.Done(again)]);
        Assert.Equal("succeeded", (await api.Admin.GetAsync<Contracts.Operations.OperationDto>($"/v1/operations/{operation.Id}")).State);
    }

    [Fact]
    public async Task Join_Replayed_ChangesNoHostAndFencesNobodyWhileItIsTheLastOne()
    {
        var (worker, host) = await api.ReadyAsync("again");
        var before = await api.RowsOfAsync(host);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => JoinAsync(host.MediaPool, host.MediaPool, worker.InstanceId)));
        foreach (var answer in answers)
        {
            Assert.Equal(worker.WorkerId, (await answer.ReadAsync<JoinResponse>()).WorkerId);
        }

        await Task.Delay(1200);
        Assert.Equal(before, await api.RowsOfAsync(host));
        Assert.Equal(host.Id, Assert.Single((await worker.SyncAsync()).Hosts).HostId);
    }

    [Fact]
    public async Task Join_OfAProcessThatComesBackFromTheDead_LeavesOneHolderOfTheHost()
    {
        var (dead, host) = await api.ReadyAsync("dead");
        var heir = await ScriptedWorker.JoinAsync(api, host.MediaPool, pool: host.MediaPool);
        await heir.SyncAsync(results: [ScriptedWorker.Done(await heir.ReceiveAsync("boot"))]);
        var back = await ScriptedWorker.JoinAsync(api, host.MediaPool, dead.InstanceId, host.MediaPool);
        Assert.Equal("fenced", (await (await heir.PostAsync(heir.Request())).ReadProblemAsync()).Code);
        await back.SyncAsync(results: [ScriptedWorker.Done(await back.ReceiveAsync("boot"))]);

        // what it knew of its former epoch does not count
        var before = await api.RowsOfAsync(host);
        var old = dead.Received.Find(one => one.Task.Kind == "boot");
        await back.SyncAsync(results: [ScriptedWorker.Done(old)]);
        Assert.Equal(before, await api.RowsOfAsync(host));
        Assert.Equal("ready", (await api.Admin.GetAsync<HostDto>($"/v1/hosts/{host.Name}")).State);
    }

    private static object Body(string name, string pool, Guid instance) =>
        new { name, mediaPool = pool, advertisedUrl = "http://127.0.0.1:9", instanceId = instance, version = "test" };

    private Task<HttpResponseMessage> JoinAsync(string name, string pool, Guid instance) =>
        api.Client(ApiFixture.JoinToken).PostAsJsonAsync("/v1/workers/join", Body(name, pool, instance));

    private async Task RefusedAsync(string body)
    {
        var before = await WorkersAsync();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        var problem = await (await api.Client(ApiFixture.JoinToken).PostAsync("/v1/workers/join", content)).ReadProblemAsync();
        Assert.True(problem is { Status: 400 or 422, Errno: "EINVAL", Code: not null }, $"{body[..Math.Min(200, body.Length)]}: {problem.Status} {problem.Detail}");
        Assert.Equal(before, await WorkersAsync());
    }

    /// <summary>Workers and who holds their names.</summary>
    private async Task<string> WorkersAsync()
    {
        await using var connection = await api.ConnectAsync();
        await using var command = new NpgsqlCommand(
            "SELECT coalesce(string_agg(w::text || coalesce(l.instance_id::text, ''), E'\\n' ORDER BY w.id), '') FROM workers w LEFT JOIN worker_leases l ON l.worker_id = w.id", connection);
        return (string)(await command.ExecuteScalarAsync())!;
    }
}
