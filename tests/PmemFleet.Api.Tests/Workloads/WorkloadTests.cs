using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Api.Workloads;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workloads;
using PmemFleet.DeviceDax.Workloads;

namespace PmemFleet.Api.Tests.Workloads;

/// <summary>Workloads as a caller meets them: accepted, refused, stored, listed, cancelled, deleted.</summary>
public sealed class WorkloadTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private const string Machine = """ "machine":{"devices":[{"size":"1G","align":"4K"}]},"mappings":[{"device":"dax0.0","length":"64M"}]""";
    private const string Phases = """ "phases":[{"name":"a","pattern":"uniform","accesses":1000}]""";
    private readonly HttpClient _api = fixture.Admin;

    /// <summary>A result of one read, with the digest of its bytes.</summary>
    internal static StepWorkload OneRead()
    {
        long[] one = [1];
        var outcome = new WorkloadResultDto
        {
            EndedByPowerCut = false,
            Figures = new WorkloadFiguresDto
            {
                Reads = 1,
                Writes = 0,
                Faults = new FaultCountsDto { Pte = 1, Pmd = 0, Pud = 0, Fallback = 2, Signalled = 0 },
                TlbFirstHits = 0,
                TlbSecondHits = 0,
                TlbWalks = 0,
                WalkReferences = 0,
                PageTables = new PageTableBytesDto { Pte = 4096, Pmd = 4096, Pud = 4096, Pgd = 4096, Total = 16384 },
                SigBus = 0,
                MachineChecks = 0,
                OtherSignals = 0,
                OutOfMemory = 0,
            },
            Phases =
            [
                new WorkloadPhaseDto
                {
                    Name = "a", Accesses = one, Reads = one, Writes = one, PteFaults = one, PmdFaults = one, PudFaults = one, SigBus = one, MachineChecks = one,
                    TlbFirstHits = one, TlbSecondHits = one, TlbWalks = one, WalkReferences = one, PageTableBytes = one,
                },
            ],
        };
        var bytes = JsonSerializer.SerializeToUtf8Bytes(outcome, FleetJsonContext.Default.WorkloadResultDto);
        return new StepWorkload { Outcome = outcome, Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)) };
    }

    private Task<Contracts.Hosts.HostDto> HostAsync(string name) =>
        _api.CreateReadyHostAsync($$"""{"name":"{{name}}","dimms":[{"capacity":"256M"}],"regions":[{"dimms":["nmem0"]}]}""");

    private async Task DevdaxAsync(string name)
    {
        await HostAsync(name);
        await _api.PostAsync<NamespaceDto>($"/v1/hosts/{name}/namespaces/namespace0.0/reconfigure", """{"mode":"devdax","align":"2M","force":true}""");
    }

    [Fact]
    public async Task Create_OnADescribedMachine_StoresTheVeryBytes()
    {
        await HostAsync("described");
        RunWorkloadStep? seen = null;
        fixture.Worker.OnStep = step => (seen = step as RunWorkloadStep) is null ? null : OneRead();

        var done = await _api.PostAsync<WorkloadDto>("/v1/workloads", $$"""{"name":"first","seed":9,{{Machine}},{{Phases}},"tlb":{} }""", HttpStatusCode.Created);

        var spec = WorkloadSpecText.Read(seen!.Spec);
        Assert.Equal((9UL, 1, 1000L), (spec.Seed, spec.Processes, spec.Phases[0].Accesses));
        Assert.Empty(seen.Devices);
        Assert.Equal(("succeeded", 1, "first", 1L), (done.State, done.Progress, done.Name, done.Figures!.Reads));
        var bytes = await _api.GetByteArrayAsync(new Uri($"/v1/workloads/{done.Id}/result", UriKind.Relative));
        Assert.Equal(done.ResultSha256, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        var read = await _api.GetAsync<WorkloadDto>($"/v1/workloads/{done.Id}");
        Assert.Equal((done.ResultSha256, "64M"), (read.ResultSha256, read.Spec.Mappings![0].Length!.Value.Value == 64 << 20 ? "64M" : "other"));
        Assert.Contains(read.Id, (await _api.GetAsync<ListPage<WorkloadDto>>("/v1/workloads?state=succeeded")).Items.Select(one => one.Id));
        await _api.RemoveAsync($"/v1/workloads/{done.Id}");
        await _api.RefusedAsync(HttpMethod.Get, $"/v1/workloads/{done.Id}", null, HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Create_ResultThatIsNotItsDigest_FailsTheOperation()
    {
        await HostAsync("lying");
        fixture.Worker.OnStep = step => step is RunWorkloadStep ? OneRead() with { Sha256 = new string('0', 64) } : null;
        var problem = await _api.RefusedAsync(HttpMethod.Post, "/v1/workloads", $$"""{ {{Machine}},{{Phases}} }""", HttpStatusCode.Conflict);
        Assert.Equal(("EIO", "result-damaged"), (problem.Errno, problem.Code));
    }

    [Fact]
    public async Task Create_OnAHost_CopiesItsDevicesAsTheyAre()
    {
        await DevdaxAsync("owner");
        RunWorkloadStep? seen = null;
        fixture.Worker.OnStep = step => (seen = step as RunWorkloadStep) is null ? null : OneRead();
        var device = (await _api.GetAsync<ListPage<DaxDeviceDto>>("/v1/hosts/owner/dax-devices")).Items.Single();

        await _api.PostAsync<WorkloadDto>("/v1/workloads", $$"""{"host":"owner","mappings":[{"device":"dax0.0","length":"32M"}],{{Phases}} }""", HttpStatusCode.Created);

        var copied = Assert.Single(seen!.Devices);
        Assert.Equal(("dax0.0", "namespace0.0", device.Size, device.Align), (copied.Name, copied.Namespace, copied.Size, copied.Align));
        Assert.Equal((ulong)device.Size, WorkloadSpecText.Read(seen.Spec).Devices[0].Region.Range.Length.Value);

        var missing = await _api.RefusedAsync(HttpMethod.Post, "/v1/workloads", $$"""{"host":"owner","mappings":[{"device":"dax9.9","length":"32M"}],{{Phases}} }""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal(("ENODEV", "dax0.0"), (missing.Errno, missing.Allowed!.Single()));
        var short2M = await _api.RefusedAsync(HttpMethod.Post, "/v1/workloads", $$"""{"host":"owner","mappings":[{"device":"dax0.0","length":"33M"}],{{Phases}} }""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal("EINVAL", short2M.Errno);
        await _api.PostAsync<DaxDeviceDto>("/v1/hosts/owner/dax-devices/dax0.0/disable", "{}");
        var disabled = await _api.RefusedAsync(HttpMethod.Post, "/v1/workloads", $$"""{"host":"owner","mappings":[{"device":"dax0.0","length":"32M"}],{{Phases}} }""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal("ENXIO", disabled.Errno);
    }

    public static TheoryData<string, int> Hostile => new()
    {
        { "{}", 400 },
        { $$"""{ {{Phases}},"mappings":[{"device":"dax0.0","length":"64M"}]}""", 422 },
        { $$"""{"host":"h",{{Machine}},{{Phases}} }""", 422 },
        { $$"""{"host":"no-such-host","mappings":[{"device":"dax0.0","length":"64M"}],{{Phases}} }""", 404 },
        { $$"""{ {{Machine}},"phases":[]}""", 422 },
        { $$"""{ {{Machine}},"phases":[null]}""", 400 },
        { $$"""{ {{Machine}},"phases":[{}]}""", 422 },
        { $$"""{ {{Machine}},"phases":[{"pattern":"spiral","accesses":1}]}""", 422 },
        { $$"""{ {{Machine}},"phases":[{"accesses":1000000000000}]}""", 422 },
        { $$"""{ {{Machine}},"phases":[{"accesses":-1}]}""", 422 },
        { $$"""{ {{Machine}},"phases":[{"accesses":1e30}]}""", 400 },
        { $$"""{ {{Machine}},"phases":[{"populate":true,"accesses":1}]}""", 422 },
        { $$"""{ {{Machine}},"phases":[{"accesses":1,"step":"3K"}]}""", 422 },
        { $$"""{ {{Machine}},"phases":[{"accesses":1,"name":"<script>"}]}""", 422 },
        { $$"""{ {{Machine}},"phases":[{"accesses":1,"mapping":7}]}""", 422 },
        { $$"""{ {{Machine}},"phases":[{"accesses":1,"zipfExponent":0}]}""", 422 },
        { $$"""{ {{Machine}},{{Phases}},"processes":0}""", 422 },
        { $$"""{ {{Machine}},{{Phases}},"processes":-5}""", 422 },
        { $$"""{ {{Machine}},{{Phases}},"seed":-1}""", 400 },
        { $$"""{ {{Machine}},{{Phases}},"seriesPoints":0}""", 422 },
        { $$"""{ {{Machine}},{{Phases}},"injections":[{"kind":"meteor"}]}""", 422 },
        { $$"""{ {{Machine}},{{Phases}},"injections":[{"kind":"poison"}]}""", 422 },
        { $$"""{ {{Machine}},{{Phases}},"injections":[{"kind":"poison","device":"dax0.0","offset":"1G"}]}""", 422 },
        { $$"""{ {{Machine}},{{Phases}},"tlb":{"firstPte":{"entries":63,"ways":4} } }""", 422 },
        { $$"""{ {{Machine}},{{Phases}},"tlb":{"firstPte":{"entries":64,"ways":0} } }""", 400 },
        { $$"""{"machine":{"devices":[]},"mappings":[{"device":"dax0.0","length":"64M"}],{{Phases}} }""", 422 },
        { $$"""{"machine":{"devices":[{"size":"1G","align":"3M"}]},"mappings":[{"device":"dax0.0","length":"64M"}],{{Phases}} }""", 422 },
        { $$"""{"machine":{"devices":[{"size":"1025M","align":"1G"}]},"mappings":[{"device":"dax0.0","length":"64M"}],{{Phases}} }""", 422 },
        { $$"""{"machine":{"devices":[{"size":9223372036854775807}]},"mappings":[{"device":"dax0.0","length":"64M"}],{{Phases}} }""", 422 },
        { $$"""{"machine":{"platform":{"pageTableLevels":3},"devices":[{"size":"1G"}]},"mappings":[{"device":"dax0.0","length":"64M"}],{{Phases}} }""", 422 },
        { $$"""{"machine":{"devices":[{"size":"1G"}]},"mappings":[{"device":"dax0.0","length":9223372036854775807,"offset":9223372036854775807}],{{Phases}} }""", 422 },
        { $$"""{"machine":{"devices":[{"size":"1G"}]},"mappings":[{"device":"../etc","length":"2M"}],{{Phases}} }""", 422 },
        { $$"""{"machine":{"devices":[{"size":"1G"}]},"mappings":[{"device":"dax0.0","length":"3M"}],{{Phases}} }""", 422 },
        { $$"""{"machine":{"devices":[{"size":"1G"}]},"mappings":[{"device":"dax0.0","length":0}],{{Phases}} }""", 422 },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task Create_HostileSpec_IsRefusedWithItsRuleAndChangesNothing(string json, int status)
    {
        await Eventually.Async(async () => await _api.GetAsync<ListPage<Contracts.Hosts.HostDto>>("/v1/hosts") is { Items.Count: > 0 } || await HostAsync("target") is not null, TimeSpan.FromSeconds(20));
        var before = await fixture.WriteAsync(db => db.Set<WorkloadRow>().CountAsync());

        var problem = await _api.RefusedAsync(HttpMethod.Post, "/v1/workloads", json, (HttpStatusCode)status);

        Assert.False(string.IsNullOrEmpty(problem.Errno + problem.Code + problem.Detail));
        Assert.True(status == 404 || problem.Errors is { Count: > 0 }, $"{problem.Code} names no member");
        Assert.Equal(before, await fixture.WriteAsync(db => db.Set<WorkloadRow>().CountAsync()));
    }
}

/// <summary>A workload that runs long, seen through the worker protocol.</summary>
public sealed class RunningWorkloadTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task Workload_Running_ShowsProgressIsCancelledAndThenDeleted()
    {
        await fixture.AddHostAsync("long");
        var worker = await ScriptedWorker.JoinAsync(fixture, "w-long");
        await worker.ReceiveAsync("boot");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/workloads")
        {
            Content = new StringContent("""{"machine":{"devices":[{"size":"1G"}]},"mappings":[{"device":"dax0.0","length":"64M"}],"phases":[{"accesses":90000000000}]}""", null, "application/json"),
        };
        request.Headers.Add("Prefer", "respond-async");
        var accepted = await (await _api.SendAsync(request)).ExpectAsync<OperationDto>(HttpStatusCode.Accepted);
        var (host, task) = await worker.ReceiveAsync("run-workload");
        await worker.SyncAsync(progress: [new TaskProgress { TaskId = task.TaskId, Fraction = 0.25 }]);

        var running = await _api.GetAsync<WorkloadDto>(accepted.ResourceLocation!);
        Assert.Equal(("running", 0.25), (running.State, running.Progress));
        var busy = await _api.RefusedAsync(HttpMethod.Delete, accepted.ResourceLocation!, null, HttpStatusCode.Conflict);
        Assert.Equal(("EBUSY", $"/v1/operations/{accepted.Id}/cancel"), (busy.Errno, busy.Allowed!.Single()));
        await _api.RefusedAsync(HttpMethod.Get, $"{accepted.ResourceLocation}/result", null, HttpStatusCode.Conflict);

        await _api.PostAsync<OperationDto>($"/v1/operations/{accepted.Id}/cancel", "{}");
        Assert.Contains(task.TaskId, (await worker.SyncAsync()).CancelledTasks);
        await worker.SyncAsync(results: [new TaskResult { TaskId = task.TaskId, HostId = host.HostId, Epoch = host.Epoch, Cancelled = true, Steps = [] }]);

        Assert.Equal("cancelled", (await _api.GetAsync<WorkloadDto>(accepted.ResourceLocation!)).State);
        await _api.RemoveAsync(accepted.ResourceLocation!);
    }
}
