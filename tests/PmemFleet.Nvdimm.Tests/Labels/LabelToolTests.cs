using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Labels;

public class LabelToolTests
{
    [Fact]
    [Trait("Row", "42")]
    public void Initialise_AsNdctl_GivesItsBytes2M()
    {
        var area = TestAreas.From(new byte[2 << 20]);

        LabelTool.Initialise(area, LabelVersion.V11, force: false);
        Assert.Equal(GoldenVectors.Bytes("a_label_init/v11_2M.label"), area.ToArray());
        LabelTool.Initialise(area, LabelVersion.V12, force: true);
        Assert.Equal(GoldenVectors.Bytes("a_label_init/v12_2M.label"), area.ToArray());
        LabelTool.Initialise(area, LabelVersion.V11, force: true);
        Assert.Equal(GoldenVectors.Bytes("a_label_init/default_2M.label"), area.ToArray());
    }

    [Fact]
    public void Initialise_AsNdctl_GivesItsBytes128K()
    {
        var area = new LabelArea(128 << 10);

        LabelTool.Initialise(area, LabelVersion.V11, force: true);
        Assert.Equal(GoldenVectors.Bytes("a_label_init/v11_128K.label"), area.ToArray());
        LabelTool.Initialise(area, LabelVersion.V12, force: true);
        Assert.Equal(GoldenVectors.Bytes("a_label_init/v12_128K.label"), area.ToArray());
        area.Clear(0, area.Size);
        Assert.Equal(GoldenVectors.Bytes("a_label_init/zeroed_128K.label"), area.ToArray());
    }

    [Fact]
    public void Initialise_LabelsThere_IsRefusedWithoutForce()
    {
        var area = TestAreas.Initialised();
        var before = area.ToArray();

        Assert.Equal(Errno.EBUSY, LabelTool.Initialise(area, LabelVersion.V12, force: false).Refusal!.Errno);
        Assert.Equal(before, area.ToArray());
    }

    public static TheoryData<string> Damaged => [.. GoldenVectors.Cases("e").Where(c => GoldenVectors.Has(c + "/after.label"))];

    [Theory]
    [MemberData(nameof(Damaged))]
    public void Check_DamagedArea_AgreesWithNdctl(string @case)
    {
        var area = TestAreas.From(GoldenVectors.Bytes(@case + "/after.label"));

        Assert.Equal((int)GoldenVectors.Command(@case, "ndctl check-labels nmem0")["rc"]! == 0, LabelTool.Check(area).Refusal is null);
    }

    [Theory]
    [MemberData(nameof(Damaged))]
    public void Listing_DamagedArea_AgreesWithNdctl(string @case)
    {
        var area = TestAreas.From(GoldenVectors.Bytes(@case + "/after.label"));

        var expected = GoldenVectors.Command(@case, "ndctl read-labels -j nmem0")["stdout"]![0];
        var actual = JsonNode.Parse(LabelListing.Of("nmem0", area).ToJsonString());
        Assert.True(JsonNode.DeepEquals(expected, actual), $"{actual}");
    }

    [Theory]
    [InlineData("a_label_init", "v11_2M", "ndctl read-labels -I -j nmem0", true)]
    [InlineData("a_label_init", "v11_128K", "ndctl read-labels -j nmem1", false)]
    [InlineData("a_b_modes_v12_labels", "v12_plus_pfnmem", "ndctl read-labels -j nmem0", false)]
    [InlineData("a_n_nfit_test", "nmem2", "ndctl read-labels -j nmem2", false)]
    public void Listing_RecordedArea_AgreesWithNdctl(string @case, string label, string command, bool indexOnly)
    {
        var area = TestAreas.From(GoldenVectors.Bytes($"{@case}/{label}.label"));
        var expected = GoldenVectors.Command(@case, command)["stdout"]![0]!;

        var actual = JsonNode.Parse(LabelListing.Of((string)expected["dev"]!, area, indexOnly).ToJsonString());
        Assert.True(JsonNode.DeepEquals(expected, actual), $"{actual}");
    }
}
