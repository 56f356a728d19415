using System.Collections.Immutable;
using PmemFleet.Api.Namespaces;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Hosts;

/// <summary>Between the model's steps and outcomes, and those of the worker protocol.</summary>
public static class MediaSteps
{
    public static TaskStep ToTaskStep(MediaStep step, HostAggregate host, bool continueOnFailure) => step switch
    {
        MediaStep.Unbind unbind => new UnbindStep { Namespace = unbind.Namespace },
        MediaStep.ZeroInfoBlocks zero => new ZeroStep { Start = zero.Start.Value, Length = zero.Length.Value },
        MediaStep.ClearErrors clear =>
            new ClearErrorsStep { Start = clear.Start.Value, Length = clear.Length.Value, ContinueOnFailure = true },
        MediaStep.CheckBtt check => new CheckBttStep
        {
            Namespace = check.Namespace,
            Start = check.Start.Value,
            Size = check.Size.Value,
            ParentUuid = check.ParentUuid,
            Repair = check.Options.Repair,
            RewriteLog = check.Options.RewriteLog,
            ContinueOnFailure = true,
        },
        MediaStep.Bind bind => ToBindStep(bind.Plan, host.FindNamespace(bind.Plan.Namespace)!.Id, continueOnFailure),
        _ => throw new InvalidOperationException($"no task step for {step.GetType().Name}"),
    };

    private static BindStep ToBindStep(BindPlan plan, Guid namespaceId, bool continueOnFailure) => new()
    {
        Namespace = plan.Namespace,
        NamespaceId = namespaceId,
        Start = plan.Start.Value,
        Size = plan.Size.Value,
        ParentUuid = plan.ParentUuid,
        ClaimClass = BindTexts.Of(plan.ClaimClass),
        ForceRaw = plan.ForceRaw,
        LogicalBlockBytes = plan.LogicalBlockBytes,
        ReadOnly = plan.ReadOnly,
        Configured = plan.Configured is { } configured
            ? new ConfiguredPersonalityDto
            {
                Kind = BindTexts.Of(configured.Kind),
                Uuid = configured.Uuid,
                Map = BindTexts.Of(configured.Map),
                Align = configured.Align?.Value,
                SectorSize = configured.SectorSize?.Value,
            }
            : null,
        ContinueOnFailure = continueOnFailure,
    };

    /// <summary>What a bind step gave, for <see cref="Bus.Complete"/>.</summary>
    public static BindOutcome ToOutcome(StepResult result) => result switch
    {
        StepBound { Kind: PersonalityRow.Btt } bound => new BindOutcome.Btt
        {
            Uuid = bound.Uuid!.Value,
            SectorSize = new Bytes(bound.SectorSize!.Value),
            Size = new Bytes(bound.Size!.Value),
            Version = Version.Parse(bound.Version!),
            Messages = bound.Messages,
        },
        StepBound { Kind: PersonalityRow.Pfn or PersonalityRow.Dax } bound => new BindOutcome.Pages
        {
            Kind = BindTexts.ToKind(bound.Kind),
            Uuid = bound.Uuid!.Value,
            Map = BindTexts.ToMap(bound.Map) ?? MapLocation.Ram,
            Align = new Bytes(bound.Align!.Value),
            DataOffset = new Bytes(bound.DataOffset!.Value),
            StartPad = new Bytes(bound.StartPad ?? 0),
            EndTrunc = new Bytes(bound.EndTrunc ?? 0),
            Size = new Bytes(bound.Size!.Value),
            PageCount = bound.PageCount!.Value,
            Messages = bound.Messages,
        },
        StepBound bound => new BindOutcome.Raw { Messages = bound.Messages },
        StepRefused refused => new BindOutcome.Failed
        {
            Refusal = refused.Refusal.ToModel(),
            Messages = refused.Messages,
            Claim = refused.Claim is not { } claim ? null : new ConfiguredPersonality
            {
                Kind = BindTexts.ToKind(claim.Kind),
                Uuid = claim.Uuid,
                Map = BindTexts.ToMap(claim.Map),
                Align = claim.Align is { } align ? new Bytes(align) : null,
                SectorSize = claim.SectorSize is { } sector ? new Bytes(sector) : null,
            },
        },
        _ => new BindOutcome.Failed { Refusal = NotRun },
    };

    /// <summary>The outcome of a bind that the task never came to.</summary>
    public static BindOutcome NeverRun(Contracts.Problems.RefusalDto? cause) => new BindOutcome.Failed { Refusal = cause?.ToModel() ?? NotRun };

    private static Refusal NotRun => new(Errno.EAGAIN, "bind-not-run", "the bind was not carried out");

    private static Refusal ToModel(this Contracts.Problems.RefusalDto refusal) => new(
        Enum.TryParse<Errno>(refusal.Errno, out var errno) ? errno : Errno.EIO, refusal.Code, refusal.Message)
    {
        Numbers = refusal.Numbers?.ToImmutableSortedDictionary() ?? ImmutableSortedDictionary<string, string>.Empty,
        Allowed = refusal.Allowed is null ? [] : [.. refusal.Allowed],
        Subject = refusal.Subject,
    };
}
