using System.Text.Json.Serialization;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Workloads;

namespace PmemFleet.Contracts.Sync;

/// <summary>What a step gave. (Not abstract: one that does not tell its kind is read as this, and refused; the parser would call an abstract one its own failure.)</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "result")]
[JsonDerivedType(typeof(StepDone), "done")]
[JsonDerivedType(typeof(StepRefused), "refused")]
[JsonDerivedType(typeof(StepBound), "bound")]
[JsonDerivedType(typeof(StepChecked), "checked")]
[JsonDerivedType(typeof(StepWorkload), "workload")]
[JsonDerivedType(typeof(StepScrubbed), "scrubbed")]
[JsonDerivedType(typeof(StepCampaign), "campaign")]
public record StepResult;

/// <summary>Done; nothing more to say.</summary>
public sealed record StepDone : StepResult;

/// <summary>Refused.</summary>
public sealed record StepRefused : StepResult
{
    /// <summary>Why.</summary>
    public required RefusalDto Refusal { get; init; }

    /// <summary>The namespace of a bind.</summary>
    public string? Namespace { get; init; }

    /// <summary>A bind: the personality that recognised its info block, holds the namespace, and did not start.</summary>
    public ConfiguredPersonalityDto? Claim { get; init; }

    /// <summary>Kernel messages.</summary>
    public IReadOnlyList<string> Messages { get; set; } = [];
}

/// <summary>A namespace is bound (Nvdimm's <c>BindOutcome</c>).</summary>
public sealed record StepBound : StepResult
{
    /// <summary>The device name.</summary>
    public required string Namespace { get; init; }

    /// <summary><c>raw</c>, <c>btt</c>, <c>pfn</c> or <c>dax</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The personality's uuid.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>Usable bytes of a personality.</summary>
    public long? Size { get; init; }

    /// <summary>BTT: external sector size.</summary>
    public long? SectorSize { get; init; }

    /// <summary>BTT: <c>1.1</c> or <c>2.0</c>.</summary>
    public string? Version { get; init; }

    /// <summary>PFN, DAX: <c>mem</c> or <c>dev</c>.</summary>
    public string? Map { get; init; }

    /// <summary>PFN, DAX: alignment.</summary>
    public long? Align { get; init; }

    /// <summary>PFN, DAX: data offset.</summary>
    public long? DataOffset { get; init; }

    /// <summary>PFN, DAX: start pad.</summary>
    public long? StartPad { get; init; }

    /// <summary>PFN, DAX: end truncation.</summary>
    public long? EndTrunc { get; init; }

    /// <summary>PFN, DAX: 4 KiB pages.</summary>
    public long? PageCount { get; init; }

    /// <summary>Kernel messages.</summary>
    public IReadOnlyList<string> Messages { get; set; } = [];
}

/// <summary>A scrub was started, or done.</summary>
public sealed record StepScrubbed : StepResult
{
    /// <summary>The bus's scrub then.</summary>
    public required ScrubDto Scrub { get; init; }
}

/// <summary>A campaign's part was run.</summary>
public sealed record StepCampaign : StepResult
{
    /// <summary>What came of it.</summary>
    public required CampaignPartDto Part { get; init; }
}

/// <summary>A BTT was checked.</summary>
public sealed record StepChecked : StepResult
{
    /// <summary>Nothing is left to repair.</summary>
    public required bool Consistent { get; init; }

    /// <summary>What was found, as ndctl prints it.</summary>
    public required IReadOnlyList<string> Messages { get; init; }
}

/// <summary>A workload ran to its end.</summary>
public sealed record StepWorkload : StepResult
{
    /// <summary>The result.</summary>
    public required WorkloadResultDto Outcome { get; init; }

    /// <summary>SHA-256 of the result's JSON, lower-case hexadecimal.</summary>
    public required string Sha256 { get; init; }
}
