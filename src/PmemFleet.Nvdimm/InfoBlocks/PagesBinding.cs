using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.InfoBlocks;

/// <summary>Starts a PFN or DAX personality: the one on the media, or a new one (spec 40 sections 3 to 7).</summary>
internal static class PagesBinding
{
    /// <summary>Starts the personality that the media's info block describes; a refusal says why there is none.</summary>
    public static Outcome<BindOutcome> Detect(BindPlan plan, PersonalityKind kind, IMedia media) =>
        PagesValidation.Validate(plan, kind, media).TryGet(out var block, out var refusal) ? Start(plan, block, media) : (Outcome<BindOutcome>)refusal;

    /// <summary>Starts a configured personality: ENODEV of the validation means that a fresh block is written.</summary>
    public static Outcome<BindOutcome> StartConfigured(BindPlan plan, ConfiguredPersonality configured, IMedia media)
    {
        if (PagesValidation.Validate(plan, configured.Kind, media).TryGet(out var block, out var refusal))
        {
            return Start(plan, block, media);
        }

        if (refusal.Errno != Errno.ENODEV)
        {
            return refusal;
        }

        return Create(plan, configured).TryGet(out block, out refusal) ? Write(plan, block, media) : (Outcome<BindOutcome>)refusal;
    }

    private static Outcome<PagesInfoBlock> Create(BindPlan plan, ConfiguredPersonality configured)
    {
        if (plan.ReadOnly)
        {
            return new Refusal(Errno.ENXIO, "region-read-only", "the region is read-only: no info block can be written");
        }

        if (configured.Map is not { } map)
        {
            return new Refusal(Errno.ENXIO, "mode-none", "the personality has no mode");
        }

        var align = configured.Align ?? new Bytes(PagesGeometry.DefaultAlignBytes);

        if (!PagesGeometry.Of(plan.Start, plan.Size, align, map).TryGet(out var geometry, out var refusal))
        {
            return refusal;
        }

        return new PagesInfoBlock
        {
            Kind = configured.Kind,
            Uuid = configured.Uuid,
            ParentUuid = plan.ParentUuid ?? Guid.Empty,
            DataOffset = geometry.DataOffset,
            PageCount = geometry.PageCount,
            Mode = (uint)map,
            EndTrunc = (uint)geometry.EndTrunc,
            Align = (uint)align.Value,
        };
    }

    private static BindOutcome Write(BindPlan plan, PagesInfoBlock block, IMedia media)
    {
        var started = Start(plan, block, media);
        if (started is BindOutcome.Failed)
        {
            return started;
        }

        if (MetadataAccess.Write(media, PagesInfoBlock.NamespaceOffset, block.ToBytes(), atomic: false) is { } errno)
        {
            return Failed(block, new Refusal(errno, "info-block-unwritable", "the info block cannot be written"));
        }

        media.Flush();
        return started;
    }

    private static BindOutcome Start(BindPlan plan, PagesInfoBlock block, IMedia media)
    {
        if (block is { Kind: PersonalityKind.Dax, AlignIsDerived: true })
        {
            // device-dax takes the alignment from the block alone, and makes no region of alignment 0
            return Failed(block, new Refusal(Errno.ENOMEM, "dax-align-missing", "the info block has no alignment to make a dax region of"));
        }

        var messages = new List<string>();
        var range = plan.Size.Value - block.StartPad - block.EndTrunc;
        var pages = block.PageCount;
        if (NoRange(plan, block, range) is { } unusable)
        {
            return Failed(block, unusable);
        }

        if (block.Mode == (uint)MapLocation.Pmem)
        {
            var fitting = (range - block.DataOffset) / PagesInfoBlock.PageBytes;
            if ((ulong)pages > (ulong)fitting)
            {
                messages.Add($"number of pfns truncated from {(ulong)pages} to {fitting}");
            }

            pages = fitting;
            if (MemmapErrors.Clear(media, block.DataOffset) is { } unclear)
            {
                return Failed(block, unclear);
            }

            StructPages.Write(plan, block, media);
        }

        return new BindOutcome.Pages
        {
            Kind = block.Kind,
            Uuid = block.Uuid,
            Map = (MapLocation)block.Mode,
            Align = new Bytes(block.Align),
            DataOffset = new Bytes(block.DataOffset),
            StartPad = new Bytes(block.StartPad),
            EndTrunc = new Bytes(block.EndTrunc),
            Size = new Bytes(range - block.DataOffset),
            PageCount = pages,
            Messages = messages,
        };
    }

    /// <summary>
    /// What the block validates for and the driver cannot map all the same: data that begins in the reserve, and padding that leaves nothing.
    /// The personality holds the namespace then and is not started (golden n_pfn1).
    /// </summary>
    private static Refusal? NoRange(BindPlan plan, PagesInfoBlock block, long range)
    {
        if (block.DataOffset < PagesGeometry.ReserveBytes)
        {
            return (block.Mode == (uint)MapLocation.Ram
                ? new Refusal(Errno.EINVAL, "data-offset-in-reserve", "the data begins inside the reserve")
                : new Refusal(
                    Errno.EBUSY, "data-offset-in-reserve", $"could not reserve region [mem 0x{plan.Start.Value:x}-0x{plan.Start.Value + plan.Size.Value - 1:x}]"))
                .With("dataOffset", block.DataOffset).With("least", PagesGeometry.ReserveBytes);
        }

        var usable = range - block.DataOffset;
        if (usable > 0 && (block.Kind == PersonalityKind.Pfn || usable % block.Align == 0))
        {
            return null;
        }

        return new Refusal(
            block.Kind == PersonalityKind.Pfn ? Errno.EINVAL : Errno.ENOMEM, "no-usable-range", "the padding and the data offset leave no range to map")
            .With("size", plan.Size.Value).With("startPad", block.StartPad).With("endTrunc", block.EndTrunc).With("dataOffset", block.DataOffset)
            .With("align", block.Align);
    }

    private static BindOutcome.Failed Failed(PagesInfoBlock block, Refusal refusal) => new()
    {
        Refusal = refusal,
        Claim = new ConfiguredPersonality { Kind = block.Kind, Uuid = block.Uuid, Map = (MapLocation)block.Mode, Align = new Bytes(block.Align) },
    };
}
