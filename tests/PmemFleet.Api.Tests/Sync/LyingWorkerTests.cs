using System.Net;
using System.Text;
using Npgsql;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>A worker that has a credential and lies in its syncs: what is another's stays as it is, and no lie is an error of the server.</summary>
public sealed class LyingWorkerTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const long Capacity = 64 << 20;

    [Theory]
    [InlineData(true, "scrub")]
    [InlineData(false, "scrub")]
    [InlineData(true, "delete-host")]
    [InlineData(false, "delete-host")]
    public async Task Result_OfAnothersTask_ChangesNothing(bool namesOwnHost, string kind)
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var (honest, victim) = await api.ReadyAsync("honest");
        await api.EnqueueAsync(victim.Name, kind);
        var task = await honest.ReceiveAsync(kind);
        var before = await api.RowsOfAsync(victim);
        var lie = ScriptedWorker.Done(task);
        lie = namesOwnHost ? lie with { HostId = own.Id, Epoch = liar.Held[own.Id].Epoch } : lie;
        await liar.SyncAsync(results: [lie], progress: [new TaskProgress { TaskId = task.Task.TaskId, Fraction = 0.9 }]);
        Assert.Equal(before, await api.RowsOfAsync(victim));

        // and the truth is still heard
        await honest.SyncAsync(results: [ScriptedWorker.Done(task)]);
        Assert.NotEqual(before, await api.RowsOfAsync(victim));
    }

    [Fact]
    public async Task Observation_OfAnothersHost_ChangesNothing()
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var (honest, victim) = await api.ReadyAsync("honest");
        var (ownDimm, dimm) = (await api.DimmAsync(own), await api.DimmAsync(victim));
        await honest.SyncAsync(observations: [Seen(victim.Id, dimm, honest.Held[victim.Id].Epoch, 1)]);
        var before = await api.RowsOfAsync(victim) + await api.RowsOfAsync(own);
        var epoch = liar.Held[own.Id].Epoch;
        await liar.SyncAsync(observations:
        [
            Seen(victim.Id, dimm, epoch, 9), Seen(victim.Id, dimm, long.MaxValue, 9), Seen(own.Id, dimm, epoch, 9), Seen(victim.Id, ownDimm, epoch, 9),
            Seen(Guid.NewGuid(), dimm, epoch, 9), Seen(own.Id, Guid.NewGuid(), epoch, 9),
        ]);
        Assert.Equal(before, await api.RowsOfAsync(victim) + await api.RowsOfAsync(own));
    }

    [Fact]
    public async Task Observation_OfOwnHostsWithTheirDimmsExchanged_ChangesNothing()
    {
        var (liar, first) = await api.ReadyAsync("liar");
        var second = await api.AddAsync(liar, first.MediaPool);
        var (a, b) = (await api.DimmAsync(first), await api.DimmAsync(second));
        var before = await api.RowsOfAsync(first) + await api.RowsOfAsync(second);
        await liar.SyncAsync(observations: [Seen(first.Id, b, liar.Held[first.Id].Epoch, 3), Seen(second.Id, a, liar.Held[second.Id].Epoch, 3)]);
        Assert.Equal(before, await api.RowsOfAsync(first) + await api.RowsOfAsync(second));
    }

    [Theory]
    [InlineData(-4096, 4096)]
    [InlineData(0, -1)]
    [InlineData(0, 0)]
    [InlineData(Capacity - 512, 1024)]
    [InlineData(Capacity, 512)]
    [InlineData(4096, long.MaxValue)]
    [InlineData(long.MaxValue, long.MaxValue)]
    public async Task Observation_ThatCannotBe_ChangesNothing(long dpa, long length)
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var dimm = await api.DimmAsync(own);
        var before = await api.RowsOfAsync(own);
        var lie = Seen(own.Id, dimm, liar.Held[own.Id].Epoch, 7);
        var range = new DpaRange(dpa, length);
        await liar.SyncAsync(observations: [lie with { Poison = [range, range] }, lie with { BadRanges = [range] }, lie with { ScrubCount = -1 }, lie with { PoisonBytes = Capacity + 1 }]);
        Assert.Equal(before, await api.RowsOfAsync(own));

        // a true one beside a newer lie counts
        await liar.SyncAsync(observations: [lie with { Poison = [range] }, lie with { Version = 6 }]);
        Assert.NotEqual(before, await api.RowsOfAsync(own));
    }

    [Theory]
    [InlineData("\"hosts\":[null],\"results\":[],\"observations\":[]")]
    [InlineData("\"hosts\":[],\"results\":[null],\"observations\":[]")]
    [InlineData("\"hosts\":[],\"results\":[],\"observations\":[null]")]
    [InlineData("\"hosts\":[],\"results\":[],\"observations\":[],\"progress\":[null]")]
    [InlineData("\"hosts\":[],\"results\":[RESULT null}],\"observations\":[]")]
    [InlineData("\"hosts\":[],\"results\":[RESULT [null]}],\"observations\":[]")]
    [InlineData("\"hosts\":[],\"results\":[RESULT [{}]}],\"observations\":[]")]
    [InlineData("\"hosts\":[],\"results\":[RESULT [{\"consistent\":true,\"messages\":[]}]}],\"observations\":[]")]
    [InlineData("\"hosts\":[],\"results\":[RESULT [{\"consistent\":true,\"messages\":[],\"result\":\"checked\"}]}],\"observations\":[]")]
    [InlineData("\"hosts\":[],\"results\":[RESULT [{\"result\":\"refused\",\"refusal\":null}]}],\"observations\":[]")]
    [InlineData("\"hosts\":[],\"results\":[RESULT [{\"result\":\"refused\",\"refusal\":{\"errno\":\"EIO\",\"code\":\"x\",\"message\":\"\\u0000\"}}]}],\"observations\":[]")]
    public async Task Sync_Malformed_IsRefusedAndHurtsNobodyElse(string members)
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var (honest, _) = await api.ReadyAsync("honest");
        await api.EnqueueAsync(own.Name);
        var task = await liar.ReceiveAsync("scrub");
        var before = await api.RowsOfAsync(own);
        var result = $"{{\"taskId\":\"{task.Task.TaskId}\",\"hostId\":\"{own.Id}\",\"epoch\":{task.Host.Epoch},\"steps\":";
        using var body = new StringContent($"{{\"instanceId\":\"{liar.InstanceId}\",{members.Replace("RESULT", result, StringComparison.Ordinal)}}}", Encoding.UTF8, "application/json");
        var lying = api.Client(liar.Credential).PostAsync($"/v1/workers/{liar.WorkerId}/sync", body);
        await Task.WhenAll(lying, honest.SyncAsync());
        var refusal = await (await lying).ReadProblemAsync();
        Assert.True(refusal is { Status: 400 or 422, Errno: "EINVAL" }, refusal.Detail);
        Assert.Equal(before, await api.RowsOfAsync(own));
    }

    [Fact]
    public async Task Sync_ThousandsOfItems_AreIgnoredAndMoreAreRefused()
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var before = await api.RowsOfAsync(own);
        var epoch = liar.Held[own.Id].Epoch;
        var invented = Enumerable.Range(0, 5000).Select(_ => new TaskResult { TaskId = Guid.NewGuid(), HostId = own.Id, Epoch = epoch, Steps = [new StepDone()] }).ToList();
        await liar.SyncAsync(results: invented, observations: [.. invented.Select(one => Seen(Guid.NewGuid(), one.TaskId, 1, 1))]);
        var held = Enumerable.Repeat(liar.Held[own.Id], Api.Sync.SyncRules.MostItems + 1).ToList();
        var problem = await (await liar.PostAsync(liar.Request() with { Hosts = held })).ReadProblemAsync();
        Assert.Equal((422, "sync-malformed"), (problem.Status, problem.Code));
        Assert.Equal(before, await api.RowsOfAsync(own));
    }

    [Fact]
    public async Task Sync_HostsNameOrInstanceOfAnother_GiveItNothing()
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var (honest, victim) = await api.ReadyAsync("honest");
        await api.EnqueueAsync(victim.Name);
        var before = await api.RowsOfAsync(victim);
        var held = honest.Held[victim.Id];
        var answer = await (await liar.PostAsync(liar.Request() with { Hosts = [held, held with { Epoch = held.Epoch + 1, AcceptedSequence = -1 }] })).ReadAsync<SyncResponse>();
        Assert.Equal(own.Id, Assert.Single(answer.Hosts).HostId);
        Assert.Equal("fenced", (await (await liar.PostAsync(liar.Request() with { InstanceId = honest.InstanceId })).ReadProblemAsync()).Code);
        using var body = new StringContent($"{{\"instanceId\":\"{honest.InstanceId}\",\"hosts\":[],\"results\":[],\"observations\":[]}}", Encoding.UTF8, "application/json");
        Assert.Equal(HttpStatusCode.Forbidden, (await api.Client(liar.Credential).PostAsync($"/v1/workers/{honest.WorkerId}/sync", body)).StatusCode);
        Assert.Equal(before, await api.RowsOfAsync(victim));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Result_WithAnotherNumberOfSteps_FailsItsOperation(int steps)
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var operation = await api.EnqueueAsync(own.Name);
        var task = await liar.ReceiveAsync("scrub");
        await liar.SyncAsync(results: [ScriptedWorker.Done(task) with { Steps = [.. Enumerable.Repeat(new StepDone(), steps)] }]);
        var ended = await api.Admin.GetAsync<OperationDto>($"/v1/operations/{operation.Id}");
        Assert.Equal(("failed", "result-damaged"), (ended.State, ended.Refusal!.Code));
    }

    [Fact]
    public async Task Refusal_WithANumberWhoseNameIsNoText_IsRefused()
    {
        var (liar, own) = await api.ReadyAsync("liar");
        await api.EnqueueAsync(own.Name);
        var task = await liar.ReceiveAsync("scrub");
        var before = await api.RowsOfAsync(own);
        var refusal = """{"errno":"EIO","code":"x","message":"m","numbers":{"\u0000":"1"}}""";
        var result = $$"""{"taskId":"{{task.Task.TaskId}}","hostId":"{{own.Id}}","epoch":{{task.Host.Epoch}},"steps":[{"result":"refused","refusal":{{refusal}}}]}""";
        using var body = new StringContent($$"""{"instanceId":"{{liar.InstanceId}}","hosts":[],"results":[{{result}}],"observations":[]}""", Encoding.UTF8, "application/json");
        var problem = await (await api.Client(liar.Credential).PostAsync($"/v1/workers/{liar.WorkerId}/sync", body)).ReadProblemAsync();
        Assert.Equal((400, "members-invalid"), (problem.Status, problem.Code));
        Assert.Equal(before, await api.RowsOfAsync(own));
    }

    [Theory]
    [InlineData("raw", null, null, "namespace9.9")]
    [InlineData("ext4", null, null, null)]
    [InlineData("btt", -1L, 4096L, null)]
    [InlineData("btt", long.MaxValue, 4096L, null)]
    [InlineData("btt", 1L << 20, null, null)]
    [InlineData("pfn", 1L << 20, null, null)]
    public async Task Bind_ThatCannotBe_FailsItsOperation(string kind, long? size, long? sector, string? name)
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var answer = await api.BeginAsync(HttpMethod.Post, $"/v1/hosts/{own.Name}/namespaces/namespace0.0/reconfigure", """{"mode":"sector","force":true}""");
        var operation = await answer.ExpectAsync<OperationDto>(HttpStatusCode.Accepted);
        var task = await liar.ReceiveAsync(operation.Kind);
        StepResult Lie(TaskStep step) => step is BindStep bind
            ? new StepBound { Namespace = name ?? bind.Namespace, Kind = kind, Uuid = Guid.NewGuid(), Size = size, SectorSize = sector, Version = "1.1" }
            : new StepDone();
        await liar.SyncAsync(results: [ScriptedWorker.Done(task) with { Steps = [.. task.Task.Steps.Select(Lie)] }]);
        var ended = await api.Admin.GetAsync<OperationDto>($"/v1/operations/{operation.Id}");
        Assert.Equal(("failed", "result-damaged"), (ended.State, ended.Refusal!.Code));
    }

    [Fact]
    public async Task Sync_ThatNamesAnothersHost_DoesNotWaitForItsLock()
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var (honest, victim) = await api.ReadyAsync("honest");
        await api.EnqueueAsync(victim.Name);
        var task = await honest.ReceiveAsync("scrub");
        var dimm = await api.DimmAsync(victim);
        await using var connection = await api.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var hold = new NpgsqlCommand("SELECT 1 FROM hosts WHERE id = $1 FOR UPDATE", connection, transaction);
        hold.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = victim.Id });
        await hold.ExecuteScalarAsync();

        // who does not wait for the lock does not take it either
        var lying = liar.SyncAsync(
            results: [ScriptedWorker.Done(task), ScriptedWorker.Done(task) with { Epoch = liar.Held[own.Id].Epoch }],
            observations: [Seen(victim.Id, dimm, task.Host.Epoch, 9), Seen(own.Id, await api.DimmAsync(own), liar.Held[own.Id].Epoch, 9)]);
        Assert.Same(lying, await Task.WhenAny(lying, Task.Delay(TimeSpan.FromSeconds(20))));
        await lying;
        await transaction.RollbackAsync();
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData((1L << 32) + 2)]
    public async Task Observation_WhoseVersionJumpsFurtherThanItCan_SilencesNobody(long version)
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var (dimm, epoch) = (await api.DimmAsync(own), liar.Held[own.Id].Epoch);
        await liar.SyncAsync(observations: [Seen(own.Id, dimm, epoch, 1)]);
        var before = await api.RowsOfAsync(own);
        await liar.SyncAsync(observations: [Seen(own.Id, dimm, epoch, version) with { Poison = [], DirtyShutdownCount = 5 }]);
        Assert.Equal(before, await api.RowsOfAsync(own));
        await liar.SyncAsync(observations: [Seen(own.Id, dimm, epoch, 2) with { DirtyShutdownCount = 6 }, Seen(own.Id, dimm, epoch, version)]);
        Assert.Equal(6, (await api.Admin.GetAsync<ListPage<Contracts.Dimms.DimmDto>>($"/v1/hosts/{own.Name}/dimms")).Items[0].DirtyShutdownCount);
    }

    [Fact]
    public async Task Observation_OfTheNextEpoch_StartsOverWhateverTheFormerOneSaid()
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var (dimm, epoch) = (await api.DimmAsync(own), liar.Held[own.Id].Epoch);
        await liar.SyncAsync(observations: [Seen(own.Id, dimm, epoch, 1L << 32)]);
        await liar.SyncAsync(observations: [Seen(own.Id, dimm, epoch, 1L << 33)]);
        var heir = await ScriptedWorker.JoinAsync(api, own.MediaPool, pool: own.MediaPool);
        await heir.SyncAsync(results: [ScriptedWorker.Done(await heir.ReceiveAsync("boot"))]);
        await heir.SyncAsync(observations: [Seen(own.Id, dimm, heir.Held[own.Id].Epoch, 3) with { DirtyShutdownCount = 7 }]);
        Assert.Equal(7, (await api.Admin.GetAsync<ListPage<Contracts.Dimms.DimmDto>>($"/v1/hosts/{own.Name}/dimms")).Items[0].DirtyShutdownCount);
    }

    [Theory]
    [InlineData("state")]
    [InlineData("temperature")]
    [InlineData("shutdowns")]
    [InlineData("firmware")]
    [InlineData("ranges")]
    public async Task Observation_OfAHealthThatCannotBe_ChangesNothing(string lie)
    {
        var (liar, own) = await api.ReadyAsync("liar");
        var seen = Seen(own.Id, await api.DimmAsync(own), liar.Held[own.Id].Epoch, 1);
        var health = new Contracts.Health.DimmHealthDto
        {
            HealthState = lie == "state" ? "excellent" : "ok",
            TemperatureCelsius = lie == "temperature" ? 1e300 : 30,
            ControllerTemperatureCelsius = 30,
            SparesPercentage = 100,
            LifeUsedPercentage = 0,
            AlarmTemperature = false,
            AlarmControllerTemperature = false,
            AlarmSpares = false,
            AlarmEnabledMediaTemperature = false,
            TemperatureThreshold = 80,
            AlarmEnabledControllerTemperature = false,
            ControllerTemperatureThreshold = 80,
            AlarmEnabledSpares = false,
            SparesThreshold = 5,
            ShutdownState = "clean",
            ShutdownCount = lie == "shutdowns" ? long.MaxValue : 1,
            ClearedUnits = 0,
            Firmware = new() { CurrentVersion = lie == "firmware" ? new string('1', 100_000) : "1", State = "idle" },
            Security = new() { State = "disabled", Frozen = false },
        };
        var before = await api.RowsOfAsync(own);
        await liar.SyncAsync(observations: [seen with { Health = health, PoisonRanges = lie == "ranges" ? long.MaxValue : 1 }]);
        Assert.Equal(before, await api.RowsOfAsync(own));
        await liar.SyncAsync(observations: [seen with { Health = health with { HealthState = "ok", TemperatureCelsius = 30, ShutdownCount = 1, Firmware = new() { CurrentVersion = "1", State = "idle" } } }]);
        Assert.NotEqual(before, await api.RowsOfAsync(own));
    }

    private static DimmObservation Seen(Guid host, Guid dimm, long epoch, long version) => new()
    {
        HostId = host,
        DimmId = dimm,
        Epoch = epoch,
        Version = version,
        Poison = [new DpaRange(4096, 512)],
        BadRanges = [],
        DirtyShutdownCount = 1,
        ScrubCount = 1,
    };
}
