using System.Text.Json;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Tlb;
using PmemFleet.DeviceDax.Workloads;

namespace PmemFleet.DeviceDax.Tests.Workloads;

/// <summary>What a service refuses, and the text a load travels as.</summary>
public class WorkloadLimitsTests
{
    private static WorkloadSpec Spec { get; } = new()
    {
        Devices = [new(new(0, new(new(1UL << 40), new(ByteCount.TiB)), PageGranule.Pte), new(0))],
        Mappings = [new("dax0.0", ByteCount.GiB)],
        Phases = [new("a") { Accesses = 1000 }],
    };

    public static TheoryData<string, string, Func<WorkloadSpec, WorkloadSpec>> Hostile => new()
    {
        { "processes", "EINVAL", spec => spec with { Processes = 0 } },
        { "processes", "EINVAL", spec => spec with { Processes = int.MaxValue } },
        { "phases", "EINVAL", spec => spec with { Phases = [new("a") { Accesses = 1_000_000_000_000 }] } },
        { "phases", "EINVAL", spec => spec with { Processes = 100_000, Phases = [new("a") { Accesses = long.MaxValue }] } },
        { "phases", "EINVAL", spec => spec with { Phases = [.. Enumerable.Repeat(new WorkloadPhase("a") { Accesses = long.MaxValue }, 64)] } },
        { "phases/0/accesses", "EINVAL", spec => spec with { Phases = [new("a") { Accesses = -1 }] } },
        { "phases/0/step", "EINVAL", spec => spec with { Phases = [new("a") { StepBytes = 4097 }] } },
        { "phases/0/step", "EINVAL", spec => spec with { Phases = [new("a") { StepBytes = 1UL << 63 }] } },
        { "phases/0/stride", "EINVAL", spec => spec with { Phases = [new("a") { StrideBytes = 0 }] } },
        { "phases/0/zipfExponent", "EINVAL", spec => spec with { Phases = [new("a") { ZipfExponent = double.NaN }] } },
        { "phases/0/writePercent", "EINVAL", spec => spec with { Phases = [new("a") { WritePercent = 101 }] } },
        { "phases/0/mapping", "EINVAL", spec => spec with { Phases = [new("a") { Mapping = int.MinValue }] } },
        { "phases", "EINVAL", spec => spec with { Phases = [.. Enumerable.Repeat(new WorkloadPhase("a"), 65)] } },
        { "mappings", "EINVAL", spec => spec with { Mappings = [.. Enumerable.Repeat(spec.Mappings[0], 17)] } },
        { "seriesPoints", "EINVAL", spec => spec with { Phases = [.. Enumerable.Repeat(new WorkloadPhase("a"), 5)], SeriesPoints = 1000 } },
        { "injections/0/device", "EINVAL", spec => spec with { Injections = [new(InjectionKind.Disable, 0, 0) { Device = "dax7.0" }] } },
        { "injections/0/phase", "EINVAL", spec => spec with { Injections = [new(InjectionKind.PowerCut, 1, 0)] } },
        { "injections/0/offset", "EINVAL", spec => spec with { Injections = [new(InjectionKind.Poison, 0, 0) { Device = "dax0.0", Offset = ulong.MaxValue, Length = ulong.MaxValue }] } },
        { "injections", "EINVAL", spec => spec with { Injections = [new(InjectionKind.Poison, 0, 0) { Device = "dax0.0", Length = ByteCount.TiB }] } },
        { "processes", "ENOMEM", spec => spec with { Processes = 1000, Mappings = [new("dax0.0", ByteCount.TiB)], Phases = [new("a") { Pattern = AccessPatternKind.Uniform, Accesses = 50_000_000 }] } },
        { "processes", "ENOMEM", spec => spec with { Processes = 100_000, Tlb = TlbGeometry.Server } },
        { "tlb", "EINVAL", spec => spec with { Tlb = new() { FirstPte = new(63, 4) } } },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Validate_HostileSpec_IsRefusedAtOnceWithItsPlace(string subject, string errno, Func<WorkloadSpec, WorkloadSpec> spoil)
    {
        var refusal = WorkloadRunner.Validate(spoil(Spec))!;
        Assert.Equal((subject, errno), (refusal.Subject, refusal.Errno.ToString()));
        Assert.True(errno != "ENOMEM" || ulong.Parse(refusal.Numbers["estimatedBytes"], null) > ulong.Parse(refusal.Numbers["limit"], null));
    }

    [Fact]
    public void Validate_GoodSpec_IsNotRefused() => Assert.Null(WorkloadRunner.Validate(Spec));

    [Theory]
    [InlineData(ByteCount.GiB + 4096, 0UL)]
    [InlineData(ByteCount.GiB, 4096UL)]
    [InlineData(0UL, 0UL)]
    [InlineData(ulong.MaxValue, 0UL)]
    public void Validate_MappingThatMmapRefuses_SaysWhatMmapSays(ulong length, ulong offset)
    {
        var device = new WorkloadDevice(new(0, new(new(1UL << 40), new(ByteCount.TiB)), PageGranule.Pmd), new(0));
        var refusal = WorkloadRunner.Validate(Spec with { Devices = [device], Mappings = [new("dax0.0", length, offset)], Phases = [new("a") { Populates = true, StepBytes = 8 }] });
        Assert.True(refusal is not null || offset == 4096);
        Assert.True(refusal is null || refusal.Errno is Errno.EINVAL or Errno.ENOMEM or Errno.EOVERFLOW);
    }

    [Fact]
    public void Text_OfASpec_RunsToTheSameBytes()
    {
        var spec = Spec with
        {
            Seed = ulong.MaxValue,
            Processes = 3,
            Profile = new() { PageTableLevels = 5, HasPudPages = false },
            Devices = [Spec.Devices[0], new(new(1, new(new(1UL << 42), new(ByteCount.GiB)), PageGranule.Pmd), new(4))],
            Mappings = [new("dax0.0", ByteCount.GiB), new("dax1.4", ByteCount.GiB)],
            Phases = [new("a") { Pattern = AccessPatternKind.Zipf, Accesses = 20_000, ZipfExponent = 1.1, WritePercent = 25 }, new("b") { Mapping = 1, Pattern = AccessPatternKind.Stride, StrideBytes = 12345 * 8, Accesses = 1000 }],
            Injections = [new(InjectionKind.Poison, 0, 777) { Device = "dax0.0", Length = 1 << 20 }, new(InjectionKind.Disable, 1, 10) { Device = "dax1.4" }],
            Tlb = TlbGeometry.Server,
            SeriesPoints = 9,
        };
        var again = WorkloadSpecText.Read(WorkloadSpecText.Write(spec));
        Assert.Equal(WorkloadSpecText.Write(spec), WorkloadSpecText.Write(again));
        Assert.Equal(JsonSerializer.Serialize(WorkloadRunner.Run(spec).Value), JsonSerializer.Serialize(WorkloadRunner.Run(again, 3).Value));
    }

    [Fact]
    public void Run_OfDevicesInOneRegion_FindsEach()
    {
        // two namespaces of region0: dax0.0 and dax0.1 have a dax region each, both of id 0
        var spec = Spec with
        {
            Devices = [new(new(0, new(new(1UL << 40), new(ByteCount.GiB)), PageGranule.Pmd), new(0)), new(new(0, new(new(1UL << 41), new(ByteCount.GiB)), PageGranule.Pte), new(1))],
            Mappings = [new("dax0.0", ByteCount.GiB), new("dax0.1", ByteCount.GiB)],
            Phases = [new("a") { Populates = true }, new("b") { Mapping = 1, Populates = true }],
        };
        var faults = WorkloadRunner.Run(spec).Value.Figures.Faults;
        Assert.Equal((512, 512 * 512), (faults.Pmd.NoPage, faults.Pte.NoPage));
    }

    [Fact]
    public void Run_OneLongSlice_ReportsProgressInside()
    {
        var seen = new List<long>();
        var progress = new Collect(value => seen.Add(value.AccessesDone));
        Assert.True(WorkloadRunner.Run(Spec with { Phases = [new("a") { Accesses = 5 << 20 }], SeriesPoints = 1 }, 1, progress).TryGet(out _, out _));
        Assert.Equal([1 << 20, 2 << 20, 3 << 20, 4 << 20, 5 << 20], seen);
    }

    private sealed class Collect(Action<WorkloadProgress> act) : IProgress<WorkloadProgress>
    {
        public void Report(WorkloadProgress value) => act(value);
    }
}
