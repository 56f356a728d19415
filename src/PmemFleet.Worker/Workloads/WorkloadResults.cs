using System.Security.Cryptography;
using System.Text.Json;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workloads;
using PmemFleet.DeviceDax.Workloads;
using PmemFleet.Worker.DataPlane;

namespace PmemFleet.Worker.Workloads;

/// <summary>A workload's result in the wire's form, with the digest of its bytes.</summary>
internal static class WorkloadResults
{
    public static StepWorkload ToStep(WorkloadResult result)
    {
        var dto = new WorkloadResultDto
        {
            EndedByPowerCut = result.EndedByPowerCut,
            Figures = Show(result.Figures),
            Phases = [.. result.Phases.Select(Show)],
        };
        var bytes = JsonSerializer.SerializeToUtf8Bytes(dto, FleetJsonContext.Default.WorkloadResultDto);
        return new StepWorkload { Outcome = dto, Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)) };
    }

    private static WorkloadFiguresDto Show(WorkloadFigures figures) => new()
    {
        Reads = figures.Reads,
        Writes = figures.Writes,
        Faults = ProcessSession.Show(figures.Faults),
        TlbFirstHits = figures.Tlb.FirstHits,
        TlbSecondHits = figures.Tlb.SecondHits,
        TlbWalks = figures.Tlb.Walks,
        WalkReferences = figures.Tlb.WalkReferences,
        PageTables = ProcessSession.Show(figures.PageTables),
        SigBus = figures.SigBus,
        MachineChecks = figures.MachineChecks,
        OtherSignals = figures.OtherSignals,
        OutOfMemory = figures.OutOfMemory,
    };

    private static WorkloadPhaseDto Show(WorkloadPhaseResult phase)
    {
        IReadOnlyList<long> Series(Func<WorkloadFigures, long> figure) => [.. phase.Series.Select(point => figure(point.Figures))];
        return new WorkloadPhaseDto
        {
            Name = phase.Name,
            Accesses = [.. phase.Series.Select(point => point.Accesses)],
            Reads = Series(figures => figures.Reads),
            Writes = Series(figures => figures.Writes),
            PteFaults = Series(figures => figures.Faults.Pte.NoPage),
            PmdFaults = Series(figures => figures.Faults.Pmd.NoPage),
            PudFaults = Series(figures => figures.Faults.Pud.NoPage),
            SigBus = Series(figures => figures.SigBus),
            MachineChecks = Series(figures => figures.MachineChecks),
            TlbFirstHits = Series(figures => figures.Tlb.FirstHits),
            TlbSecondHits = Series(figures => figures.Tlb.SecondHits),
            TlbWalks = Series(figures => figures.Tlb.Walks),
            WalkReferences = Series(figures => figures.Tlb.WalkReferences),
            PageTableBytes = Series(figures => figures.PageTables.Bytes),
        };
    }
}
