using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.InfoBlocks;

/// <summary>Struct pages must lie on good memory: bad sectors between the reserve and the data are cleared by writing zero pages (spec 40 section 6).</summary>
internal static class MemmapErrors
{
    /// <summary>Clears them all; a refusal where one does not clear.</summary>
    public static Refusal? Clear(IMedia media, long dataOffset) => ClearWithin(media, PagesGeometry.ReserveBytes, dataOffset - PagesGeometry.ReserveBytes);

    /// <summary>By halves, so that a memmap of gigabytes costs only where it is bad.</summary>
    private static Refusal? ClearWithin(IMedia media, long at, long length)
    {
        if (length <= 0 || !media.IsKnownBad(at, length))
        {
            return null;
        }

        if (length <= PagesInfoBlock.PageBytes)
        {
            return MetadataAccess.Zero(media, at, length) is { } errno
                ? new Refusal(errno, "memmap-poisoned", "poison under the struct pages cannot be cleared").With("sector", at / SectorSpan.SectorBytes)
                : null;
        }

        var half = length / 2 / PagesInfoBlock.PageBytes * PagesInfoBlock.PageBytes;
        half = Math.Max(half, PagesInfoBlock.PageBytes);
        return ClearWithin(media, at, half) ?? ClearWithin(media, at + half, length - half);
    }
}
