using System.Buffers.Binary;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Labels;

public class LabelGeometryTests
{
    [Theory]
    [InlineData(1024, LabelVersion.V11, 4, 256)]
    [InlineData(1024, LabelVersion.V12, 2, 256)]
    [InlineData(4096, LabelVersion.V11, 28, 256)]
    [InlineData(4096, LabelVersion.V12, 14, 256)]
    [InlineData(65536, LabelVersion.V11, 508, 256)]
    [InlineData(65536, LabelVersion.V12, 254, 256)]
    [InlineData(131072, LabelVersion.V11, 1020, 256)]
    [InlineData(131072, LabelVersion.V12, 510, 256)]
    [InlineData(262144, LabelVersion.V11, 2040, 512)]
    [InlineData(262144, LabelVersion.V12, 1022, 256)]
    [InlineData(524288, LabelVersion.V11, 4084, 768)]
    [InlineData(524288, LabelVersion.V12, 2044, 512)]
    [InlineData(1048576, LabelVersion.V11, 8172, 1280)]
    [InlineData(1048576, LabelVersion.V12, 4090, 768)]
    [InlineData(2097152, LabelVersion.V11, 16348, 2304)]
    [InlineData(2097152, LabelVersion.V12, 8182, 1280)]
    [Trait("Row", "42")]
    public void For_AreaSize_GivesSlotsAndIndexSize(int area, LabelVersion version, int slots, int index)
    {
        var geometry = LabelGeometry.For(area, version)!.Value;

        Assert.Equal((slots, index, 2 * index), (geometry.SlotCount, geometry.IndexBytes, geometry.LabelsOffset));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(1023)]
    [InlineData(0)]
    public void For_TooSmall_GivesNone(int area) => Assert.Null(LabelGeometry.For(area, LabelVersion.V12));

    [Fact]
    public void Probe_TooSmallArea_IsRefusedWithEnxio()
    {
        var refusal = DimmLabels.Probe(3, new LabelArea(768)).Refusal;

        Assert.Equal(Errno.ENXIO, refusal!.Errno);
        Assert.Equal("nmem3: label area (768) too small to host (256 byte) labels", refusal.Message);
    }

    [Theory]
    [InlineData(131072, LabelVersion.V12, 0xe793e3ed18323c1c, 0xe793e7b218323c1b)]
    [InlineData(131072, LabelVersion.V11, 0xdb634621e7313e0a, 0xdb6349e6e7313e09)]
    [InlineData(262144, LabelVersion.V12, 0xe794468518323e0c, 0xe7944a4a18323e0b)]
    public void Fresh_KernelForm_HasTheRecordedChecksums(int area, LabelVersion version, ulong first, ulong second)
    {
        var geometry = LabelGeometry.For(area, version)!.Value;
        var image = IndexImage.Fresh(geometry);
        var block = new byte[geometry.IndexBytes];

        image.Finish(0, 3, geometry, block);
        Assert.Equal(first, BinaryPrimitives.ReadUInt64LittleEndian(block.AsSpan(64)));
        image.Finish(1, 2, geometry, block);
        Assert.Equal(second, BinaryPrimitives.ReadUInt64LittleEndian(block.AsSpan(64)));
        Assert.Null(IndexBlock.Fault(block, 1, geometry));
    }

    [Theory]
    [InlineData(3u, 2u, 0)]
    [InlineData(2u, 3u, 1)]
    [InlineData(1u, 3u, 0)]
    [InlineData(3u, 1u, 1)]
    [InlineData(2u, 1u, 0)]
    [InlineData(1u, 2u, 1)]
    [InlineData(2u, 2u, 1)]
    [InlineData(0u, 2u, 1)]
    [InlineData(2u, 0u, 0)]
    [InlineData(7u, 6u, 0)]
    public void Newer_TwoSequences_GivesTheFollowing(uint first, uint second, int newer) =>
        Assert.Equal(newer, SequenceNumber.Newer(first, second));
}
