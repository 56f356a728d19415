using System.Collections.Immutable;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Tlb;

namespace PmemFleet.DeviceDax.Workloads;

/// <summary>Everything counted up to a point, over all processes.</summary>
/// <param name="Reads">Loads made.</param>
/// <param name="Writes">Stores made.</param>
/// <param name="Faults">Faults by size and outcome.</param>
/// <param name="Tlb">Translation caches; all 0 when not modelled.</param>
/// <param name="PageTables">Page-table pages at that point.</param>
/// <param name="SigBus">Accesses that ended in SIGBUS without poison.</param>
/// <param name="MachineChecks">Accesses that consumed poison.</param>
/// <param name="OtherSignals">BUS_MCEERR_AO sent to processes that also had the page.</param>
/// <param name="OutOfMemory">Accesses that found no memory for a table.</param>
public readonly record struct WorkloadFigures(
    long Reads,
    long Writes,
    FaultCounts Faults,
    TlbCounts Tlb,
    PageTableCensus PageTables,
    long SigBus,
    long MachineChecks,
    long OtherSignals,
    long OutOfMemory);

/// <summary>One point of a phase's series.</summary>
/// <param name="Accesses">Accesses of each process in the phase so far.</param>
/// <param name="Figures">Counted since the start of the load.</param>
public readonly record struct WorkloadPoint(long Accesses, WorkloadFigures Figures);

/// <summary>How a phase went.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Series">Its points, the last one at its end.</param>
public sealed record WorkloadPhaseResult(string Name, ImmutableArray<WorkloadPoint> Series);

/// <summary>The result of a load: the same for the same spec, whatever the machine or the number of threads.</summary>
/// <param name="Figures">The end.</param>
/// <param name="Phases">The phases that ran.</param>
/// <param name="EndedByPowerCut">True when a power cut ended it early.</param>
public sealed record WorkloadResult(WorkloadFigures Figures, ImmutableArray<WorkloadPhaseResult> Phases, bool EndedByPowerCut);

/// <summary>How far a load is.</summary>
/// <param name="AccessesDone">Accesses of all processes and phases so far.</param>
/// <param name="AccessesTotal">All there will be.</param>
/// <param name="Phase">The phase it is in.</param>
public readonly record struct WorkloadProgress(long AccessesDone, long AccessesTotal, string Phase);
