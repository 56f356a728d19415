using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Labels;

/// <summary>ndctl's <c>read-labels -j</c> (spec 10 section 15).</summary>
public static class LabelListing
{
    /// <summary>One DIMM's object. Slots are listed when they name themselves, whether they are free or not.</summary>
    /// <param name="dimm">The DIMM's name.</param>
    /// <param name="area">Its label area.</param>
    /// <param name="indexOnly">ndctl's <c>-I</c>: no labels.</param>
    public static JsonObject Of(string dimm, LabelArea area, bool indexOnly = false)
    {
        Span<byte> header = stackalloc byte[IndexLayout.Free];
        area.Read(0, header);
        // ndctl takes the layout from block 0 alone, valid or not: where that is lost, or says anything but 1.2, the rest is read from
        // wrong places (golden e12_zero_idx_cur, e12_major_9)
        var version = IndexBlock.Read(header) is { Major: 1, Minor: 2, LabelBytes: 256 } ? LabelVersion.V12 : LabelVersion.V11;
        var listing = new JsonObject { ["dev"] = dimm };
        if (LabelGeometry.For(area.Size, version) is not { } geometry)
        {
            return listing;
        }

        var blocks = new byte[2 * geometry.IndexBytes];
        area.Read(0, blocks);
        listing["index"] = new JsonArray(Index(IndexBlock.Read(blocks)), Index(IndexBlock.Read(blocks.AsSpan(geometry.IndexBytes))));
        if (!indexOnly)
        {
            listing["label"] = Labels(area, geometry);
        }

        return listing;
    }

    private static JsonObject Index(IndexBlock block) => new()
    {
        ["signature"] = block.Signature,
        ["major"] = block.Major,
        ["minor"] = block.Minor,
        ["labelsize"] = block.LabelBytes,
        ["seq"] = (int)block.Sequence,
        ["nslot"] = (int)block.SlotCount,
    };

    private static JsonArray Labels(LabelArea area, LabelGeometry geometry)
    {
        var listed = new JsonArray();
        var bytes = new byte[geometry.LabelBytes];
        for (var slot = 0; slot < geometry.SlotCount; slot++)
        {
            area.Read(geometry.SlotOffset(slot), bytes);
            var label = NamespaceLabel.Read(bytes);
            if (label.Slot == slot)
            {
                listed.Add((JsonNode)Label(label, bytes, geometry.Version));
            }
        }

        return listed;
    }

    private static JsonObject Label(NamespaceLabel label, ReadOnlySpan<byte> bytes, LabelVersion version)
    {
        var listed = new JsonObject
        {
            ["uuid"] = label.Uuid.ToString(),
            ["name"] = label.Name,
            ["slot"] = label.Slot,
            ["position"] = label.Position,
            ["nlabel"] = label.LabelCount,
            ["flags"] = (uint)label.Flags,
            ["isetcookie"] = label.Cookie,
            ["lbasize"] = label.SectorSize,
            ["dpa"] = label.Dpa,
            ["rawsize"] = label.RawSize,
        };
        if (version == LabelVersion.V12)
        {
            // ndctl prints the guids' bytes as if they were in text order
            listed["type_guid"] = MediaUuid.ReadRfc(bytes[LabelLayout.TypeGuid..]).ToString();
            listed["abstraction_guid"] = MediaUuid.ReadRfc(bytes[LabelLayout.AbstractionGuid..]).ToString();
        }

        return listed;
    }
}
