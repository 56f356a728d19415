using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.Tests.Operations;

/// <summary>Whoever waits for an operation sees its end as it is in the rows, soon, whichever replica ended it.</summary>
public sealed class EndedOperationsTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task Wait_ForItsEnd_ShowsWhatIsInTheRows(bool isElsewhere, bool isCancelled)
    {
        var name = $"e{Guid.NewGuid():N}"[..20];
        var worker = await ScriptedWorker.JoinAsync(api, name, pool: name, replica: isElsewhere ? await api.StartReplicaAsync() : null);
        await api.AddHostAsync(name, name);
        await worker.ReceiveAsync("boot");
        var operation = await api.EnqueueAsync(name);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/operations/{operation.Id}");
        request.Headers.Add("Prefer", "wait=20");
        var started = TimeProvider.System.GetTimestamp();
        var waiting = api.Admin.SendAsync(request);
        var task = await worker.ReceiveAsync("scrub");
        await worker.SyncAsync(progress: [new Contracts.Sync.TaskProgress { TaskId = task.Task.TaskId, Fraction = 0.5 }]);
        if (isCancelled)
        {
            (await api.Admin.PostAsync($"/v1/operations/{operation.Id}/cancel", null)).EnsureSuccessStatusCode();
        }

        await worker.SyncAsync(results: [isCancelled ? ScriptedWorker.Done(task) with { Cancelled = true, Steps = [] } : ScriptedWorker.Done(task)]);
        var shown = await waiting;
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(10), "nobody told it");
        await Task.Delay(2100);
        await worker.SyncAsync();
        var read = await api.Admin.GetAsync($"/v1/operations/{operation.Id}");
        Assert.Equal(await read.Content.ReadAsStringAsync(), await shown.Content.ReadAsStringAsync());
        Assert.Equal(read.Headers.ETag, shown.Headers.ETag);
        Assert.Equal(isCancelled ? "cancelled" : "succeeded", (await shown.ReadAsync<OperationDto>()).State);
    }

    [Fact]
    public async Task Wait_ForAnIdOfTheFarFuture_IsNotFound() =>
        Assert.Equal(404, (await (await api.Admin.GetAsync("/v1/operations/ffffffff-ffff-7fff-bfff-ffffffffffff")).ReadProblemAsync()).Status);
}
