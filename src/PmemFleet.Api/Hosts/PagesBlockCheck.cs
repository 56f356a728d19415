using PmemFleet.Api.Namespaces;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.InfoBlocks;

namespace PmemFleet.Api.Hosts;

/// <summary>A PFN or DAX info block against the rows (spec 40 section 1).</summary>
public static class PagesBlockCheck
{
    public static async Task CompareAsync(HostDifferences differences, NamespaceRow row, string kind, BoundColumns bound, Func<long, Task<byte[]?>> read)
    {
        if (await read(PagesInfoBlock.NamespaceOffset) is not { } bytes)
        {
            return;
        }

        if (!PagesInfoBlock.TryRead(bytes, BindTexts.ToKind(kind), out var block))
        {
            differences.Add("infoBlock", "none", kind);
            return;
        }

        var range = row.Size - block.StartPad - block.EndTrunc;

        // over its own media the driver counts the pages that fit, whatever the block says (spec 40 section 6)
        var pages = block.Mode == (uint)MapLocation.Pmem ? (range - block.DataOffset) / PagesInfoBlock.PageBytes : block.PageCount;
        differences.Compare("uuid", block.Uuid, bound.Uuid);
        differences.Compare("parentUuid", block.ParentUuid, row.Uuid ?? Guid.Empty);
        differences.Compare("map", BindTexts.Of((MapLocation)block.Mode) ?? $"{block.Mode}", bound.Map);
        differences.Compare("align", block.Align, bound.Align);
        differences.Compare("dataOffset", block.DataOffset, bound.DataOffset);
        differences.Compare("startPad", block.StartPad, bound.StartPad ?? 0);
        differences.Compare("endTrunc", block.EndTrunc, bound.EndTrunc ?? 0);
        differences.Compare("pageCount", pages, bound.PageCount);
        differences.Compare("size", range - block.DataOffset, bound.Size);
    }
}
