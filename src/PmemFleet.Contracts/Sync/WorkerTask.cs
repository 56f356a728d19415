using System.Text.Json.Serialization;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Health;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Contracts.Sync;

/// <summary>Work for one host. Executed at least once; its effect and its result happen once (the worker keeps the result by task id).</summary>
public sealed record WorkerTask
{
    /// <summary>Stable id.</summary>
    public required Guid TaskId { get; init; }

    /// <summary>Position in the host's own sequence.</summary>
    public required long Sequence { get; init; }

    /// <summary>The operation's kind, for logs and traces.</summary>
    public required string Kind { get; init; }

    /// <summary>W3C trace context of the request that asked for it.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The steps, in order; the first refused one ends the task.</summary>
    public required IReadOnlyList<TaskStep> Steps { get; init; }
}

/// <summary>What became of a task.</summary>
public sealed record TaskResult
{
    /// <summary>The task.</summary>
    public required Guid TaskId { get; init; }

    /// <summary>Its host.</summary>
    public required Guid HostId { get; init; }

    /// <summary>The epoch under which it was executed.</summary>
    public required long Epoch { get; init; }

    /// <summary>The task was cancelled before its end.</summary>
    public bool Cancelled { get; init; }

    /// <summary>One result for each step that was executed; the last one may be a refusal.</summary>
    public required IReadOnlyList<StepResult> Steps { get; init; }
}

/// <summary>One step on the media or in the engine.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "step")]
[JsonDerivedType(typeof(BootStep), "boot")]
[JsonDerivedType(typeof(ShutdownStep), "shutdown")]
[JsonDerivedType(typeof(BindStep), "bind")]
[JsonDerivedType(typeof(UnbindStep), "unbind")]
[JsonDerivedType(typeof(ZeroStep), "zero")]
[JsonDerivedType(typeof(WipeDimmStep), "wipe-dimm")]
[JsonDerivedType(typeof(TakeImageStep), "take-image")]
[JsonDerivedType(typeof(InjectErrorsStep), "inject-errors")]
[JsonDerivedType(typeof(ClearErrorsStep), "clear-errors")]
[JsonDerivedType(typeof(ScrubStep), "scrub")]
[JsonDerivedType(typeof(CheckBttStep), "check-btt")]
[JsonDerivedType(typeof(RunWorkloadStep), "run-workload")]
[JsonDerivedType(typeof(InjectSmartStep), "inject-smart")]
[JsonDerivedType(typeof(SecurityStep), "security")]
[JsonDerivedType(typeof(FirmwareStep), "firmware")]
[JsonDerivedType(typeof(CampaignStep), "campaign")]
[JsonDerivedType(typeof(RefuseStep), "refuse")]
public abstract record TaskStep
{
    /// <summary>
    /// A failure is the step's result, not the task's end: a boot binds each namespace for itself, and a check that fails is followed by
    /// the bind.
    /// </summary>
    public bool ContinueOnFailure { get; init; }
}

/// <summary>
/// Fails with a refusal that was known before: the last step of a command that Linux ends with an error after it has changed something.
/// What comes before it is done, and the operation fails with the refusal.
/// </summary>
public sealed record RefuseStep : TaskStep
{
    /// <summary>How the command ends.</summary>
    public required RefusalDto Refusal { get; init; }
}

/// <summary>
/// A step that may take long: the only one of its task. It begins in its turn and then runs beside the host's other tasks, with progress;
/// a cancellation stops it in its middle, and after the loss of its worker it begins anew on the next one.
/// </summary>
public abstract record LongStep : TaskStep;

/// <summary>Runs a workload.</summary>
public sealed record RunWorkloadStep : LongStep
{
    /// <summary>The whole spec, as the fault engine's <c>WorkloadSpecText</c> writes it.</summary>
    public required string Spec { get; init; }

    /// <summary>The host's devices that the spec copies; each has to be enabled, and as it was when the workload was accepted. Empty: a described machine.</summary>
    public required IReadOnlyList<WorkloadDeviceOfHost> Devices { get; init; }
}

/// <summary>A device of a host that a workload copies.</summary>
/// <param name="Name">Such as <c>dax0.0</c>.</param>
/// <param name="Namespace">The namespace below it.</param>
/// <param name="Start">System physical address of its first byte.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Align">Granule.</param>
public sealed record WorkloadDeviceOfHost(string Name, string Namespace, long Start, long Size, long Align);

/// <summary>The host comes up: processes and mappings of a former boot are gone, nothing is bound yet.</summary>
public sealed record BootStep : TaskStep
{
    /// <summary>The former boot ended without a clean shutdown; DIMMs count it.</summary>
    public required bool UnsafeShutdown { get; init; }
}

/// <summary>The host goes down cleanly: all is unbound and flushed.</summary>
public sealed record ShutdownStep : TaskStep;

/// <summary>Binds a namespace: info blocks are probed, or a configured personality is started (Nvdimm's <c>BindPlan</c>).</summary>
public sealed record BindStep : TaskStep
{
    /// <summary>The device name.</summary>
    public required string Namespace { get; init; }

    /// <summary>The namespace's row.</summary>
    public required Guid NamespaceId { get; init; }

