using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Contracts.Workloads;

/// <summary>A workload: what was asked for, how far it is, and what it came to.</summary>
public sealed record WorkloadDto
{
    /// <summary>Id (UUIDv7).</summary>
    public required Guid Id { get; init; }

    /// <summary>Its name, if it has one.</summary>
    public string? Name { get; init; }

    /// <summary>The host whose devices it maps; null for a described machine.</summary>
    public string? Host { get; init; }

    /// <summary>Its operation: progress, and the way to cancel it.</summary>
    public required Guid Operation { get; init; }

    /// <summary><c>pending</c>, <c>running</c>, <c>succeeded</c>, <c>failed</c> or <c>cancelled</c>.</summary>
    public required string State { get; init; }

    /// <summary>0 to 1.</summary>
    public required double Progress { get; init; }

    /// <summary>The request.</summary>
    public required CreateWorkloadRequest Spec { get; init; }

    /// <summary>Everything counted at its end; null until then.</summary>
    public WorkloadFiguresDto? Figures { get; init; }

    /// <summary>A power cut ended it early, as injected.</summary>
    public bool EndedByPowerCut { get; init; }

    /// <summary>SHA-256 of the result's bytes as <c>/result</c> gives them: equal for equal specs, wherever they ran.</summary>
    public string? ResultSha256 { get; init; }

    /// <summary>Why it failed.</summary>
    public RefusalDto? Refusal { get; init; }

    /// <summary>When it was accepted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>Everything counted up to a point, over all processes.</summary>
public sealed record WorkloadFiguresDto
{
    /// <summary>Loads made.</summary>
    public required long Reads { get; init; }

    /// <summary>Stores made.</summary>
    public required long Writes { get; init; }

    /// <summary>Faults by size and outcome.</summary>
    public required FaultCountsDto Faults { get; init; }

    /// <summary>Found in the TLB's first level.</summary>
    public required long TlbFirstHits { get; init; }

    /// <summary>Found in its second level.</summary>
    public required long TlbSecondHits { get; init; }

    /// <summary>Found in neither: the table was walked.</summary>
    public required long TlbWalks { get; init; }

    /// <summary>Table entries the walks read.</summary>
    public required long WalkReferences { get; init; }

    /// <summary>Page tables of all processes at that point.</summary>
    public required PageTableBytesDto PageTables { get; init; }

    /// <summary>Accesses that ended in SIGBUS without poison.</summary>
    public required long SigBus { get; init; }

    /// <summary>Accesses that consumed poison.</summary>
    public required long MachineChecks { get; init; }

    /// <summary>BUS_MCEERR_AO sent to processes that also had the page.</summary>
    public required long OtherSignals { get; init; }

    /// <summary>Accesses that found no memory for a table.</summary>
    public required long OutOfMemory { get; init; }
}

/// <summary>A workload's result, a function of its spec and seed alone.</summary>
public sealed record WorkloadResultDto
{
    /// <summary>A power cut ended it early, as injected.</summary>
    public required bool EndedByPowerCut { get; init; }

    /// <summary>The end.</summary>
    public required WorkloadFiguresDto Figures { get; init; }

    /// <summary>The phases that ran.</summary>
    public required IReadOnlyList<WorkloadPhaseDto> Phases { get; init; }
}

/// <summary>How a phase went: a series for each figure, all of the same length, counted since the start of the load.</summary>
public sealed record WorkloadPhaseDto
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The points: accesses of each process in this phase.</summary>
    public required IReadOnlyList<long> Accesses { get; init; }

    /// <summary>Loads made.</summary>
    public required IReadOnlyList<long> Reads { get; init; }

    /// <summary>Stores made.</summary>
    public required IReadOnlyList<long> Writes { get; init; }

    /// <summary>4 KiB entries installed.</summary>
    public required IReadOnlyList<long> PteFaults { get; init; }

    /// <summary>2 MiB entries installed.</summary>
    public required IReadOnlyList<long> PmdFaults { get; init; }

    /// <summary>1 GiB entries installed.</summary>
    public required IReadOnlyList<long> PudFaults { get; init; }

    /// <summary>Accesses that ended in SIGBUS without poison.</summary>
    public required IReadOnlyList<long> SigBus { get; init; }

    /// <summary>Accesses that consumed poison.</summary>
    public required IReadOnlyList<long> MachineChecks { get; init; }

    /// <summary>Found in the TLB's first level.</summary>
    public required IReadOnlyList<long> TlbFirstHits { get; init; }

    /// <summary>Found in its second level.</summary>
    public required IReadOnlyList<long> TlbSecondHits { get; init; }

    /// <summary>Found in neither.</summary>
    public required IReadOnlyList<long> TlbWalks { get; init; }

    /// <summary>Table entries the walks read.</summary>
    public required IReadOnlyList<long> WalkReferences { get; init; }

    /// <summary>Bytes of all page tables.</summary>
    public required IReadOnlyList<long> PageTableBytes { get; init; }
}
