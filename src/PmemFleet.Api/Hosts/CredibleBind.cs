using PmemFleet.Api.Namespaces;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Hosts;

/// <summary>Whether what a worker says of a bind can be: the namespace is the asked one, and what was found on it is not larger than it.</summary>
public static class CredibleBind
{
    private const long PageSize = 4096;

    /// <summary>True as well for what is no bind at all: such a step failed.</summary>
    public static bool Is(BindStep bind, StepResult result) => result switch
    {
        StepBound bound => bound.Messages is not null && bound.Namespace == bind.Namespace && IsFound(bind, bound),
        StepRefused refused => refused.Messages is not null && (refused.Claim is null or { Align: null or >= 0, SectorSize: null or (>= 0 and <= int.MaxValue) }),
        _ => true,
    };

    private static bool IsFound(BindStep bind, StepBound bound) => bound switch
    {
        { Kind: "raw" } => true,
        { Kind: PersonalityRow.Btt, Uuid: not null, Version: not null } =>
            IsPart(bind, bound.Size) && bound.SectorSize is > 0 and <= int.MaxValue && System.Version.TryParse(bound.Version, out _),
        { Kind: PersonalityRow.Pfn or PersonalityRow.Dax, Uuid: not null, Align: { } align, DataOffset: >= 0, PageCount: >= 0 } =>
            IsPart(bind, bound.Size) && IsAlign(align) && bound.DataOffset < bind.Size && bound.PageCount <= bind.Size / PageSize
            && (bound.StartPad ?? 0) >= 0 && (bound.StartPad ?? 0) < bind.Size && (bound.EndTrunc ?? 0) >= 0 && (bound.EndTrunc ?? 0) < bind.Size,
        _ => false,
    };

    private static bool IsPart(BindStep bind, long? size) => size > 0 && size <= bind.Size;

    private static bool IsAlign(long align) => align > 0 && (align & (align - 1)) == 0;
}
