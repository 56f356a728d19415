using Npgsql;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>Syncs that come together share a transaction, and nothing else.</summary>
public sealed class GroupedSyncsTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Sync_WhoseHostIsHeldByAnother_HoldsUpNoOtherWorker()
    {
        var stuck = await ReadyAsync("stuck");
        var others = new List<(ScriptedWorker Worker, string Host, TaskResult Result)>();
        for (var number = 0; number < 6; number++)
        {
            others.Add(await ReadyAsync($"other-{number}"));
        }

        await using var connection = await api.ConnectAsync();
        await using var held = await connection.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("SELECT 1 FROM hosts WHERE name = 'h-stuck' FOR UPDATE", connection))
        {
            await command.ExecuteScalarAsync();
        }

        var waiting = EndAsync(stuck);
        await Task.WhenAll(others.Select(EndAsync)).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.False(waiting.IsCompleted);
        foreach (var other in others)
        {
            Assert.Equal("succeeded", await StateAsync(other.Host));
        }

        Assert.Equal("running", await StateAsync(stuck.Host));

        await held.RollbackAsync();
        await waiting;
        Assert.Equal("succeeded", await StateAsync(stuck.Host));
    }

    [Fact]
    public async Task Syncs_OfManyWorkersAtOnce_EndEachItsOwn()
    {
        var workers = new List<(ScriptedWorker Worker, string Host, TaskResult Result)>();
        for (var number = 0; number < 12; number++)
        {
            workers.Add(await ReadyAsync($"many-{number}"));
        }

        await Task.WhenAll(workers.Select(EndAsync));
        foreach (var one in workers)
        {
            Assert.Equal("succeeded", await StateAsync(one.Host));
        }
    }

    /// <summary>A worker that has just been given a task of its host.</summary>
    private async Task<(ScriptedWorker Worker, string Host, TaskResult Result)> ReadyAsync(string name)
    {
        var worker = await ScriptedWorker.JoinAsync(api, name, pool: name);
        await api.AddHostAsync($"h-{name}", name);
        await worker.ReceiveAsync("boot");
        await api.EnqueueAsync($"h-{name}");
        return (worker, $"h-{name}", ScriptedWorker.Done(await worker.ReceiveAsync("scrub")));
    }

    private static Task EndAsync((ScriptedWorker Worker, string Host, TaskResult Result) one) => one.Worker.SyncAsync(results: [one.Result]);

    private async Task<string> StateAsync(string host) =>
        (await (await api.Admin.GetAsync($"/v1/operations?host={host}&limit=1000")).ReadAsync<Contracts.Lists.ListPage<OperationDto>>()).Items.Single(one => one.Kind == "scrub").State;
}
