using PmemFleet.Benchmarks.ControlPlane;
using PmemFleet.Benchmarks.Errors;
using PmemFleet.Benchmarks.Faults;
using PmemFleet.Benchmarks.Model;

namespace PmemFleet.Benchmarks.Harness;

/// <summary>The registry: design section 7 names the groups.</summary>
internal static class BenchmarkGroups
{
    public static IReadOnlyList<BenchmarkGroup> All { get; } =
    [
        new ModelGroup(),
        new FaultsGroup(),
        new ErrorsGroup(),
        new ControlPlaneGroup(),
    ];
}
