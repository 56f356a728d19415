using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.InfoBlocks;

/// <summary>
/// The struct pages that Linux makes on the media at each start of a PFN or DAX with <c>map=dev</c>, over what lay there. Their bytes are the kernel's own:
/// zeroes stand for them here (spec 40 section 6, golden n_chain).
/// </summary>
internal static class StructPages
{
    /// <summary>Ranges below a memory section have page maps of 4 KiB pages, larger ones of 2 MiB pages, which begin at a multiple of 2 MiB.</summary>
    private const long SectionBytes = 128 * Bytes.MiB;

    /// <summary>Stores the struct pages of the data. Those of the reserve and of the page map itself are not initialised and keep what was there.</summary>
    public static void Write(BindPlan plan, PagesInfoBlock block, IMedia media)
    {
        var range = plan.Size.Value - block.StartPad - block.EndTrunc;
        long first = block.StartPad + PagesGeometry.ReserveBytes;
        if (range >= SectionBytes)
        {
            var address = plan.Start.Value + first;
            first += (PagesGeometry.SubSectionBytes - (address % PagesGeometry.SubSectionBytes)) % PagesGeometry.SubSectionBytes;
        }

        var from = first + (PagesInfoBlock.StructPageBytes * (block.DataOffset / PagesInfoBlock.PageBytes));
        var to = Math.Min(first + (PagesInfoBlock.StructPageBytes * (range / PagesInfoBlock.PageBytes)), Math.Min(block.StartPad + block.DataOffset, media.Length));
        if (to > from)
        {
            media.Zero(from, to - from);
        }
    }
}
