using System.Text.Json;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Tlb;
using PmemFleet.DeviceDax.Workloads;

namespace PmemFleet.DeviceDax.Tests.Workloads;

public class WorkloadTests
{
    private static WorkloadSpec Spec(PageGranule granule, ulong deviceBytes, ulong mapBytes, params WorkloadPhase[] phases) => new()
    {
        Seed = 7,
        Devices = [new(new(0, new(new(1UL << 40), new(deviceBytes)), granule), new(0))],
        Mappings = [new("dax0.0", mapBytes)],
        Phases = [.. phases],
    };

    private static string Json(WorkloadSpec spec, int threads) => JsonSerializer.Serialize(WorkloadRunner.Run(spec, threads).Value);

    [Theory]
    [InlineData(AccessPatternKind.Sequential)]
    [InlineData(AccessPatternKind.Stride)]
    [InlineData(AccessPatternKind.Uniform)]
    [InlineData(AccessPatternKind.Zipf)]
    [InlineData(AccessPatternKind.PointerChase)]
    public void Run_WithAnyThreads_GivesTheSameBytes(AccessPatternKind pattern)
    {
        var spec = Spec(PageGranule.Pte, ByteCount.GiB, 64 * ByteCount.MiB, new WorkloadPhase("one") { Pattern = pattern, Accesses = 30_000, WritePercent = 30, StrideBytes = 12288 }) with
        {
            Processes = 5,
            Tlb = TlbGeometry.Server,
            Injections =
            [
                new(InjectionKind.Poison, 0, 10_001) { Device = "dax0.0", Offset = 4096 * 100, Length = 4096 * 200 },
                new(InjectionKind.Disable, 0, 25_000) { Device = "dax0.0" },
            ],
        };
        var once = Json(spec, 1);
        Assert.Equal(once, Json(spec, 2));
        Assert.Equal(once, Json(spec, 7));
        Assert.NotEqual(once, Json(spec with { SeriesPoints = 3 }, 1));
        var result = WorkloadRunner.Run(spec, 2).Value;
        Assert.Equal(5 * 5000, result.Figures.SigBus);
        Assert.True(pattern is AccessPatternKind.Sequential or AccessPatternKind.Stride or AccessPatternKind.Zipf || result.Figures.MachineChecks > 0);
    }

    [Theory]
    [InlineData(PageGranule.Pte, 512 * 512)]
    [InlineData(PageGranule.Pmd, 512)]
    [InlineData(PageGranule.Pud, 1)]
    public void Run_Populating_CountsWhatTouchingEachPageWould(PageGranule granule, long faults)
    {
        var touched = WorkloadRunner.Run(Spec(granule, ByteCount.GiB, ByteCount.GiB, new WorkloadPhase("touch") { Accesses = 512 * 512 })).Value.Figures;
        var populated = WorkloadRunner.Run(Spec(granule, ByteCount.GiB, ByteCount.GiB, new WorkloadPhase("fill") { Populates = true })).Value.Figures;
        Assert.Equal(faults, touched.Faults.MinorFaults);
        Assert.Equal(touched.Faults, populated.Faults);
        Assert.Equal(touched.PageTables, populated.PageTables);
    }

    [Fact]
    public void Run_BeyondTheDevice_CountsSigBus()
    {
        var figures = WorkloadRunner.Run(Spec(PageGranule.Pmd, ByteCount.GiB, 2 * ByteCount.GiB, new WorkloadPhase("touch") { Accesses = 2 * 512 * 512 })).Value.Figures;
        Assert.Equal(512, figures.Faults.MinorFaults);
        Assert.Equal(512 * 512, figures.SigBus);
    }

    [Fact]
    public void Run_WithPowerCut_EndsThere()
    {
        var spec = Spec(PageGranule.Pte, ByteCount.GiB, ByteCount.GiB, new WorkloadPhase("a") { Accesses = 1000 }, new WorkloadPhase("b") { Accesses = 1000 });
        var result = WorkloadRunner.Run(spec with { Injections = [new(InjectionKind.PowerCut, 1, 10)] }).Value;
        Assert.True(result.EndedByPowerCut);
        Assert.Equal(1010, result.Figures.Reads);
        Assert.Equal(10, result.Phases[1].Series[^1].Accesses);
    }

