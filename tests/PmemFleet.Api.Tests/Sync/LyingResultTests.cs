using System.Net;
using System.Text.Json.Serialization;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>Results that cannot be those of their task: nothing of them is believed, and the operation says so.</summary>
public sealed class LyingResultTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly StepResult Wrong = new StepChecked { Consistent = true, Messages = [] };

    [Fact]
    public void Table_OfWhatStepsGive_HasEveryStep()
    {
        var steps = typeof(TaskStep).GetCustomAttributes(typeof(JsonDerivedTypeAttribute), false).Cast<JsonDerivedTypeAttribute>().Select(one => one.DerivedType.Name);
        Assert.Equal(steps.Order(StringComparer.Ordinal), CredibleResult.GivenBy.Keys.Select(type => type.Name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(false, false, "failed", "result-damaged")]
    [InlineData(false, true, "failed", "result-damaged")]
    [InlineData(true, true, "failed", "result-damaged")]
    [InlineData(true, false, "cancelled", "cancelled")]
    public async Task Cancelled_CountsOnlyWhereSomebodyAsked(bool asked, bool withSteps, string state, string code)
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var operation = await api.EnqueueAsync(own.Name);
        var task = await liar.ReceiveAsync("scrub");
        if (asked)
        {
            await api.Admin.PostAsync<OperationDto>($"/v1/operations/{operation.Id}/cancel", "{}");
        }

        await liar.SyncAsync(results: [ScriptedWorker.Done(task) with { Cancelled = true, Steps = withSteps ? ScriptedWorker.Done(task).Steps : [] }]);
        await EndedAsync(operation.Id, state, code);
    }

    [Theory]
    [InlineData("boot")]
    [InlineData("evacuate")]
    public async Task Cancel_OfABootOrAnEvacuation_IsRefused(string kind)
    {
        var (worker, own) = await api.ReadyAsync("honest");
        var operation = await api.EnqueueAsync(own.Name, kind);
        Assert.Equal(HttpStatusCode.Conflict, (await api.BeginAsync(HttpMethod.Post, $"/v1/operations/{operation.Id}/cancel", "{}")).StatusCode);
        var task = await worker.ReceiveAsync(kind);
        var problem = await (await api.BeginAsync(HttpMethod.Post, $"/v1/operations/{operation.Id}/cancel", "{}")).ReadProblemAsync();
        Assert.Equal((409, "not-cancellable"), (problem.Status, problem.Code));

        // and what nobody asked for is not believed of them either: the host is where it was, or moves as after a power cut
        await worker.SyncAsync(results: [ScriptedWorker.Done(task) with { Cancelled = true, Steps = [] }]);
        await EndedAsync(operation.Id, "failed", "result-damaged");
    }

    [Theory]
    [InlineData("wrong")]
    [InlineData("refused-in-the-middle")]
    public async Task Boot_WithStepsItCannotHave_FailsAndThePowerBringsItUp(string lie)
    {
        var pool = $"boot-{Guid.NewGuid():N}"[..24];
        var liar = await ScriptedWorker.JoinAsync(api, pool, pool: pool);
        var made = api.Admin.PostAsync<HostDto>("/v1/hosts", $$"""{"name":"{{pool}}","mediaPool":"{{pool}}","dimms":[{"capacity":"64M"}],"regions":[{"dimms":["nmem0"]}]}""", HttpStatusCode.Created);
        var task = await liar.ReceiveAsync("boot");
        Assert.True(task.Task.Steps.Count > 1, "there is something to bind");
        var honest = ScriptedWorker.Done(task);
        StepResult first = lie == "wrong" ? Wrong : Refused;
        await liar.SyncAsync(results: [honest with { Steps = [first, .. honest.Steps.Skip(1)] }]);
        var host = await made;
        var boot = Assert.Single((await api.Admin.GetAsync<ListPage<OperationDto>>($"/v1/operations?host={host.Name}&kind=boot")).Items);
        Assert.Equal(("failed", "result-damaged"), (boot.State, boot.Refusal?.Code));
        Assert.NotEqual("enabled", (await api.Admin.GetAsync<NamespaceDto>($"/v1/hosts/{host.Name}/namespaces/namespace0.0")).State);

        await api.BeginAsync(HttpMethod.Post, $"/v1/hosts/{host.Name}/power", """{"action":"cut"}""");
        var up = await liar.ReceiveAsync("power");
        await liar.SyncAsync(results: [ScriptedWorker.Done(up)]);
        var binds = liar.Received[^1].Task.TaskId == up.Task.TaskId ? await liar.ReceiveAsync("power") : liar.Received[^1];
        await liar.SyncAsync(results: [ScriptedWorker.Done(binds)]);
        Assert.Equal("ready", (await api.Admin.GetAsync<HostDto>($"/v1/hosts/{host.Name}")).State);
        Assert.Equal("enabled", (await api.Admin.GetAsync<NamespaceDto>($"/v1/hosts/{host.Name}/namespaces/namespace0.0")).State);
    }

    [Theory]
    [InlineData("wrong")]
    [InlineData("refused")]
    [InlineData("cancelled")]
    public async Task Evacuation_ThatWasNone_MovesTheHostAsAfterAPowerCut(string lie)
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var other = await ScriptedWorker.JoinAsync(api, $"other-{Guid.NewGuid():N}"[..24], pool: own.MediaPool);
        await api.Admin.PostAsync<Contracts.Workers.WorkerDto>($"/v1/workers/{own.MediaPool}/drain", "{}");
        var task = await liar.ReceiveAsync("evacuate");
        await liar.SyncAsync(results: [ScriptedWorker.Done(task) with { Cancelled = lie == "cancelled", Steps = lie switch { "wrong" => [Wrong], "refused" => [Refused], _ => [] } }]);
        var boot = await other.ReceiveAsync("boot");
        Assert.True(Assert.IsType<BootStep>(boot.Task.Steps[0]).UnsafeShutdown, "nobody knows that it went down");
        Assert.Equal(task.Host.Epoch + 1, boot.Host.Epoch);
        await other.SyncAsync(results: [ScriptedWorker.Done(boot)]);
        Assert.Equal("ready", (await api.Admin.GetAsync<HostDto>($"/v1/hosts/{own.Name}")).State);
        Assert.Empty((await liar.SyncAsync()).Hosts);
    }

    [Theory]
    [InlineData("namespaces/namespace0.0/disable", "{}")]
    [InlineData("regions/region0/disable", "{}")]
    [InlineData("media-errors", """{"dimm":"nmem0","offset":4096,"length":512}""")]
    [InlineData("scrubs", "{}")]
    [InlineData("dimms/nmem0/health/inject", """{"mediaTemperature":50}""")]
    [InlineData("power", """{"action":"cycle"}""")]
    [InlineData("power", """{"action":"off"}""")]
    public async Task Result_WithStepsOfAnotherKind_FailsItsOperation(string path, string body)
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var operation = await (await api.BeginAsync(HttpMethod.Post, $"/v1/hosts/{own.Name}/{path}", body)).ExpectAsync<OperationDto>(HttpStatusCode.Accepted);
        var task = await liar.ReceiveAsync(operation.Kind);
        await liar.SyncAsync(results: [ScriptedWorker.Done(task) with { Steps = [.. task.Task.Steps.Select(_ => Wrong)] }]);
        await EndedAsync(operation.Id, "failed", "result-damaged");
        Assert.Equal("ready", (await api.Admin.GetAsync<HostDto>($"/v1/hosts/{own.Name}")).State);
    }

    [Fact]
    public async Task EnableOfARegion_WithStepsOfAnotherKind_FailsAndBindsNothing()
    {
        var (liar, own) = await api.ReadyAsync("liar");
        foreach (var change in new[] { "disable", "enable" })
        {
            var operation = await (await api.BeginAsync(HttpMethod.Post, $"/v1/hosts/{own.Name}/regions/region0/{change}", "{}")).ExpectAsync<OperationDto>(HttpStatusCode.Accepted);
            var task = await liar.ReceiveAsync(operation.Kind);
            await liar.SyncAsync(results: [change == "disable" ? ScriptedWorker.Done(task) : ScriptedWorker.Done(task) with { Steps = [.. task.Task.Steps.Select(_ => new StepDone())] }]);
            await EndedAsync(operation.Id, change == "disable" ? "succeeded" : "failed", change == "disable" ? null : "result-damaged");
        }

        Assert.NotEqual("enabled", (await api.Admin.GetAsync<NamespaceDto>($"/v1/hosts/{own.Name}/namespaces/namespace0.0")).State);
    }

    [Theory]
    [InlineData("wrong-at-the-end")]
    [InlineData("wrong-in-the-middle")]
    [InlineData("refused-in-the-middle")]
    [InlineData("too-few")]
    public async Task DeleteOfAHost_WithADamagedResult_TakesNeitherTheHostNorItsCampaign(string lie)
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var answer = await api.BeginAsync(HttpMethod.Post, "/v1/campaigns", $$"""{"durationSeconds":3600,"labelSelector":"pool={{own.MediaPool}}","sources":[{"perDimmHour":1}]}""");
        var campaign = await answer.ExpectAsync<OperationDto>(HttpStatusCode.Accepted);
        var part = await liar.ReceiveAsync("campaign");
        var operation = await (await api.BeginAsync(HttpMethod.Delete, $"/v1/hosts/{own.Name}")).ExpectAsync<OperationDto>(HttpStatusCode.Accepted);
        var task = await liar.ReceiveAsync("delete-host");
        var steps = ScriptedWorker.Done(task).Steps;
        await liar.SyncAsync(results: [ScriptedWorker.Done(task) with
        {
            Steps = lie switch
            {
                "wrong-at-the-end" => [.. steps.SkipLast(1), Wrong],
                "wrong-in-the-middle" => [Wrong, .. steps.Skip(1)],
                "refused-in-the-middle" => [Refused, .. steps.Skip(1)],
                _ => [.. steps.SkipLast(1)],
            },
        }]);
        await EndedAsync(operation.Id, "failed", "result-damaged");
        Assert.Equal(own.Id, (await api.Admin.GetAsync<HostDto>($"/v1/hosts/{own.Name}")).Id);
        Assert.False((await api.Admin.GetAsync<OperationDto>($"/v1/operations/{campaign.Id}")).State is "failed" or "succeeded" or "cancelled", "the campaign goes on");

        // and the truth ends both, by the same rule
        var again = await (await api.BeginAsync(HttpMethod.Delete, $"/v1/hosts/{own.Name}")).ExpectAsync<OperationDto>(HttpStatusCode.Accepted);
        await liar.SyncAsync(results: [ScriptedWorker.Done(await liar.ReceiveAsync("delete-host"))]);
        await EndedAsync(again.Id, "succeeded", null);
        await EndedAsync(campaign.Id, "failed", "host-deleted");
        Assert.NotEqual(part.Task.TaskId, task.Task.TaskId);
    }

    private static StepRefused Refused => new() { Refusal = new Contracts.Problems.RefusalDto { Errno = "EIO", Code = "lie", Message = "It is said to be refused." } };

    private async Task EndedAsync(Guid operation, string state, string? code)
    {
        var ended = await api.Admin.GetAsync<OperationDto>($"/v1/operations/{operation}");
        Assert.Equal((state, code), (ended.State, ended.Refusal?.Code));
    }
}
