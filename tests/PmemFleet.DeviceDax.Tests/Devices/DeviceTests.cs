using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;
using static PmemFleet.DeviceDax.Tests.Fixture;

namespace PmemFleet.DeviceDax.Tests.Devices;

public class DeviceTests
{
    [Fact]
    [Trait("Row", "71")]
    [Trait("Row", "64")]
    public void ThreeHundredDevices_AllWork_WithNumbersAndInodesOfTheirOwn()
    {
        var machine = new Machine();
        var region = machine.AddRegion(new(0, new(new(DataStart), new(300 * 2 * ByteCount.MiB)), PageGranule.Pmd) { IsStatic = false }).Value;
        var devices = new DaxDevice[300];
        Parallel.For(0, 300, i => devices[i] = region.AddDevice(new(i, [new(new(DataStart + ((ulong)i * 2 * ByteCount.MiB)), new(2 * ByteCount.MiB))])).Value);
        Assert.Equal(300, devices.Select(d => d.Number).Distinct().Count());
        Assert.Equal(300, devices.Select(d => d.InodeNumber).Distinct().Count());
        foreach (var device in devices)
        {
            var (process, fd) = Opened(machine, device.Path);
            Assert.Equal(AccessResult.Ok, process.Access(Map(process, fd, 2 * ByteCount.MiB).Value.Start, AccessKind.Write).Result);
        }
    }

    [Fact]
    [Trait("Row", "77")]
    public async Task Device_WhoseRegistrationFails_LeavesNothingBehind()
    {
        var machine = new Machine(new() { DaxMinors = 1 });
        var region = machine.AddRegion(new(0, new(new(DataStart), new(4 * ByteCount.MiB)), PageGranule.Pmd) { IsStatic = false }).Value;
        PhysicalRange Half(ulong index) => new(new(DataStart + (index * 2 * ByteCount.MiB)), new(2 * ByteCount.MiB));
        var first = region.AddDevice(new(0, [Half(0)])).Value;

        var refusal = region.AddDevice(new(1, [Half(1)])).Refusal!;

        Assert.Equal(Errno.ENOSPC, refusal.Errno);
        Assert.Equal(2 * ByteCount.MiB, region.AvailableSize.Value);
        Assert.Equal([first], region.Devices);
        Assert.Null(machine.FindDevice("dax0.1"));
        Assert.False(machine.StartProcess("a").Open("/dev/dax0.1", OpenFlags.ReadWrite).TryGet(out _, out _));

        // what the failed one had claimed is free for the next
        first.Disable();
        await machine.RemoveRegionAsync(region);
        var again = machine.AddRegion(new(0, new(new(DataStart), new(4 * ByteCount.MiB)), PageGranule.Pmd) { IsStatic = false }).Value;
        Assert.Equal(first.Number, again.AddDevice(new(1, [Half(1)])).Value.Number);
    }

    [Fact]
    [Trait("Row", "27")]
    [Trait("Row", "28")]
    [Trait("Row", "29")]
    [Trait("Row", "47")]
    [Trait("Row", "78")]
    [Trait("Row", "88")]
    [Trait("Row", "94")]
    public void Region_AloneTellsHowToMap_WithAnyParent()
    {
        var machine = new Machine();
        var region = machine.AddRegion(new(7, new(new(DataStart), new(8 * ByteCount.MiB)), PageGranule.Pmd) { Parent = "hmem.0" }).Value;
        var device = region.AddDevice(new(0)).Value;
        Assert.Equal((7, 8 * ByteCount.MiB, 2 * ByteCount.MiB, "hmem.0"), (region.Id, region.Size.Value, region.Align.Value, region.Parent));
        Assert.Equal(("dax7.0", "/dev/dax7.0"), (device.Name, device.Path));
        var (process, fd) = Opened(machine, "/dev/dax7.0");
        Assert.True(Map(process, fd, region.Size.Value / region.Align.Value * region.Align.Value).IsOk);
    }

    [Theory]
    [Trait("Row", "68")]
    [InlineData(0UL, (2 * ByteCount.MiB) + 4096)]
    [InlineData(4096UL, 2 * ByteCount.MiB)]
    public void Extent_OffTheAlign_IsRefused(ulong offset, ulong length)
    {
        var region = new Machine().AddRegion(new(0, new(new(DataStart), new(8 * ByteCount.MiB)), PageGranule.Pmd) { IsStatic = false }).Value;
        Assert.Equal(Errno.EINVAL, region.AddDevice(new(0, [new(new(DataStart + offset), new(length))])).Refusal!.Errno);
    }