    [Fact]
    public void Run_PoisonSharedByTwo_TellsTheOther()
    {
        var spec = Spec(PageGranule.Pmd, ByteCount.GiB, ByteCount.GiB, new WorkloadPhase("warm") { Populates = true }, new WorkloadPhase("read") { Accesses = 512 * 512, Pattern = AccessPatternKind.PointerChase }) with
        {
            Processes = 2,
            Injections = [new(InjectionKind.Poison, 1, 0) { Device = "dax0.0", Offset = 0, Length = 64 }],
        };
        var figures = WorkloadRunner.Run(spec, 2).Value.Figures;
        Assert.Equal(2, figures.MachineChecks);
        Assert.True(figures.OtherSignals is 1 or 2, $"{figures.OtherSignals}");
    }

    [Fact]
    public void Run_Cancelled_Stops()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => WorkloadRunner.Run(Spec(PageGranule.Pte, ByteCount.GiB, ByteCount.GiB, new WorkloadPhase("a") { Accesses = long.MaxValue / 4 }), token: source.Token));
    }

    [Fact]
    public void Run_OfNonsense_IsRefused()
    {
        var spec = Spec(PageGranule.Pte, ByteCount.GiB, ByteCount.GiB, new WorkloadPhase("a") { Mapping = 3 });
        Assert.Equal("phases/0/mapping", WorkloadRunner.Run(spec).Refusal!.Subject);
        Assert.Equal(Errno.EINVAL, WorkloadRunner.Run(Spec(PageGranule.Pmd, ByteCount.GiB, 4096, new WorkloadPhase("a"))).Refusal!.Errno);
    }

    [Fact]
    public void Run_Chasing_VisitsEveryPageOnce()
    {
        var figures = WorkloadRunner.Run(Spec(PageGranule.Pte, ByteCount.GiB, 4096 * 1000, new WorkloadPhase("a") { Pattern = AccessPatternKind.PointerChase, Accesses = 1000, WritePercent = 0 })).Value.Figures;
        Assert.Equal(1000, figures.Faults.MinorFaults);
    }

    [Fact]
    public void Run_Zipf_PrefersFewPages()
    {
        var uniform = WorkloadRunner.Run(Spec(PageGranule.Pte, ByteCount.GiB, ByteCount.GiB, new WorkloadPhase("a") { Pattern = AccessPatternKind.Uniform, Accesses = 200_000 })).Value.Figures;
        var zipf = WorkloadRunner.Run(Spec(PageGranule.Pte, ByteCount.GiB, ByteCount.GiB, new WorkloadPhase("a") { Pattern = AccessPatternKind.Zipf, Accesses = 200_000 })).Value.Figures;
        Assert.InRange(uniform.Faults.MinorFaults, 135_000, 145_000); // n(1 - e^-(a/n)) = 139,900
        Assert.InRange(zipf.Faults.MinorFaults, 30_000, 90_000);
    }

    [Fact]
    public void Tlb_SequentialFirstTouch_MissesOncePerPage()
    {
        var figures = WorkloadRunner.Run(Spec(PageGranule.Pte, ByteCount.GiB, 64 * ByteCount.MiB, new WorkloadPhase("a") { Accesses = 16384 * 8, StepBytes = 512 }) with { Tlb = TlbGeometry.Server }).Value.Figures;
        Assert.Equal(16384, figures.Tlb.Walks);
        Assert.Equal(16384 * 7, figures.Tlb.FirstHits);
        // One entry read a walk, a second for each new 2 MiB, a third for a new 1 GiB, four for the very first.
        Assert.InRange(figures.Tlb.WalkReferences, 16384 + 32 + 2, 16384 + 33 + 6);
    }
}
