using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Badblocks;

/// <summary>What <c>ndctl inject-error</c> is asked for; block and count are both given, or neither with status.</summary>
public sealed record InjectErrorOptions
{
    /// <summary>The first 512-byte block, from the personality's data start.</summary>
    public long? Block { get; init; }

    /// <summary>Blocks.</summary>
    public long? Count { get; init; }

    /// <summary>Poison whole blocks, not only their first clear-error unit.</summary>
    public bool Saturate { get; init; }

    /// <summary>Take poison away.</summary>
    public bool Uninject { get; init; }

    /// <summary>Only list what is injected.</summary>
    public bool Status { get; init; }
}

/// <summary>Injected blocks, as the status lists them.</summary>
/// <param name="Block">The first block.</param>
/// <param name="Count">Blocks.</param>
public readonly record struct InjectedBlocks(long Block, long Count);

/// <summary>Where an injection goes: a namespace's data.</summary>
/// <param name="Personality">The personality that claims the namespace; null for raw.</param>
/// <param name="DataStart">System physical address of block 0.</param>
/// <param name="DataLength">Bytes of data.</param>
/// <param name="ClearErrorUnit">Bytes of the device's clear-error unit.</param>
public sealed record InjectionTarget(PersonalityKind? Personality, long DataStart, long DataLength, int ClearErrorUnit);

/// <summary>What an injection does.</summary>
/// <param name="Ranges">The ranges of system physical addresses.</param>
/// <param name="Refusal">The error that the command ends with after them, or null.</param>
public sealed record InjectionRanges(IReadOnlyList<ByteRange> Ranges, Refusal? Refusal);

/// <summary>The rules of <c>ndctl inject-error</c> (spec 60 section 7).</summary>
public static class ErrorInjection
{
    /// <summary>
    /// The ranges of system physical addresses to poison, or to take poison from, with what ends the command behind them.
    /// </summary>
    public static Outcome<InjectionRanges> Ranges(InjectErrorOptions options, InjectionTarget target)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(target);
        if (options.Status)
        {
            return options is { Block: null, Count: null, Saturate: false }
                ? new InjectionRanges([], null)
                : new Refusal(Errno.EINVAL, "status-takes-no-block", "status does not go with block, count or saturate").About("status");
        }

        if (options is not { Block: { } block, Count: { } count })
        {
            return new Refusal(Errno.EINVAL, "block-and-count", "block and count must both be given")
                .About(options.Block is null ? "block" : "count").Allowing(options.Block is null ? "0" : "1");
        }

        if (target.Personality == PersonalityKind.Btt)
        {
            return new Refusal(Errno.EOPNOTSUPP, "sector-namespace", "Operation not supported");
        }

        var taken = InjectionBlocks.Of(block, count, target.DataLength / SectorSpan.SectorBytes);
        if (taken.Count == 0)
        {
            return taken.Refusal!;
        }

        var length = options.Saturate ? SectorSpan.SectorBytes : Math.Min(SectorSpan.SectorBytes, target.ClearErrorUnit);
        var start = target.DataStart + (block * SectorSpan.SectorBytes);
        IReadOnlyList<ByteRange> ranges = length == SectorSpan.SectorBytes
            ? [new ByteRange(start, taken.Count * SectorSpan.SectorBytes)]
            : [.. Enumerable.Range(0, checked((int)taken.Count)).Select(n => new ByteRange(start + ((long)n * SectorSpan.SectorBytes), length))];
        return new InjectionRanges(ranges, taken.Refusal);
    }

    /// <summary>What is injected in a namespace's data: blocks rounded outwards, in order, touching ones joined.</summary>
    public static IReadOnlyList<InjectedBlocks> Status(IEnumerable<ByteRange> injected, InjectionTarget target)
    {
        ArgumentNullException.ThrowIfNull(injected);
        ArgumentNullException.ThrowIfNull(target);
        var found = new List<InjectedBlocks>();
        foreach (var range in injected.Where(range => range.Start < target.DataStart + target.DataLength && range.End > target.DataStart).OrderBy(range => range.Start))
        {
            var start = Math.Max(range.Start, target.DataStart) - target.DataStart;
            var end = Math.Min(range.End, target.DataStart + target.DataLength) - target.DataStart;
            var sectors = SectorSpan.Of(start, end - start);
            if (found.Count > 0 && found[^1].Block + found[^1].Count >= sectors.First)
            {
                found[^1] = found[^1] with { Count = Math.Max(found[^1].Count, sectors.First + sectors.Count - found[^1].Block) };
                continue;
            }

            found.Add(new InjectedBlocks(sectors.First, sectors.Count));
        }

        return found;
    }
}
