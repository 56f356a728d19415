using PmemFleet.Nvdimm.Labels;

namespace PmemFleet.Nvdimm.Tests.Labels;

/// <summary>Ready-made label areas.</summary>
internal static class TestAreas
{
    public const int Small = 128 << 10;

    public static LabelArea From(byte[] bytes)
    {
        var area = new LabelArea(bytes.Length);
        area.Write(0, bytes);
        return area;
    }

    public static DimmLabels Probe(LabelArea area, int dimm = 0)
    {
        Assert.True(DimmLabels.Probe(dimm, area).TryGet(out var labels, out _));
        return labels;
    }

    public static LabelArea Initialised(LabelVersion version = LabelVersion.V11, int size = Small)
    {
        var area = new LabelArea(size);
        Assert.Null(LabelTool.Initialise(area, version, force: false).Refusal);
        return area;
    }

    public static NamespaceLabel Label(Guid uuid, ulong dpa = 0, string name = "n", ushort position = 0, ushort count = 1) => new()
    {
        Uuid = uuid,
        Name = name,
        LabelCount = count,
        Position = position,
        Cookie = 0x1234,
        SectorSize = 512,
        Dpa = dpa,
        RawSize = 16 << 20,
        TypeGuid = AbstractionGuids.PmemRange,
    };

    public static Guid Uuid(int number) => new($"{number:d8}-0000-4000-8000-{number:d12}");
}
