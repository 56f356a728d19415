namespace PmemFleet.Nvdimm.Labels;

/// <summary>Where the index blocks and label slots of a label area are (spec 10 sections 1 and 2).</summary>
/// <param name="AreaBytes">Bytes of the whole label area.</param>
/// <param name="LabelBytes">Bytes of one label: 128 or 256.</param>
/// <param name="SlotCount">Label slots a fresh initialisation gives.</param>
/// <param name="IndexBytes">Bytes of one index block, a multiple of 256.</param>
public readonly record struct LabelGeometry(int AreaBytes, int LabelBytes, int SlotCount, int IndexBytes)
{
    /// <summary>The smallest label area a DIMM may have.</summary>
    public const int MinimumAreaBytes = 1024;

    private const int IndexUnitBytes = 256;

    /// <summary>The format this geometry is for.</summary>
    public LabelVersion Version => LabelBytes == LabelBytesOf(LabelVersion.V11) ? LabelVersion.V11 : LabelVersion.V12;

    /// <summary>Where slot 0 starts.</summary>
    public int LabelsOffset => 2 * IndexBytes;

    /// <summary>Bytes of one label of <paramref name="version"/>.</summary>
    public static int LabelBytesOf(LabelVersion version) => version == LabelVersion.V11 ? 128 : 256;

    /// <summary>The geometry of an area, or null where it is too small to hold two labels.</summary>
    public static LabelGeometry? For(int areaBytes, LabelVersion version)
    {
        var label = LabelBytesOf(version);
        var estimate = IndexBytesFor(areaBytes / label);
        var slots = (areaBytes - (2 * estimate)) / label;
        if (areaBytes < MinimumAreaBytes || slots < 2)
        {
            return null;
        }

        var index = IndexBytesFor(slots);
        return 2 * index <= areaBytes - (slots * label) ? new LabelGeometry(areaBytes, label, slots, index) : null;
    }

    /// <summary>Where slot <paramref name="slot"/> starts.</summary>
    public int SlotOffset(int slot) => LabelsOffset + (slot * LabelBytes);

    private static int IndexBytesFor(int slots) =>
        (IndexLayout.Free + ((slots + 7) / 8) + IndexUnitBytes - 1) / IndexUnitBytes * IndexUnitBytes;
}
