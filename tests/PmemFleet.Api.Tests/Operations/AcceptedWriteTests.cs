using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Operations;

public sealed class ProbeApi : ApiFixture
{
    protected override void Configure(WebApplicationBuilder builder)
    {
        builder.Services.AddControllers().AddApplicationPart(typeof(ProbeController).Assembly);
        builder.Services.AddSingleton<ITaskCompletion, ProbeCompletion>();
    }
}

public sealed class AcceptedWriteTests(ProbeApi api) : IClassFixture<ProbeApi>
{
    [Fact]
    public async Task Post_WorkerInTime_IsAnsweredAsIfDoneHere()
    {
        var worker = await WorkerAsync("in-time");
        var posting = PostAsync("in-time", "wait=20");
        var task = await worker.ReceiveAsync("probe");
        Assert.NotNull(task.Task.TraceParent);
        await worker.SyncAsync(results: [ScriptedWorker.Done(task)]);
        var answer = await posting;
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("/v1/probe/in-time", answer.Headers.Location!.ToString());
        Assert.Equal("wait=20", answer.Headers.GetValues("Preference-Applied").Single());
        Assert.NotNull(answer.Headers.ETag);
        Assert.Equal("{\"labels\":{\"z\":\"1\",\"made-by\":\"" + task.Task.Sequence + "\"}}", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Post_NoWorker_Is202AndTheReplayTellsTheEnd()
    {
        await api.AddHostAsync("later", "later");
        var first = await PostAsync("later", "respond-async", "later-key");
        Assert.Equal(HttpStatusCode.Accepted, first.StatusCode);
        Assert.NotNull(first.Headers.RetryAfter);
        var operation = await first.ReadAsync<OperationDto>();
        Assert.Equal($"/v1/operations/{operation.Id}", first.Headers.Location!.ToString());

        var again = await PostAsync("later", "respond-async", "later-key");
        Assert.Equal((HttpStatusCode.Accepted, operation.Id), (again.StatusCode, (await again.ReadAsync<OperationDto>()).Id));

        var worker = await ScriptedWorker.JoinAsync(api, "w-later", pool: "later");
        await worker.SyncAsync(results: [ScriptedWorker.Done(await worker.ReceiveAsync("probe"))]);
        var last = await PostAsync("later", "wait=5", "later-key");
        Assert.Equal((HttpStatusCode.Created, "true"), (last.StatusCode, last.Headers.GetValues("Idempotency-Replayed").Single()));
        Assert.Single(worker.Received, one => one.Task.Kind == "probe");
    }

    [Fact]
    public async Task Post_WorkerRefuses_IsAnsweredWithItsProblem()
    {
        var worker = await WorkerAsync("refused");
        var posting = PostAsync("refused", "wait=20");
        var task = await worker.ReceiveAsync("probe");
        var refusal = new RefusalDto { Errno = "ENOSPC", Code = "no-room", Message = "There is no room." };
        await worker.SyncAsync(results: [ScriptedWorker.Done(task) with { Steps = [new StepRefused { Refusal = refusal }] }]);
        var problem = await (await posting).ReadProblemAsync();
        Assert.Equal((409, "no-room", "ENOSPC", "There is no room."), (problem.Status, problem.Code, problem.Errno, problem.Detail));
    }

    [Fact]
    public async Task Post_DryRun_EnqueuesNothing()
    {
        await api.AddHostAsync("dry", "dry");
        var answer = await api.Admin.PostAsync("/v1/probe/dry/work?dryRun=true", null);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var id = (await answer.ReadAsync<OperationDto>()).Id;
        Assert.Equal(HttpStatusCode.NotFound, (await api.Admin.GetAsync($"/v1/operations/{id}")).StatusCode);
    }

    [Fact]
    public async Task Put_TwoWithTheSameTag_OneWins()
    {
        var host = await api.AddHostAsync("tagged", "tagged");
        var tag = Api.Conventions.Etag.Of(host.Id, host.Version);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => PutAsync("tagged", tag, $"{i}")));
        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        Assert.Equal(7, answers.Count(answer => answer.StatusCode == HttpStatusCode.PreconditionFailed));
        Assert.Equal(HttpStatusCode.OK, (await PutAsync("tagged", "*", "any")).StatusCode);
        Assert.Equal(HttpStatusCode.PreconditionRequired, (await PutAsync("tagged", null, "none")).StatusCode);
    }

    [Fact]
    public async Task Write_ThatForgetsIfMatch_FailsAndChangesNothing()
    {
        var host = await api.AddHostAsync("forgetful", "forgetful");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/probe/forgetful/forgetful");
        request.Headers.TryAddWithoutValidation("If-Match", "\"stale\"");
        Assert.Equal(412, (await (await api.Admin.SendAsync(request)).ReadProblemAsync()).Status);
        Assert.Equal(1, await api.WriteAsync(async db => (await db.Hosts.FindAsync(host.Id))!.Version));
        Assert.Equal(HttpStatusCode.NoContent, (await api.Admin.PostAsync("/v1/probe/forgetful/forgetful", null)).StatusCode);
    }

    [Fact]
    public async Task Write_ThatLosesADeadlock_IsRepeatedWhole()
    {
        await api.AddHostAsync("dead-a", "dead");
        await api.AddHostAsync("dead-b", "dead");
        using var bothHoldOne = new Barrier(2);
        var attempts = 0;
        async Task<int> LockBothAsync(string first, string second) => await api.WriteAsync(async db =>
        {
            var attempt = Interlocked.Increment(ref attempts);
            (await db.LockHostAsync(first, CancellationToken.None))!.Version++;
            if (attempt <= 2)
            {
                await Task.Run(() => bothHoldOne.SignalAndWait(TimeSpan.FromSeconds(10)));
            }

            (await db.LockHostAsync(second, CancellationToken.None))!.Version++;
            return 0;
        });

        await Task.WhenAll(LockBothAsync("dead-a", "dead-b"), LockBothAsync("dead-b", "dead-a"));
        Assert.Equal(3, attempts);
        Assert.Equal(3, await api.WriteAsync(async db => (await db.LockHostAsync("dead-a", CancellationToken.None))!.Version));
    }

    [Fact]
    public async Task Bug_IsA500ThatTellsNothing()
    {
        var response = await api.Admin.PostAsync("/v1/probe/x/broken", null);
        var problem = await response.ReadProblemAsync();
        Assert.Equal((500, "internal", "EIO"), (problem.Status, problem.Code, problem.Errno));
        Assert.DoesNotContain("hunter2", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DryRun_OnAWriteThatDoesNotKnowIt_IsRefused() =>
        Assert.Equal("query-invalid", (await (await api.Admin.PostAsync("/v1/probe/x/broken?dryRun=true", null)).ReadProblemAsync()).Code);

    private async Task<ScriptedWorker> WorkerAsync(string name)
    {
        var worker = await ScriptedWorker.JoinAsync(api, $"w-{name}", pool: name);
        await api.AddHostAsync(name, name);
        await worker.ReceiveAsync("boot");
        return worker;
    }

    private async Task<HttpResponseMessage> PostAsync(string host, string prefer, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/probe/{host}/work");
        request.Headers.Add("Prefer", prefer);
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await api.Admin.SendAsync(request);
    }

    private async Task<HttpResponseMessage> PutAsync(string host, string? tag, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/v1/probe/{host}/labels") { Content = JsonContent.Create(new { labels = new { value } }) };
        if (tag is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", tag);
        }

        return await api.Admin.SendAsync(request);
    }
}