    [Theory]
    [Trait("Row", "69")]
    [InlineData(4096UL, 8 * ByteCount.MiB)]
    [InlineData(0UL, (8 * ByteCount.MiB) + 4096)]
    public void Region_OffTheAlign_IsRefused(ulong offset, ulong length) =>
        Assert.Equal(Errno.ENOMEM, new Machine().AddRegion(new(0, new(new(DataStart + offset), new(length)), PageGranule.Pmd)).Refusal!.Errno);

    [Fact]
    public void StaticRegion_WithTwoRanges_IsRefusedWithTheKernelsWords()
    {
        var region = new Machine().AddRegion(new(0, new(new(DataStart), new(8 * ByteCount.MiB)), PageGranule.Pmd)).Value;
        var refusal = region.AddDevice(new(0, [new(new(DataStart), new(2 * ByteCount.MiB)), new(new(DataStart + (4 * ByteCount.MiB)), new(2 * ByteCount.MiB))])).Refusal!;
        Assert.Equal((Errno.EINVAL, "device_dax dax0.0: static pgmap / multi-range device conflict"), (refusal.Errno, refusal.KernelMessage));
    }

    [Fact]
    [Trait("Row", "59")]
    [Trait("Row", "93")]
    public void SecondClaimOfARange_IsBusy_WithTheKernelsWords()
    {
        var machine = new Machine();
        var region = machine.AddRegion(new(0, new(new(0x1_0000_0000), new(0x2000_0000)), PageGranule.Pmd)).Value;
        _ = region.AddDevice(new(0)).Value;
        var refusal = region.AddDevice(new(1)).Refusal!;
        Assert.Equal(Errno.EBUSY, refusal.Errno);
        Assert.Equal("dax_pmem dax0.1: could not reserve region [mem 0x100000000-0x11fffffff]", refusal.KernelMessage);
    }

    [Fact]
    [Trait("Row", "61")]
    [Trait("Row", "62")]
    [Trait("Row", "67")]
    public async Task Disable_WithAPinnedPage_WaitsForThePin_InTheRightOrder()
    {
        var (machine, device) = WithDevice(PageGranule.Pmd, 8 * ByteCount.MiB);
        var (process, fd) = Opened(machine);
        var mapping = Map(process, fd, 8 * ByteCount.MiB).Value;
        var pin = process.Pin(mapping.Start, mapping.Length, AccessKind.Write).Value;
        Assert.Equal(2048, pin.Pages.Length);
        Assert.All(pin.Pages, p => Assert.InRange(p.Value, DataStart, DataStart + (8 * ByteCount.MiB) - 1));
        var revocation = device.Disable();
        Assert.False(revocation.IsComplete);
        Assert.Equal(RevocationStep.ReferenceKilled, revocation.Steps[^1]);
        Assert.Equal(AccessResult.SigBus, process.Access(mapping.Start, AccessKind.Read).Result);
        Assert.Equal(Errno.EBUSY, device.Region.AddDevice(new(0)).Refusal!.Errno);
        pin.Dispose();
        pin.Dispose();
        await revocation.Completion;
        Assert.Equal(Enum.GetValues<RevocationStep>(), revocation.Steps);
        Assert.Same(revocation, device.Disable());
    }

    [Fact]
    [Trait("Row", "70")]
    public void Disable_ReachesMappingsOfEveryNodeAndProcess()
    {
        var (machine, device) = WithDevice(PageGranule.Pmd, 8 * ByteCount.MiB);
        machine.MakeNode("/tmp/a", device.Number);
        machine.MakeNode("/tmp/b", device.Number);
        var users = new[] { "/tmp/a", "/tmp/b", "/dev/dax0.0" }.Select(path =>
        {
            var (process, fd) = Opened(machine, path);
            var mapping = Map(process, fd, 8 * ByteCount.MiB).Value;
            process.Access(mapping.Start, AccessKind.Write);
            return (process, mapping);
        }).ToList();
        device.Disable();
        Assert.All(users, u => Assert.Null(u.process.PageMap(u.mapping.Start)));
        Assert.All(users, u => Assert.Equal("BUS_ADRERR", u.process.Access(u.mapping.Start, AccessKind.Read).Signal.CodeName));
    }

