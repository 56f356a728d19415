using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Problems;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Problems;
using PmemFleet.Nvdimm.Badblocks;
using DimmRange = PmemFleet.Contracts.Sync.DimmRange;

namespace PmemFleet.Api.MediaErrors;

/// <summary>What a request of errors is about.</summary>
/// <param name="Ranges">Ranges of DIMMs; none where the refusal came before the first block.</param>
/// <param name="Subject">What the request names.</param>
/// <param name="Refusal">How the command ends: null where all of it can be done.</param>
public sealed record ErrorTarget(IReadOnlyList<DimmRange> Ranges, string Subject, RefusalDto? Refusal = null);

/// <summary>
/// What a request of errors is about, as ranges of DIMMs. A namespace's block is poisoned by one clear-error unit at its start unless it is to be
/// saturated (spec 60 section 7); a range of a region or a DIMM is taken as it is.
/// </summary>
public static class ErrorTargets
{
    private const long SectorBytes = 512;
    private const long MostBlocks = 1 << 20;

    public static ErrorTarget Resolve(HostAggregate host, MediaErrorRangeRequest request)
    {
        string?[] targets = [request.Namespace, request.Region, request.Dimm];
        if (targets.Count(target => target is not null) != 1)
        {
            return Refused(Refusals.Invalid("target-ambiguous", "namespace", "Give exactly one of namespace, region and dimm."));
        }

        return request switch
        {
            { Namespace: { } name } => OfNamespace(host, name, request),
            { Region: { } name } => OfRegion(host, name, request),
            _ => OfDimm(host, request.Dimm!, request),
        };
    }

    public static PersonalityRow? ClaimOf(HostAggregate host, NamespaceRow row) =>
        host.Rows.Personalities.Find(claim => claim.RegionId == row.RegionId && claim.NamespaceNumber == row.Number);

    private static ErrorTarget OfNamespace(HostAggregate host, string name, MediaErrorRangeRequest request)
    {
        if (host.FindNamespace(name) is not { } row)
        {
            return Refused(ProblemResults.NotFound("namespace", name));
        }

        var claim = ClaimOf(host, row);
        if (claim?.Kind == PersonalityRow.Btt)
        {
            return Refused(new RefusalDto
            {
                Errno = "EOPNOTSUPP",
                Code = "sector-mode",
                Message = $"{name}: injection into a sector namespace is not supported: its blocks move.",
                Subject = "namespace",
            });
        }

        if (request.Block is not { } block || request.Count is not { } count)
        {
            return Refused(Refusals.Invalid("block-and-count", request.Block is null ? "block" : "count", "A namespace needs both block and count."));
        }

        if (NoInjection(host) is { } unsupported)
        {
            return Refused(unsupported);
        }

        if (row.Start is not { } start || row.Size == 0 || NamespaceProjection.DataOf(row, claim) is not { } data)
        {
            return Refused(Refusals.Invalid("namespace-empty", "namespace", $"{name} has no data range.") with { Errno = "ENXIO" });
        }

        var taken = InjectionBlocks.Of(block, count, data.Length / SectorBytes);
        var refusal = taken.Refusal is { } outside ? outside.ToDto() with { Code = "blocks-out-of-bounds" } : null;
        if (taken.Count > MostBlocks)
        {
            return Refused(Refusals.Invalid("blocks-too-many", "count", $"One request takes at most {MostBlocks} blocks.", $"{MostBlocks}")
                .With("count", count).With("most", MostBlocks));
        }

        if (taken.Count == 0)
        {
            return Refused(refusal!);
        }

        var region = host.Rows.Regions.First(candidate => candidate.Id == row.RegionId);
        var first = start - region.Start + data.Start + (block * SectorBytes);
        return new ErrorTarget(OnDimms(host, region, new ByteRange(first, taken.Count * SectorBytes), request.Saturate), name, refusal);
    }

    private static ErrorTarget OfRegion(HostAggregate host, string name, MediaErrorRangeRequest request) =>
        host.FindRegion(name) is not { } region ? Refused(ProblemResults.NotFound("region", name))
        : Bounds(request, name, region.Size) is { } refusal ? Refused(refusal)
        : new ErrorTarget(ToRanges(host, region, new ByteRange(request.Offset!.Value.Value, request.Length!.Value.Value)), name);

    private static ErrorTarget OfDimm(HostAggregate host, string name, MediaErrorRangeRequest request) =>
        host.FindDimm(name) is not { } dimm ? Refused(ProblemResults.NotFound("dimm", name))
        : Bounds(request, name, dimm.Capacity) is { } refusal ? Refused(refusal)
        : new ErrorTarget([new DimmRange(dimm.Id, request.Offset!.Value.Value, request.Length!.Value.Value)], name);

    /// <summary>
    /// <c>ndctl inject-error</c> asks the firmware, and a legacy range has none. An error of the memory itself, which is given by region and
    /// offset, needs no firmware.
    /// </summary>
    private static RefusalDto? NoInjection(HostAggregate host) => host.Host.Provider == Providers.Nfit ? null : new RefusalDto
    {
        Errno = "EOPNOTSUPP",
        Code = "no-error-injection",
        Message = "The bus has no commands to inject errors.",
    };

    private static RefusalDto? Bounds(MediaErrorRangeRequest request, string name, long size)
    {
        if (request.Offset is not { Value: var offset } || request.Length is not { Value: var length })
        {
            return Refusals.Invalid("offset-and-length", request.Offset is null ? "offset" : "length", "A region or a DIMM needs both offset and length.");
        }

        return length < 1 || offset >= size || length > size - offset
            ? Refusals.Invalid("range-out-of-bounds", "offset", $"{name} has {size} bytes.").With("offset", offset).With("length", length).With("size", size)
            : null;
    }

    /// <summary>The blocks of a range: whole, or the first clear-error unit of each. Blocks that lie on a DIMM one after the other are one pattern.</summary>
    private static List<DimmRange> OnDimms(HostAggregate host, RegionRow region, ByteRange blocks, bool saturate)
    {
        var units = host.Rows.Dimms.ToDictionary(dimm => dimm.Id, dimm => dimm.ClearErrorUnit);
        return ToRanges(host, region, blocks).ConvertAll(range => saturate || units[range.DimmId] >= SectorBytes
            ? range
            : range with { Length = units[range.DimmId], Count = (int)(range.Length / SectorBytes), Stride = range.Length > SectorBytes ? SectorBytes : 0 });
    }

    private static List<DimmRange> ToRanges(HostAggregate host, RegionRow region, ByteRange inRegion)
    {
        RegionMappingRow[] byPosition = [.. host.Rows.MediaMappings().Where(mapping => mapping.RegionId == region.Id).OrderBy(mapping => mapping.Position)];
        return InterleaveLines.ToDimms(byPosition, inRegion).ConvertAll(found => new DimmRange(found.DimmId, found.Dpa.Start, found.Dpa.Length));
    }

    private static ErrorTarget Refused(RefusalDto refusal) => new([], string.Empty, refusal);
}
