using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;
using static PmemFleet.DeviceDax.Tests.Fixture;

namespace PmemFleet.DeviceDax.Tests.Devices;

public class DaxPartitionTests
{
    private const ulong M = ByteCount.MiB;

    private static DaxRegion Region(bool isStatic = false) =>
        new Machine().AddRegion(new(0, new(new(DataStart), new(16 * M)), PageGranule.Pte) { IsStatic = isStatic }).Value;

    private static DaxPartition Sized(DaxRegion region, ulong size)
    {
        var made = region.Create(1).Value;
        Assert.True(made.Resize(new(size)).IsOk);
        return made;
    }

    [Fact]
    public void Resize_GrowsIntoTheLowestGaps_AndShrinksFromTheLastRange()
    {
        var region = Region();
        var (a, b) = (Sized(region, 4 * M), Sized(region, 4 * M));
        Assert.True(a.Resize(new(10 * M)).IsOk);
        Assert.Equal([(DataStart, 4 * M), (DataStart + (8 * M), 6 * M)], a.Ranges.Select(r => (r.Start.Value, r.Length.Value)));
        Assert.True(b.Resize(new(0)).IsOk);
        Assert.True(a.Resize(new(2 * M)).IsOk);
        Assert.Equal([(DataStart, 2 * M)], a.Ranges.Select(r => (r.Start.Value, r.Length.Value)));
        Assert.True(a.Resize(new(16 * M)).IsOk);
        Assert.Equal([(DataStart, 16 * M)], a.Ranges.Select(r => (r.Start.Value, r.Length.Value)));
        var device = a.Enable().Value;
        Assert.Equal(16 * M, device.Size.Value);
    }

    [Fact]
    [Trait("Row", "89")]
    public void ActiveDevice_KeepsSizeAndAlign()
    {
        var region = Region();
        var partition = Sized(region, 4 * M);
        _ = partition.Enable().Value;
        Assert.Equal(Errno.EBUSY, partition.SetAlign(new(2 * M)).Refusal!.Errno);
        Assert.Equal(Errno.EBUSY, partition.Resize(new(2 * M)).Refusal!.Errno);
        partition.Device!.Disable();
        Assert.True(partition.SetAlign(new(2 * M)).IsOk);
        Assert.Equal(PageGranule.Pmd, partition.Enable().Value.Granule);
    }

    [Fact]
    public void Writes_ThatLinuxRefuses_AreRefused()
    {
        var region = Region();
        var first = Sized(region, 4 * M);
        Assert.Equal(Errno.EINVAL, region.Create(2).Refusal!.Errno);
        Assert.Equal(Errno.EINVAL, Region(isStatic: true).Create(1).Refusal!.Errno);
        Assert.Equal(Errno.EINVAL, first.Resize(new(3 * M)).Refusal!.Errno);
        Assert.Equal(Errno.ENOSPC, first.Resize(new(18 * M)).Refusal!.Errno);
        Assert.Equal(Errno.EINVAL, first.SetAlign(new(8192)).Refusal!.Errno);
        Assert.Equal(Errno.EINVAL, first.SetAlign(new(ByteCount.GiB)).Refusal!.Errno);
        Assert.Equal(Errno.ENXIO, region.Create(1).Value.Enable().Refusal!.Errno);
        Assert.True(first.Resize(new(16 * M)).IsOk);
        Assert.Equal(Errno.ENOSPC, region.Create(1).Refusal!.Errno);
        Assert.Equal(Errno.EBUSY, region.Delete("dax0.0").Refusal!.Errno);
        Assert.Equal(Errno.ENXIO, region.Delete("dax0.7").Refusal!.Errno);
        Assert.True(region.Delete("dax0.1").IsOk);
    }
}