    /// <summary>System physical address.</summary>
    public required long Start { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>The namespace's own uuid; null for a label-less one.</summary>
    public Guid? ParentUuid { get; init; }

    /// <summary><c>none</c>, <c>btt</c>, <c>btt2</c>, <c>pfn</c>, <c>dax</c>, <c>unknown</c>.</summary>
    public required string ClaimClass { get; init; }

    /// <summary>Info blocks are not looked at.</summary>
    public bool ForceRaw { get; init; }

    /// <summary>Bytes of a logical block of the namespace's block device: 512 or 4096. Reads and writes are of whole blocks.</summary>
    public int LogicalBlockBytes { get; init; } = 512;

    /// <summary>The region is read-only.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The personality to start; null: autodetect.</summary>
    public ConfiguredPersonalityDto? Configured { get; init; }
}

/// <summary>A personality to start.</summary>
public sealed record ConfiguredPersonalityDto
{
    /// <summary><c>btt</c>, <c>pfn</c> or <c>dax</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Its uuid.</summary>
    public required Guid Uuid { get; init; }

    /// <summary><c>mem</c> or <c>dev</c>.</summary>
    public string? Map { get; init; }

    /// <summary>Alignment.</summary>
    public long? Align { get; init; }

    /// <summary>BTT sector size.</summary>
    public long? SectorSize { get; init; }
}

/// <summary>Unbinds a namespace: mappings of its dax device are revoked, the BTT is flushed.</summary>
public sealed record UnbindStep : TaskStep
{
    /// <summary>The device name.</summary>
    public required string Namespace { get; init; }
}

/// <summary>Zeroes a range through the driver's write path (poison in it is cleared), as a reconfigure zeroes info blocks.</summary>
public sealed record ZeroStep : TaskStep
{
    /// <summary>System physical address.</summary>
    public required long Start { get; init; }

    /// <summary>Bytes.</summary>
    public required long Length { get; init; }
}

/// <summary>A DIMM's media is emptied and its poison forgotten (it was plugged anew or removed).</summary>
public sealed record WipeDimmStep : TaskStep
{
    /// <summary>The DIMM.</summary>
    public required Guid DimmId { get; init; }

    /// <summary>The DIMM is gone; its files are removed.</summary>
    public bool Remove { get; init; }
}

/// <summary>An image that was uploaded whole takes the place of a DIMM's media; the DIMM's errors are forgotten.</summary>
public sealed record TakeImageStep : TaskStep
{
    /// <summary>The DIMM.</summary>
    public required Guid DimmId { get; init; }

    /// <summary>The upload.</summary>
    public required Guid ImageId { get; init; }
}

/// <summary>Poison by DPA.</summary>
public sealed record InjectErrorsStep : TaskStep
{
    /// <summary>Where.</summary>
    public required IReadOnlyList<DimmRange> Ranges { get; init; }

    /// <summary>Take poison away instead; what the bus knows stays known.</summary>
    public bool Uninject { get; init; }

    /// <summary>The bus is told at once.</summary>
    public required bool Notify { get; init; }
}

/// <summary>A range of a DIMM.</summary>
/// <param name="DimmId">The DIMM.</param>
/// <param name="Dpa">First byte.</param>
/// <param name="Length">Bytes.</param>
public sealed record DimmRange(Guid DimmId, long Dpa, long Length)
{
    /// <summary>So many ranges of that length.</summary>
    public int Count { get; set; } = 1;

    /// <summary>Bytes from one to the next; not less than the length.</summary>
    public long Stride { get; set; }
}

/// <summary>Clears the known errors wholly inside a range, as <c>ndctl clear-errors</c>.</summary>
public sealed record ClearErrorsStep : TaskStep
{
    /// <summary>System physical address.</summary>
    public required long Start { get; init; }

    /// <summary>Bytes.</summary>
    public required long Length { get; init; }
}

/// <summary>Scrubs the whole bus: latent errors become known.</summary>
public sealed record ScrubStep : TaskStep
{
    /// <summary>Short scrub: what the platform has found already, at once.</summary>
    public bool Short { get; init; }

    /// <summary>Simulated seconds in a second; absent: the scrub is done at once, however long it takes in simulated time.</summary>
    public double? TimeScale { get; init; }
}

/// <summary><c>ndctl inject-smart</c>.</summary>
public sealed record InjectSmartStep : TaskStep
{
    /// <summary>The DIMM.</summary>
    public required Guid DimmId { get; init; }

    /// <summary>What is injected.</summary>
    public required InjectSmartRequest Request { get; init; }
}

/// <summary>A security command.</summary>
public sealed record SecurityStep : TaskStep
{
    /// <summary>The DIMM.</summary>
    public required Guid DimmId { get; init; }

    /// <summary>The command.</summary>
    public required string Command { get; init; }

    /// <summary>An enabled region uses the DIMM.</summary>
    public required bool IsActive { get; init; }
}

/// <summary>New firmware, or its activation.</summary>
public sealed record FirmwareStep : TaskStep
{
    /// <summary>The DIMM.</summary>
    public required Guid DimmId { get; init; }

    /// <summary>What is asked for.</summary>
    public required DimmFirmwareRequest Request { get; init; }

    /// <summary>A namespace over the DIMM is enabled.</summary>
    public required bool IsActive { get; init; }
}

/// <summary><c>ndctl check-namespace</c> on an unbound sector namespace.</summary>
public sealed record CheckBttStep : TaskStep
{
    /// <summary>The device name.</summary>
    public required string Namespace { get; init; }

    /// <summary>System physical address.</summary>
    public required long Start { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>The namespace's own uuid.</summary>
    public Guid? ParentUuid { get; init; }

    /// <summary>Repair.</summary>
    public bool Repair { get; init; }

    /// <summary>Rewrite the log.</summary>
    public bool RewriteLog { get; init; }
}

/// <summary>A campaign's part of this host.</summary>
public sealed record CampaignStep : TaskStep
{
    /// <summary>The campaign.</summary>
    public required CreateCampaignRequest Request { get; init; }

    /// <summary>The host's DIMMs.</summary>
    public required IReadOnlyList<CampaignDimmDto> Dimms { get; init; }
}
