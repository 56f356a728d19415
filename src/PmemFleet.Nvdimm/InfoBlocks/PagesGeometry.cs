using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.InfoBlocks;

/// <summary>Where the data of a fsdax or devdax namespace begins and ends (spec 40 section 3).</summary>
/// <param name="DataOffset">From the namespace's start to the data.</param>
/// <param name="EndTrunc">Bytes cut off at the end.</param>
/// <param name="PageCount">4 KiB pages of data.</param>
public readonly record struct PagesGeometry(long DataOffset, long EndTrunc, long PageCount)
{
    /// <summary>Bytes at the namespace's start that hold info blocks and are never data.</summary>
    public const int ReserveBytes = 8192;

    /// <summary>The smallest unit of memory the kernel adds: 2 MiB.</summary>
    public const long SubSectionBytes = 2 * Bytes.MiB;

    /// <summary>The alignment of a personality that was given none.</summary>
    public const long DefaultAlignBytes = 2 * Bytes.MiB;

    private static readonly long[] Aligns = [PagesInfoBlock.PageBytes, 2 * Bytes.MiB, Bytes.GiB];

    /// <summary>The geometry of a new personality, or ENXIO where the struct pages leave no room, EINVAL where the start is misaligned.</summary>
    public static Outcome<PagesGeometry> Of(Spa start, Bytes size, Bytes align, MapLocation map)
    {
        if (start.Value % SubSectionBytes != 0)
        {
            return new Refusal(Errno.EINVAL, "start-misaligned", $"start 0x{start.Value:x} misaligned to 0x{SubSectionBytes:x}")
                .With("start", start.Value).With("alignment", SubSectionBytes).Allowing(Nearest.Multiples(start.Value, SubSectionBytes));
        }

        var geometry = Laid(start.Value, size.Value, align.Value, map);
        return geometry.PageCount > 0
            ? geometry
            : new Refusal(Errno.ENXIO, "no-room-for-data", "unable to satisfy requested alignment")
                .With("size", size.Value).With("dataOffset", geometry.DataOffset).With("align", align.Value).About("align")
                .Allowing(Nearest.Of(Aligns.Where(other => other < align.Value && Laid(start.Value, size.Value, other, map).PageCount > 0), align.Value));
    }

    /// <summary>Where everything would be; no page of data where the metadata takes all. What is left is whole units, so at least a page.</summary>
    private static PagesGeometry Laid(long start, long size, long align, MapLocation map)
    {
        var unit = Math.Max(align, SubSectionBytes);
        var end = start + size;
        var endTrunc = end - (end / unit * unit);
        var pages = (size - ReserveBytes) / PagesInfoBlock.PageBytes;
        var metadata = ReserveBytes + (map == MapLocation.Pmem ? PagesInfoBlock.StructPageBytes * pages : 0);
        var dataOffset = ((start + metadata + unit - 1) / unit * unit) - start;
        return new PagesGeometry(dataOffset, endTrunc, (size - dataOffset - endTrunc) / PagesInfoBlock.PageBytes);
    }
}
