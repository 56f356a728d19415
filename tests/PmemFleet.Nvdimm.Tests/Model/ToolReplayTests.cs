using System.Collections.Concurrent;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>Recorded sessions of the tools over media with bytes, step by step (<see cref="ToolReplay"/>).</summary>
public class ToolReplayTests
{
    private static ConcurrentDictionary<string, SortedDictionary<int, string?>> Runs { get; } = new();

    public static TheoryData<string, int, string> Steps
    {
        get
        {
            var rows = new TheoryData<string, int, string>();
            foreach (var @case in ToolReplay.Cases)
            {
                var events = GoldenVectors.Events(@case);
                foreach (var step in Run(@case).Keys)
                {
                    rows.Add(@case, step, GoldenReplay.Title(events[step]!));
                }
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public void Replay_RecordedStep_AgreesWithLinux(string @case, int step, string what)
    {
        Assert.NotNull(what);
        Assert.True(Run(@case)[step] is null, Run(@case)[step]);
    }

    private static SortedDictionary<int, string?> Run(string @case) => Runs.GetOrAdd(@case, ToolReplay.Run);
}
