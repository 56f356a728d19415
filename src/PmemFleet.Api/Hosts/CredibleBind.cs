using PmemFleet.Api.Namespaces;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.InfoBlocks;

namespace PmemFleet.Api.Hosts;

/// <summary>Whether what a worker says of a bind can be: the namespace is the asked one, and what was found on it is not larger than it.</summary>
public static class CredibleBind
{
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
        { Kind: PersonalityRow.Pfn or PersonalityRow.Dax, Uuid: not null, Map: "mem" or "dev", PageCount: { } pages } => IsPages(bind, bound, pages),
        _ => false,
    };

    private static bool IsPart(BindStep bind, long? size) => size > 0 && size <= bind.Size;

    /// <summary>
    /// Linux takes what its checks of an info block let through: a fsdax alignment that is not a power of two, and with the page map in memory any
    /// number of pages. The sizes of the parts have to add up to the namespace, and a dax device has an alignment that is a page size.
    /// </summary>
    private static bool IsPages(BindStep bind, StepBound bound, long pages)
    {
        var (start, end) = (bound.StartPad ?? 0, bound.EndTrunc ?? 0);
        return bound is { Align: > 0 and <= uint.MaxValue, DataOffset: { } offset }
            && offset >= PagesGeometry.ReserveBytes && offset < bind.Size
            && start is >= 0 and <= uint.MaxValue && end is >= 0 and <= uint.MaxValue
            && bound.Size > 0 && bound.Size == bind.Size - start - end - offset
            && (bound.Map == "mem" || pages == bound.Size / PagesInfoBlock.PageBytes)
            && (bound.Kind == PersonalityRow.Pfn || PagesInfoBlock.Alignments.Contains(bound.Align.Value));
    }
}
