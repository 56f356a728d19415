using System.Net;
using System.Net.Http.Json;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Api.Tests.Sync;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Api.Tests.Workers;

/// <summary>A worker joins only with the folder of its pool, and a host that its worker cannot serve says why.</summary>
public sealed class MediaPoolTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Join_WithAnotherFolderThanThePools_IsRefused()
    {
        var (pool, other) = ($"p-{Guid.NewGuid():N}"[..20], $"q-{Guid.NewGuid():N}"[..20]);
        var (id, second) = (Guid.NewGuid(), Guid.NewGuid());

        // a new pool: its empty folder gets an id, and the same process may ask twice
        Assert.Null(await JoinAsync(pool, id, PoolStates.Empty));
        Assert.Null(await JoinAsync(pool, id, PoolStates.Empty));
        Assert.Null(await JoinAsync(other, second, PoolStates.Empty));

        // the volumes are swapped
        Assert.Equal("media-pool-other", await JoinAsync(pool, second, PoolStates.Marked));
        Assert.Equal("media-pool-other", await JoinAsync(other, id, PoolStates.Marked));
        Assert.Equal("media-pool-mismatch", await JoinAsync(pool, Guid.NewGuid(), PoolStates.Marked));
        Assert.Equal("media-pool-mismatch", await JoinAsync(pool, Guid.NewGuid(), PoolStates.Unmarked));
        Assert.Null(await JoinAsync(pool, id, PoolStates.Marked));

        // another worker of the pool is there: a folder that is empty is not the one that both should have
        Assert.Equal("media-pool-empty", await JoinAsync(pool, Guid.NewGuid(), PoolStates.Empty, name: "second"));
    }

    [Fact]
    public async Task Join_WithAnEmptyFolderOfAPoolInUse_IsRefusedUnlessItIsDeclared()
    {
        var (worker, host) = await api.ReadyAsync("used");
        _ = worker;
        var pool = host.MediaPool;

        Assert.Equal("media-pool-empty", await JoinAsync(pool, Guid.NewGuid(), PoolStates.Empty, pool));
        var id = Guid.NewGuid();
        Assert.Null(await JoinAsync(pool, id, PoolStates.Unmarked, pool));
        Assert.Equal("media-pool-empty", await JoinAsync(pool, Guid.NewGuid(), PoolStates.Empty, pool));

        var declared = Guid.NewGuid();
        Assert.Null(await JoinAsync(pool, declared, PoolStates.Empty, pool, isNew: true));
        Assert.Equal("media-pool-mismatch", await JoinAsync(pool, id, PoolStates.Marked, pool));
        Assert.Null(await JoinAsync(pool, declared, PoolStates.Marked, pool));
    }

    [Fact]
    public async Task Conditions_OfAHost_AreShownUntilTheyEndAndOneThatWasLetGoBoots()
    {
        var (worker, host) = await api.ReadyAsync("failing");
        var condition = new HostCondition { HostId = host.Id, Epoch = host.Epoch, Code = "media-missing", Message = "gone" };
        for (var twice = 0; twice < 2; twice++)
        {
            Assert.Equal(HttpStatusCode.NoContent, await ReportAsync(worker, [condition], isFull: true));
        }

        var failed = await api.Admin.GetAsync<HostDto>($"/v1/hosts/{host.Name}");
        Assert.Equal(("media-missing", "gone"), (failed.Failure!.Code, failed.Failure.Message));
        Assert.True((await WorkerAsync(worker)).MediaFull);
        Assert.Equal(1, await EventsAsync("host.failed", host.Name));

        Assert.Equal(HttpStatusCode.NoContent, await ReportAsync(worker, [], isFull: false));
        Assert.Null((await api.Admin.GetAsync<HostDto>($"/v1/hosts/{host.Name}")).Failure);
        Assert.False((await WorkerAsync(worker)).MediaFull);
        Assert.Equal(1, await EventsAsync("host.recovered", host.Name));

        // of another epoch, or another worker's: not believed
        var wantsBoot = condition with { Code = "media-flush-failed", WantsBoot = true };
        await ReportAsync(worker, [wantsBoot with { Epoch = host.Epoch + 1 }], isFull: false);
        Assert.Null((await api.Admin.GetAsync<HostDto>($"/v1/hosts/{host.Name}")).Failure);

        await ReportAsync(worker, [wantsBoot], isFull: false);
        var boot = await worker.ReceiveAsync("boot");
        Assert.True(Assert.IsType<BootStep>(boot.Task.Steps[0]).UnsafeShutdown);
        Assert.Equal(host.Epoch + 1, boot.Host.Epoch);
    }

    [Fact]
    public async Task HostMedia_ExistOnceADimmWasSeen()
    {
        var (worker, host) = await api.ReadyAsync("seen");
        Assert.False(await ExistAsync(worker, host));
        await worker.SyncAsync(observations: [Seen(host, await api.DimmAsync(host))]);

        Assert.True(await ExistAsync(worker, host));
    }

    private static DimmObservation Seen(HostDto host, Guid dimm) => new()
    {
        HostId = host.Id,
        DimmId = dimm,
        Epoch = host.Epoch,
        Version = 1,
        Poison = [],
        BadRanges = [],
        DirtyShutdownCount = 0,
        ScrubCount = 0,
    };

    private async Task<bool> ExistAsync(ScriptedWorker worker, HostDto host)
    {
        using var http = api.Client(worker.Credential);
        return (await http.GetAsync<HostMediaDto>($"/v1/workers/{worker.WorkerId}/hosts/{host.Id}/media")).Exist;
    }

    private async Task<HttpStatusCode> ReportAsync(ScriptedWorker worker, IReadOnlyList<HostCondition> hosts, bool isFull)
    {
        using var http = api.Client(worker.Credential);
        var report = new WorkerConditions { InstanceId = worker.InstanceId, Hosts = hosts, MediaFull = isFull };
        using var answer = await http.PostAsJsonAsync($"/v1/workers/{worker.WorkerId}/conditions", report, FleetJsonContext.Default.WorkerConditions);
        return answer.StatusCode;
    }

    private async Task<WorkerDto> WorkerAsync(ScriptedWorker worker)
    {
        var page = await api.Admin.GetAsync<Contracts.Lists.ListPage<WorkerDto>>("/v1/workers?limit=500");
        return page.Items.Single(row => row.Id == worker.WorkerId);
    }

    private async Task<long> EventsAsync(string type, string host)
    {
        await using var connection = await api.ConnectAsync();
        await using var command = new Npgsql.NpgsqlCommand("SELECT count(*) FROM events WHERE type = $1 AND host = $2", connection)
        {
            Parameters = { new() { Value = type }, new() { Value = host } },
        };
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>The rule of the refusal; null where it joined.</summary>
    private async Task<string?> JoinAsync(string pool, Guid id, string state, string name = "first", bool isNew = false)
    {
        using var http = api.Client(ApiFixture.JoinToken);
        var request = new JoinRequest
        {
            Name = name == pool ? name : $"{name}-{pool}",
            MediaPool = pool,
            AdvertisedUrl = "http://127.0.0.1:1",
            InstanceId = Guid.CreateVersion7(),
            Version = "test",
            PoolId = id,
            PoolState = state,
            NewPool = isNew,
        };
        using var answer = await http.PostAsJsonAsync("/v1/workers/join", request, FleetJsonContext.Default.JoinRequest);
        return answer.IsSuccessStatusCode ? null : (await answer.ReadProblemAsync()).Code;
    }
}
