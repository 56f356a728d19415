using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Labels;

public class DimmLabelsTests
{
    public static TheoryData<string> Areas => [.. GoldenVectors.Labels()];

    [Theory]
    [MemberData(nameof(Areas))]
    public void Write_LabelThatWasRead_GivesTheSameBytes(string path)
    {
        var area = TestAreas.From(GoldenVectors.Bytes(path));
        var labels = TestAreas.Probe(area);
        var original = new byte[labels.Geometry.LabelBytes];
        var written = new byte[labels.Geometry.LabelBytes];

        foreach (var label in labels.Active().Where(l => !l.Name.Contains('\uFFFD', StringComparison.Ordinal)))
        {
            area.Read(labels.Geometry.SlotOffset((int)label.Slot), original);
            label.Write(written);
            Assert.Equal(original, written);
        }
    }

    [Theory]
    [InlineData("e_d_none", true)]
    [InlineData("e_d_major_9", true)]
    [InlineData("e_d_zero_idx_oth", true)]
    [InlineData("e_d_seq_4", false)]
    [InlineData("e_d_seq_zero_cur", false)]
    [InlineData("e_d_zero_idx_cur", false)]
    [InlineData("e_sig_cur", true)]
    public void Probe_OneIndexDamaged_TheOtherServes(string @case, bool hasSecond)
    {
        var labels = TestAreas.Probe(TestAreas.From(GoldenVectors.Bytes(@case + "/damaged_before_boot.label")));

        Assert.Equal(hasSecond, labels.Active().Any(l => l.Name == "second"));
    }

    [Fact]
    public void Probe_NeverWrites()
    {
        var area = TestAreas.From(GoldenVectors.Bytes("e_zero_idx_cur/damaged_before_boot.label"));
        var before = area.ToArray();

        Assert.NotEmpty(TestAreas.Probe(area).Active());

        Assert.Equal(before, area.ToArray());
    }

    [Fact]
    public void Probe_NoIndex_KeepsV12ForALaterInitialisation()
    {
        var labels = TestAreas.Probe(new LabelArea(2 << 20));

        Assert.Equal((false, LabelVersion.V12, 8181, false), (labels.HasIndex, labels.Geometry.Version, labels.AvailableSlots, labels.SelectsFirstCookie));
    }

    [Fact]
    public void Write_LinuxOrder_GivesLinuxBytes()
    {
        // c_multi's first raw create as Linux performs it: uuid and name (nothing to write but an index), size, sector size, class
        var area = new LabelArea(2 << 20);
        LabelTool.Initialise(area, LabelVersion.V11, force: false);
        DimmLabels[] set = [TestAreas.Probe(area)];
        var uuid = TestAreas.Uuid(1);
        var label = TestAreas.Label(uuid, name: "rawns") with { Cookie = 0x2468ac00123456, RawSize = 4UL << 30, SectorSize = 0 };

        SetLabelUpdate.Delete(set, uuid);
        SetLabelUpdate.Delete(set, uuid);
        SetLabelUpdate.Write(set, [label]);
        SetLabelUpdate.Write(set, [label with { SectorSize = 512 }]);
        SetLabelUpdate.Write(set, [label with { SectorSize = 512 }]);

        Assert.Equal(GoldenVectors.Bytes("a_b_raw_sector/raw_full.label"), area.ToArray());
    }

    [Fact]
    public void Write_NoIndexYet_InitialisesAsTheKernel()
    {
        var area = new LabelArea(128 << 10);
        DimmLabels[] set = [TestAreas.Probe(area)];

        Assert.Null(SetLabelUpdate.Write(set, [TestAreas.Label(TestAreas.Uuid(1))]).Refusal);

        var probed = TestAreas.Probe(area);
        Assert.Equal(LabelVersion.V12, probed.Geometry.Version);
        Assert.Equal(TestAreas.Uuid(1), Assert.Single(probed.Active()).Uuid);
        Assert.Equal(508, probed.AvailableSlots);
    }

    [Fact]
    public void Write_EverySlotUsed_IsRefusedAndTheLabelsStay()
    {
        var area = TestAreas.Initialised(size: 1024);
        var labels = TestAreas.Probe(area);
        var written = 0;
        while (labels.AvailableSlots > 0)
        {
            Assert.Null(SetLabelUpdate.Write([labels], [TestAreas.Label(TestAreas.Uuid(++written))]).Refusal);
        }

        Assert.Equal(3, written);
        Assert.Null(labels.Write(TestAreas.Label(TestAreas.Uuid(9))).Refusal);
        var refusal = labels.Write(TestAreas.Label(TestAreas.Uuid(10))).Refusal;
        Assert.Equal((Errno.ENXIO, "label-slots-exhausted"), (refusal!.Errno, refusal.Rule));
        Assert.Equal(4, TestAreas.Probe(area).Active().Count());
    }

    [Fact]
    public void Write_ReplacedUuid_LeavesOnlyTheNewOne()
    {
        var area = TestAreas.Initialised(LabelVersion.V12);
        var labels = TestAreas.Probe(area);
        SetLabelUpdate.Write([labels], [TestAreas.Label(TestAreas.Uuid(1))]);

        SetLabelUpdate.Write([labels], [TestAreas.Label(TestAreas.Uuid(2))], replaces: TestAreas.Uuid(1));

        Assert.Equal(TestAreas.Uuid(2), Assert.Single(TestAreas.Probe(area).Active()).Uuid);
        Assert.Null(labels.SlotOf(TestAreas.Uuid(1)));
    }
}
