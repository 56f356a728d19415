using System.Buffers.Binary;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;
using Layout = PmemFleet.Nvdimm.Btt.BttInfoBlockLayout;

namespace PmemFleet.Nvdimm.InfoBlocks;

/// <summary>Something on the media that brings a known kernel down when it probes it.</summary>
/// <param name="Offset">Where in the namespace.</param>
/// <param name="Rule">Stable name of the hazard.</param>
/// <param name="Number">The value that does it.</param>
/// <param name="Message">One sentence for a person.</param>
public sealed record InfoBlockHazard(long Offset, string Rule, long Number, string Message);

/// <summary>Looks for info blocks that must not reach a real machine: an image that has one is not to be exported.</summary>
public static class InfoBlockHazards
{
    private static readonly long[] Offsets = [0, BttInfoBlock.SizeBytes];

    /// <summary>The hazards of a namespace, whatever its claim class: a copied image may meet another label.</summary>
    public static IReadOnlyList<InfoBlockHazard> Find(IMedia media)
    {
        ArgumentNullException.ThrowIfNull(media);
        var found = new List<InfoBlockHazard>();
        var block = new byte[BttInfoBlock.SizeBytes];
        foreach (var offset in Offsets)
        {
            if (offset + block.Length <= media.Length && MetadataAccess.Read(media, offset, block) is null && SectorSizeHazard(block) is { } size)
            {
                found.Add(new InfoBlockHazard(offset, "btt-sector-size", size, $"a BTT info block with external_lbasize {size} crashes Linux 6.1 at probe"));
            }
        }

        return found;
    }

    /// <summary>A BTT block that verifies, with an external_lbasize the kernel has no format for: Linux 6.1 oopses at probe.</summary>
    private static uint? SectorSizeHazard(ReadOnlySpan<byte> block)
    {
        var parent = MediaUuid.ReadRfc(block[Layout.ParentUuid..]);
        if (!BttInfoBlock.TryRead(block, parent, out _))
        {
            return null;
        }

        var size = BinaryPrimitives.ReadUInt32LittleEndian(block[Layout.ExternalLbaSize..]);
        return BttGeometry.SectorSizes.Contains((int)size) ? null : size;
    }
}
