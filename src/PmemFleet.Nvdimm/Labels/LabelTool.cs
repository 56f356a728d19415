using System.Buffers.Binary;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Labels;

/// <summary>What ndctl does to a label area by itself, while no driver looks: init, check, zero (spec 10 section 15).</summary>
public static class LabelTool
{
    /// <summary>ndctl's check-labels: the bytes of a label in the area's valid format, or ENXIO.</summary>
    public static Outcome<LabelVersion> Check(LabelArea area) =>
        DimmLabels.Probe(0, area).TryGet(out var labels, out _) && labels.HasIndex
            ? labels.Geometry.Version
            : new Refusal(Errno.ENXIO, "labels-invalid", "no valid namespace index block");

    /// <summary>
    /// ndctl's init-labels: both index blocks, sequences 3 and 2. Unlike the kernel it leaves the bits past the last slot
    /// set, and leaves the block's bytes after the map as they are on the media (golden a_label_init).
    /// </summary>
    /// <param name="area">The label area.</param>
    /// <param name="version">The format to write; ndctl's default is v1.1 (golden a_label_init).</param>
    /// <param name="force">Also where valid labels are.</param>
    /// <returns>EBUSY where labels are there and <paramref name="force"/> is not set; ENXIO where the area is too small.</returns>
    public static Outcome<Done> Initialise(LabelArea area, LabelVersion version, bool force)
    {
        if (!force && Check(area).Refusal is null)
        {
            return new Refusal(Errno.EBUSY, "labels-initialized", "error: labels already initialized").About("force");
        }

        if (LabelGeometry.For(area.Size, version) is not { } geometry)
        {
            return new Refusal(Errno.ENXIO, "label-area-too-small", $"label area ({area.Size}) too small to host ({LabelGeometry.LabelBytesOf(version)} byte) labels")
                .With("labelAreaBytes", area.Size).Allowing($"{LabelGeometry.MinimumAreaBytes}").About("labelAreaBytes");
        }

        var image = IndexImage.Fresh(geometry);
        var block = new byte[geometry.IndexBytes];
        var map = (geometry.SlotCount + 63) / 64 * 8;
        for (var which = 0; which < 2; which++)
        {
            var offset = which * geometry.IndexBytes;
            image.Finish(which, 3u - (uint)which, geometry, block);
            area.Read(offset + IndexLayout.Free, block.AsSpan(IndexLayout.Free));
            block.AsSpan(IndexLayout.Free, map).Fill(0xff);
            BinaryPrimitives.WriteUInt64LittleEndian(
                block.AsSpan(IndexLayout.Checksum), Fletcher64.ComputeSkipping(block, IndexLayout.Checksum));
            area.Write(offset, block);
        }

        return default(Done);
    }
}
