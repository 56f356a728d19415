using PmemFleet.Benchmarks.Errors;
using PmemFleet.Benchmarks.Faults;

namespace PmemFleet.Benchmarks.Harness;

/// <summary>The registry: design section 7 names the groups.</summary>
internal static class BenchmarkGroups
{
    public static IReadOnlyList<BenchmarkGroup> All { get; } =
    [
        new UnwrittenGroup("model"),
        new FaultsGroup(),
        new ErrorsGroup(),
        new UnwrittenGroup("control-plane"),
    ];
}
