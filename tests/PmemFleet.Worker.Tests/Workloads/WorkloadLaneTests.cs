using PmemFleet.Contracts.Sync;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Workloads;
using PmemFleet.Worker.Tests.Media;
using PmemFleet.Worker.Tests.Support;
using PmemFleet.Worker.Workloads;

namespace PmemFleet.Worker.Tests.Workloads;

/// <summary>Workloads on a worker: beside the host's tasks, cancelled, ended by the host, and begun anew.</summary>
public sealed class WorkloadLaneTests : IAsyncLifetime
{
    private const long DaxStart = TestLayout.Start + (2 << 20);
    private const long DaxSize = TestLayout.RegionBytes - (2 << 20);
    private WorkerFixture _worker = null!;

    public async Task InitializeAsync() => _worker = await WorkerFixture.StartAsync();

    public async Task DisposeAsync() => await _worker.DisposeAsync();

    /// <summary>On a device of the host's size, wherever it lies.</summary>
    private static WorkloadSpec Spec(long accesses, long start = 1L << 40) => new()
    {
        Seed = 11,
        Processes = 2,
        Devices = [new(new(0, new(new((ulong)start), new((ulong)DaxSize)), PageGranule.Pmd), new(0))],
        Mappings = [new("dax0.0", 64 * ByteCount.MiB)],
        Phases = [new("a") { Pattern = AccessPatternKind.Zipf, Accesses = accesses, WritePercent = 10 }],
        Injections = [new(InjectionKind.Poison, 0, accesses / 2) { Device = "dax0.0", Offset = 2 << 20, Length = 1 << 20 }],
    };

    private static RunWorkloadStep Described(long accesses) => new() { Spec = WorkloadSpecText.Write(Spec(accesses)), Devices = [] };

    private static RunWorkloadStep OnHost(long accesses) => new()
    {
        Spec = WorkloadSpecText.Write(Spec(accesses, DaxStart)),
        Devices = [new WorkloadDeviceOfHost("dax0.0", "namespace0.0", DaxStart, DaxSize, 2 << 20)],
    };

    private ScriptedHost.QueuedTask Enqueue(TaskStep step) => _worker.Api.Change(() => _worker.Host.Enqueue([step], "run-workload"));

    private async Task UntilRunningAsync(ScriptedHost.QueuedTask task) => await Deadlines.UntilAsync(
        () => _worker.Api.Syncs.Any(sync => sync.Progress?.Any(one => one.TaskId == task.Id && one.Fraction is > 0 and <= 1) == true), "progress is told");

    [Fact]
    public async Task Run_OnTheHostsDeviceOrDescribed_GivesTheLibrarysBytes()
    {
        await _worker.RunAsync(TestLayout.Bind(TestLayout.DevDax, "dax"));

        var onHost = Assert.IsType<StepWorkload>(Assert.Single((await _worker.RunAsync(OnHost(20_000))).Steps));
        var described = Assert.IsType<StepWorkload>(Assert.Single((await _worker.RunAsync(Described(20_000))).Steps));

        var expected = WorkloadResults.ToStep(WorkloadRunner.Run(Spec(20_000), 3).Value);
        Assert.Equal([expected.Sha256, expected.Sha256], (string[])[onHost.Sha256, described.Sha256]);
        Assert.Equal(40_000, onHost.Outcome.Figures.Reads + onHost.Outcome.Figures.Writes);
        Assert.True(onHost.Outcome.Figures.MachineChecks > 0);
    }

    [Fact]
    public async Task Run_Long_LetsOtherTasksPassAndIsCancelled()
    {
        var load = Enqueue(Described(4_000_000_000));
        await UntilRunningAsync(load);

        // the tasks behind it do not wait for it
        Assert.IsType<StepScrubbed>(Assert.Single((await _worker.RunAsync(new ScrubStep())).Steps));
        Assert.False(load.Completion.Task.IsCompleted);

        _worker.Api.Cancel(_worker.Host, load.Id);
        var result = await load.Completion.Task.WaitAsync(Deadlines.Long);
        Assert.True(result.Cancelled);
        Assert.Empty(result.Steps);
    }

    [Fact]
    public async Task Power_WhileAWorkloadRunsOnTheHost_EndsItButNotADescribedOne()
    {
        await _worker.RunAsync(TestLayout.Bind(TestLayout.DevDax, "dax"));
        var (onHost, described) = (Enqueue(OnHost(4_000_000_000)), Enqueue(Described(4_000_000_000)));
        await UntilRunningAsync(onHost);

        await _worker.RunAsync(new BootStep { UnsafeShutdown = true });

        var ended = Assert.IsType<StepRefused>(Assert.Single((await onHost.Completion.Task.WaitAsync(Deadlines.Long)).Steps));
        Assert.Equal(("EHOSTDOWN", "host-power-lost"), (ended.Refusal.Errno, ended.Refusal.Code));
        await UntilRunningAsync(described);
        Assert.False(described.Completion.Task.IsCompleted);
    }

    [Fact]
    public async Task Unbind_WhileAWorkloadRunsOnTheDevice_EndsIt()
    {
        await _worker.RunAsync(TestLayout.Bind(TestLayout.DevDax, "dax"));
        var load = Enqueue(OnHost(4_000_000_000));
        await UntilRunningAsync(load);

        await _worker.RunAsync(new UnbindStep { Namespace = "namespace0.0" });

        var ended = Assert.IsType<StepRefused>(Assert.Single((await load.Completion.Task.WaitAsync(Deadlines.Long)).Steps));
        Assert.Equal(("ENXIO", "device-disabled"), (ended.Refusal.Errno, ended.Refusal.Code));
        var later = Assert.IsType<StepRefused>(Assert.Single((await _worker.RunAsync(OnHost(1000))).Steps));
        Assert.Equal("ENXIO", later.Refusal.Errno);
    }

    [Fact]
    public async Task Cancel_BeforeItBegan_NeverRuns()
    {
        // two slots are taken, the third waits
        var running = Enumerable.Range(0, 2).Select(_ => Enqueue(Described(4_000_000_000))).ToList();
        await UntilRunningAsync(running[1]);
        var third = Enqueue(Described(1000));
        await _worker.RunAsync(new ScrubStep());
        Assert.False(third.Completion.Task.IsCompleted);

        _worker.Api.Cancel(_worker.Host, third.Id);
        Assert.True((await third.Completion.Task.WaitAsync(Deadlines.Long)).Cancelled);
    }

    [Fact]
    public async Task Run_WorkerKilledInItsMiddle_BeginsAgainAndGivesTheSameBytes()
    {
        using var folder = new MediaFolder();
        await using var api = await ScriptedFleetApi.StartAsync();
        var host = api.AddHost(TestLayout.New());
        await using var worker = WorkerProcess.Start(api, folder.Path);
        await api.Enqueue(host, []);
        var load = api.Enqueue(host, [Described(3_000_000)], "run-workload");
        await Deadlines.UntilAsync(() => api.Syncs.Any(sync => sync.Progress is { Count: > 0 }) || load.IsCompleted, "it runs");
        Assert.False(load.IsCompleted);

        await worker.RestartAsync();

        var result = Assert.IsType<StepWorkload>(Assert.Single((await load).Steps));
        Assert.Equal(WorkloadResults.ToStep(WorkloadRunner.Run(Spec(3_000_000)).Value).Sha256, result.Sha256);
    }
}