    [Fact]
    [Trait("Row", "72")]
    [Trait("Row", "73")]
    [Trait("Row", "74")]
    [Trait("Row", "79")]
    public void Device_IsReleasedOnce_WithItsLastUser_AndKeepsItsNumberUntilThen()
    {
        var (machine, device) = WithDevice(PageGranule.Pmd, 8 * ByteCount.MiB);
        var (process, fd) = Opened(machine);
        var mapping = Map(process, fd, 4 * ByteCount.MiB).Value;
        Assert.True(device.Disable().IsComplete);
        Assert.Equal(Errno.ENXIO, Map(process, fd, 2 * ByteCount.MiB).Refusal!.Errno);
        Assert.Equal(Errno.EINVAL, process.Read(fd).Refusal!.Errno);
        var second = device.Region.AddDevice(new(0)).Value;
        Assert.NotEqual(device.Number, second.Number);
        Assert.Equal(Errno.ENXIO, Map(process, fd, 2 * ByteCount.MiB).Refusal!.Errno);
        process.Close(fd);
        Assert.Equal(0, device.ReleaseCount);
        process.Munmap(mapping.Start, mapping.Length);
        Assert.Equal(1, device.ReleaseCount);
        var third = machine.AddRegion(new(1, new(new(DataStart * 2), new(ByteCount.GiB)), PageGranule.Pmd)).Value.AddDevice(new(0)).Value;
        Assert.Equal(device.Number, third.Number);
        var again = process.Open("/dev/dax0.0", OpenFlags.ReadWrite).Value;
        Assert.Equal(AccessResult.Ok, process.Access(Map(process, again, 2 * ByteCount.MiB).Value.Start, AccessKind.Write).Result);
    }

    [Fact]
    public async Task Open_AfterDisable_IsEnxio_AndAfterRemovalEnodev()
    {
        var (machine, device) = WithDevice(PageGranule.Pmd, 8 * ByteCount.MiB);
        machine.MakeNode("/tmp/a", device.Number);
        var process = machine.StartProcess("test");
        device.Disable();
        Assert.Equal(Errno.ENXIO, process.Open("/dev/dax0.0", OpenFlags.ReadWrite).Refusal!.Errno);
        await machine.RemoveRegionAsync(device.Region);
        machine.RemoveNode(device);
        Assert.Equal(Errno.ENODEV, process.Open("/dev/dax0.0", OpenFlags.ReadWrite).Refusal!.Errno);
        Assert.Equal(Errno.ENXIO, process.Open("/tmp/a", OpenFlags.ReadWrite).Refusal!.Errno);
    }

    [Fact]
    [Trait("Row", "80")]
    public void FaultsAgainstDisable_MapOrSigBus_AndNoneMapsAfterwards()
    {
        for (var round = 0; round < 60; round++)
        {
            var (machine, device) = WithDevice(PageGranule.Pte, 64 * ByteCount.MiB);
            var users = Enumerable.Range(0, 4).Select(_ => Opened(machine)).ToArray();
            using var start = new Barrier(users.Length + 1);
            var isDisabled = 0;
            var late = 0;
            var threads = users.Select(user => new Thread(() =>
            {
                start.SignalAndWait();
                for (var i = 0; i < 400; i++)
                {
                    var wasDisabled = Volatile.Read(ref isDisabled) == 1;
                    var mapped = Map(user.Process, user.Descriptor, 4096 * 16);
                    if (!mapped.TryGet(out var mapping, out var refusal))
                    {
                        late += refusal.Errno == Errno.ENXIO ? 0 : 1;
                        continue;
                    }

                    var outcome = user.Process.Access(new(mapping.Start.Value + ((ulong)(i % 16) << 12)), AccessKind.Write);
                    if (wasDisabled || outcome.Result is not (AccessResult.Ok or AccessResult.SigBus))
                    {
                        Interlocked.Increment(ref late);
                    }
                }
            })).ToList();
            threads.ForEach(t => t.Start());
            start.SignalAndWait();
            device.Disable();
            Volatile.Write(ref isDisabled, 1);
            Assert.All(users, u => Assert.All(u.Process.Mappings.Where(m => m.Device is not null), m => Assert.Null(u.Process.PageMap(m.Start))));
            threads.ForEach(t => t.Join());
            Assert.Equal(0, late);
            Assert.All(users, u => Assert.Equal(0, u.Process.Smaps().Count(s => s.Device is not null && u.Process.PageMap(s.Start) is not null)));
        }
    }
}
