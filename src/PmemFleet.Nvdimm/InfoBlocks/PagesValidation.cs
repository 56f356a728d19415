using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.InfoBlocks;

/// <summary>The kernel's checks of a PFN or DAX info block, in its order (spec 40 section 4).</summary>
internal static class PagesValidation
{
    /// <summary>
    /// The block of the media, or why it does not serve. ENODEV: there is none of this namespace's. ENXIO: it cannot be read or its
    /// mode is invalid. EOPNOTSUPP: there is one, and it asks for what the platform cannot give.
    /// </summary>
    public static Outcome<PagesInfoBlock> Validate(BindPlan plan, PersonalityKind kind, IMedia media)
    {
        var bytes = new byte[PagesInfoBlock.SizeBytes];
        if (MetadataAccess.Read(media, PagesInfoBlock.NamespaceOffset, bytes) is not null)
        {
            return new Refusal(Errno.ENXIO, "info-block-unreadable", "the info block cannot be read");
        }

        if (!PagesInfoBlock.TryRead(bytes, kind, out var block) || block.ParentUuid != (plan.ParentUuid ?? Guid.Empty))
        {
            return new Refusal(Errno.ENODEV, "no-info-block", "there is no info block of this namespace");
        }

        if (block.Mode is not ((uint)MapLocation.Ram or (uint)MapLocation.Pmem))
        {
            return new Refusal(Errno.ENXIO, "info-block-mode", "the info block's mode is invalid").With("mode", block.Mode);
        }

        return Unsupported(plan, block) is { } refusal ? refusal : block;
    }

    private static Refusal? Unsupported(BindPlan plan, PagesInfoBlock block)
    {
        var onMedia = block.Mode == (uint)MapLocation.Pmem;
        if (onMedia && block.PageSize > PagesInfoBlock.PageBytes)
        {
            return Refuse("page-size", $"init failed, page size mismatch {block.PageSize}").With("pageSize", block.PageSize);
        }

        if (onMedia && block.PageStructSize < PagesInfoBlock.StructPageBytes)
        {
            return Refuse("page-struct-size", $"init failed, struct page size mismatch {block.PageStructSize}").With("pageStructSize", block.PageStructSize);
        }

        if (block.Kind == PersonalityKind.Dax && (!PagesInfoBlock.Alignments.Contains(block.Align) || (block.Align == Bytes.GiB && !plan.SupportsPud)))
        {
            return Refuse("unsupported-align", $"init failed, alignment mismatch: {Personality.DefaultAlign.Value}:{block.Align}").With("align", block.Align);
        }

        if (plan.Configured is { } configured)
        {
            if (configured.Uuid != block.Uuid)
            {
                return new Refusal(Errno.ENODEV, "other-personality", "the info block is another personality's");
            }

            if ((configured.Align?.Value ?? PagesGeometry.DefaultAlignBytes) != block.Align || (uint?)configured.Map != block.Mode)
            {
                return Refuse("settings-mismatch", "init failed, settings mismatch").With("align", block.Align).With("mode", block.Mode);
            }
        }

        return Misfit(plan, block);
    }

    private static Refusal? Misfit(BindPlan plan, PagesInfoBlock block)
    {
        var (start, size) = (plan.Start.Value, plan.Size.Value);
        if (block.Align > size)
        {
            return Refuse("align-exceeds-size", $"alignment: {block.Align:x} exceeds capacity {size:x}").With("align", block.Align).With("size", size);
        }

        if ((ulong)block.DataOffset >= (ulong)size)
        {
            return Refuse("array-exceeds-capacity", $"pfn array size exceeds capacity of {plan.Namespace}").With("dataOffset", block.DataOffset).With("size", size);
        }

        // a mask, as the driver tests it: an alignment that is no power of two fits next to nothing
        if (block.Align == 0 || ((start + block.DataOffset + block.StartPad) & (block.Align - 1L)) != 0 || block.DataOffset % PagesInfoBlock.PageBytes != 0)
        {
            return Refuse("bad-offset", $"bad offset: 0x{block.DataOffset:x} dax disabled align: 0x{block.Align:x}").With("dataOffset", block.DataOffset).With("align", block.Align);
        }

        return (start + block.StartPad) % PagesGeometry.SubSectionBytes != 0 || (start + size - block.EndTrunc) % PagesGeometry.SubSectionBytes != 0
            ? Refuse("padding-misaligned", "bad start pad or end trunc").With("startPad", block.StartPad).With("endTrunc", block.EndTrunc)
            : null;
    }

    private static Refusal Refuse(string rule, string message) => new(Errno.EOPNOTSUPP, $"info-block-{rule}", message);
}
