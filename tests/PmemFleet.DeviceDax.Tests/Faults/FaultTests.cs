using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;
using static PmemFleet.DeviceDax.Tests.Fixture;

namespace PmemFleet.DeviceDax.Tests.Faults;

public class FaultTests
{
    private static (PageGranule Tag, FaultResult Result)[] Tries(FaultTrace trace) => [.. trace.ToList().Select(a => (a.Tag, a.Result))];

    private static AccessOutcome FirstTouch(PageGranule granule, MachineProfile? profile = null, bool hasStructPages = true, bool dontFork = false)
    {
        var (machine, _) = WithDevice(granule, 4 * ByteCount.GiB, profile, hasStructPages);
        var (process, fd) = Opened(machine);
        var mapping = process.Mmap(new(2 * ByteCount.GiB, ReadWrite, MapFlags.Shared, fd) { DontFork = dontFork }).Value;
        return process.Access(new(mapping.Start.Value + 0x1234), AccessKind.Read);
    }

    [Fact]
    [Trait("Row", "1")]
    [Trait("Row", "9")]
    public void FirstTouch_Of1GiBDevice_IsOnePudEntry()
    {
        var outcome = FirstTouch(PageGranule.Pud);
        Assert.Equal([(PageGranule.Pud, FaultResult.NoPage)], Tries(outcome.Trace));
        Assert.Equal("huge_fault", outcome.Trace.Record.Handler);
    }

    [Fact]
    [Trait("Row", "9")]
    public void FirstTouch_Of2MiBDevice_FallsBackOnceThroughTheSameEntry()
    {
        var outcome = FirstTouch(PageGranule.Pmd);
        Assert.Equal([(PageGranule.Pud, FaultResult.Fallback), (PageGranule.Pmd, FaultResult.NoPage)], Tries(outcome.Trace));
        Assert.Equal("huge_fault", outcome.Trace.Record.Handler);
    }

    [Fact]
    [Trait("Row", "10")]
    [Trait("Row", "12")]
    [Trait("Row", "13")]
    [Trait("Row", "15")]
    [Trait("Row", "16")]
    [Trait("Row", "48")]
    public void FirstTouch_Of4KDevice_IsOneRecordWithOneTagAtATime()
    {
        var outcome = FirstTouch(PageGranule.Pte);
        Assert.Equal([(PageGranule.Pud, FaultResult.Fallback), (PageGranule.Pmd, FaultResult.Fallback), (PageGranule.Pte, FaultResult.NoPage)], Tries(outcome.Trace));
        var record = outcome.Trace.Record;
        Assert.Equal((1L, PageGranule.Pte), (record.Id, record.Tag));
        Assert.Equal(record.Mapping.Start.Value + 0x1000, record.Address.Value);
        Assert.Equal(1UL, record.PageOffset);
    }

    [Fact]
    public void SecondTouch_InTheSame2MiB_TriesOnlyThePte()
    {
        var (machine, _) = WithDevice(PageGranule.Pte, ByteCount.GiB);
        var (process, fd) = Opened(machine);
        var start = Map(process, fd, ByteCount.GiB).Value.Start.Value;
        start = PageGranules.AlignUp(start, 1UL << 21);
        process.Access(new(start), AccessKind.Read);
        Assert.Equal([(PageGranule.Pte, FaultResult.NoPage)], Tries(process.Access(new(start + 4096), AccessKind.Read).Trace));
        Assert.Equal(0, process.Access(new(start + 4096), AccessKind.Write).MinorFaults);
    }

    [Fact]
    [Trait("Row", "14")]
    [Trait("Row", "90")]
    public void FirstTouch_Of1GiBDeviceWithoutPudPages_IsSigBus()
    {
        var outcome = FirstTouch(PageGranule.Pud, MachineProfile.Default with { HasPudPages = false });
        Assert.Equal([(PageGranule.Pud, FaultResult.Fallback), (PageGranule.Pmd, FaultResult.SigBus)], Tries(outcome.Trace));
        Assert.Equal(("SIGBUS", "BUS_ADRERR", (int?)null), (outcome.Signal.Signal, outcome.Signal.CodeName, outcome.Signal.AddressLsb));
        Assert.Equal(0x1234UL, outcome.Signal.Address.Value & 0x1fffff);
    }

    [Fact]
    [Trait("Row", "81")]
    public void WithoutStructPages_In410_OnlyPtesMapAndNothingPins()
    {
        var era = MachineProfile.Default with { Kernel = KernelProfile.Linux410 };
        Assert.Equal(AccessResult.Ok, FirstTouch(PageGranule.Pte, era, hasStructPages: false, dontFork: true).Result);
        Assert.Equal(AccessResult.SigBus, FirstTouch(PageGranule.Pmd, era, hasStructPages: false, dontFork: true).Result);
        var (machine, _) = WithDevice(PageGranule.Pte, ByteCount.GiB, era, hasStructPages: false);
        var (process, fd) = Opened(machine);
        var mapping = process.Mmap(new(ByteCount.MiB, ReadWrite, MapFlags.Shared, fd) { DontFork = true }).Value;
        Assert.Equal(Errno.EFAULT, process.Pin(mapping.Start, new(1), AccessKind.Read).Refusal!.Errno);
        Assert.Contains("mm", process.Smaps().Single(s => s.Start == mapping.Start).VmFlags, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "91")]
    public void WithoutStructPages_MmapNeedsDontFork_AndTheChildHasNone()
    {
        var (machine, _) = WithDevice(PageGranule.Pte, ByteCount.GiB, hasStructPages: false);
        var (process, fd) = Opened(machine);
        var refusal = Map(process, fd, ByteCount.MiB).Refusal!;
        Assert.Equal((Errno.EINVAL, "device_dax dax0.0: test: dax_mmap: fail, dax range requires MADV_DONTFORK"), (refusal.Errno, refusal.KernelMessage));
        var mapping = process.Mmap(new(ByteCount.MiB, ReadWrite, MapFlags.Shared, fd) { DontFork = true }).Value;
        var child = process.Fork().Value;
        Assert.Equal("SEGV_MAPERR", child.Access(mapping.Start, AccessKind.Read).Signal.CodeName);
    }

    [Fact]
    [Trait("Row", "65")]
    public void Lookup_OfAGranuleThatEndsBehindTheRange_Fails()
    {
        var machine = new Machine();
        var region = machine.AddRegion(new(0, new(new(DataStart), new((2 * ByteCount.MiB) + ByteCount.MiB)), PageGranule.Pte)).Value;
        var device = region.AddDevice(new(0)).Value;
        Assert.Equal(DataStart, device.Lookup(0, PageGranule.Pmd)!.Value.Value);
        Assert.Null(device.Lookup(512, PageGranule.Pmd));
        Assert.Equal(DataStart + (2 * ByteCount.MiB), device.Lookup(512, PageGranule.Pte)!.Value.Value);
        Assert.Null(device.Lookup(768, PageGranule.Pte));
    }

    [Fact]
    [Trait("Row", "58")]
    [Trait("Row", "65")]
    public void Touch_BeyondTheDevice_IsSigBus_ThoughMmapSucceeded()
    {
        var (machine, _) = WithDevice(PageGranule.Pmd, 4 * ByteCount.MiB);
        var (process, fd) = Opened(machine);
        var mapping = Map(process, fd, 8 * ByteCount.MiB).Value;
        Assert.Equal(AccessResult.Ok, process.Access(new(mapping.Start.Value + (4 * ByteCount.MiB) - 1), AccessKind.Write).Result);
        var beyond = process.Access(new(mapping.Start.Value + (4 * ByteCount.MiB)), AccessKind.Write);
        Assert.Equal((AccessResult.SigBus, FaultResult.SigBus), (beyond.Result, beyond.Trace.ToList()[^1].Result));
    }

    [Fact]
    public void Access_AcrossTheEnd_ReachesWhatIsThere()
    {
        var (machine, _) = WithDevice(PageGranule.Pmd, 4 * ByteCount.MiB);
        var (process, fd) = Opened(machine);
        var mapping = Map(process, fd, 8 * ByteCount.MiB).Value;
        var outcome = process.Access(mapping.Start, AccessKind.Read, 6 * ByteCount.MiB);
        Assert.Equal((AccessResult.SigBus, 2, 4 * ByteCount.MiB), (outcome.Result, outcome.MinorFaults, outcome.BytesReached));
        Assert.Equal(mapping.Start.Value + (4 * ByteCount.MiB), outcome.Signal.Address.Value);
    }

    [Fact]
    public void SeveralExtents_MapInPageOffsetOrder()
    {
        var machine = new Machine();
        var region = machine.AddRegion(new(0, new(new(DataStart), new(ByteCount.GiB)), PageGranule.Pmd) { IsStatic = false }).Value;
        var far = new PhysicalRange(new(DataStart + (512 * ByteCount.MiB)), new(4 * ByteCount.MiB));
        var near = new PhysicalRange(new(DataStart), new(2 * ByteCount.MiB));
        var device = region.AddDevice(new(0, [far, near])).Value;
        var (process, fd) = Opened(machine);
        var start = Map(process, fd, 6 * ByteCount.MiB).Value.Start.Value;
        Assert.Equal(far.Start.Value + 5, process.Access(new(start + 5), AccessKind.Read).Physical!.Value.Value);
        Assert.Equal(near.Start.Value, process.Access(new(start + (4 * ByteCount.MiB)), AccessKind.Read).Physical!.Value.Value);
        Assert.Equal(2, process.Faults.Pmd.NoPage);
        Assert.Equal(2, device.Extents.Length);
    }

    [Fact]
    public void OffsetOffTheGranule_IsRefusedAtMmapOrSigBus_NeverAWrongMapping()
    {
        var (machine, _) = WithDevice(PageGranule.Pmd, 8 * ByteCount.MiB);
        var (process, fd) = Opened(machine);
        Assert.Equal("mmap-unaligned-vma", Map(process, fd, 2 * ByteCount.MiB, 4096).Refusal!.Rule);
        var mapping = Map(process, fd, 2 * ByteCount.MiB, 4096, MapFlags.Shared | MapFlags.Fixed, 1UL << 40).Value;
        Assert.Equal(AccessResult.SigBus, process.Access(mapping.Start, AccessKind.Read).Result);
    }

    [Fact]
    public void NoHugePage_OnA2MiBDevice_LeavesOnlyTheSigBusOfThePte()
    {
        var (machine, _) = WithDevice(PageGranule.Pmd, 8 * ByteCount.MiB);
        var (process, fd) = Opened(machine);
        var mapping = Map(process, fd, 4 * ByteCount.MiB).Value;
        Assert.True(process.Madvise(mapping.Start, mapping.Length, Advice.NoHugePage).IsOk);
        Assert.Equal([(PageGranule.Pte, FaultResult.SigBus)], Tries(process.Access(mapping.Start, AccessKind.Read).Trace));
    }

    [Fact]
    public void Smaps_OfA1GiBDevice_DropsTheEntry_AndTheNextTouchFaultsAgain()
    {
        var (machine, _) = WithDevice(PageGranule.Pud, 2 * ByteCount.GiB);
        var (process, fd) = Opened(machine);
        var mapping = Map(process, fd, ByteCount.GiB).Value;
        Assert.Equal([1, 0], [process.Access(mapping.Start, AccessKind.Write).MinorFaults, process.Access(mapping.Start, AccessKind.Write).MinorFaults]);
        _ = process.Rss;
        Assert.Equal(0, process.Access(mapping.Start, AccessKind.Write).MinorFaults);
        _ = process.Smaps();
        Assert.Equal(1, process.Access(mapping.Start, AccessKind.Write).MinorFaults);
        Assert.True(process.Madvise(mapping.Start, mapping.Length, Advice.NoHugePage).IsOk);
        _ = process.Smaps();
        Assert.Equal(AccessResult.SigBus, process.Access(mapping.Start, AccessKind.Read).Result);
    }

    [Fact]
    public void PageTableLimit_Reached_IsOom()
    {
        var (machine, _) = WithDevice(PageGranule.Pte, ByteCount.GiB);
        var (process, fd) = Opened(machine);
        var mapping = Map(process, fd, 64 * ByteCount.MiB).Value;
        var census = process.PageTables;
        process.PageTableLimit = census.PteTables + census.PmdTables + census.PudTables + 2;
        var results = Enumerable.Range(0, 32).Select(i => process.Access(new(mapping.Start.Value + ((ulong)i << 21)), AccessKind.Read).Result).ToList();
        Assert.Contains(AccessResult.Ok, results);
        Assert.Equal(AccessResult.Oom, results[^1]);
        Assert.True(process.Faults.Pte.Oom > 0);
    }

    [Fact]
    [Trait("Row", "17")]
    public void FileWithoutDax_TakesOneOrdinaryFault()
    {
        var machine = new Machine();
        machine.AddPlainFile("/mnt/plain", new(8 * ByteCount.MiB));
        var (process, fd) = Opened(machine, "/mnt/plain");
        var mapping = Map(process, fd, 16 * ByteCount.MiB).Value;
        Assert.Equal([(PageGranule.Pte, FaultResult.NoPage)], Tries(process.Access(mapping.Start, AccessKind.Read).Trace));
        Assert.Equal("BUS_ADRERR", process.Access(new(mapping.Start.Value + (8 * ByteCount.MiB)), AccessKind.Read).Signal.CodeName);
    }

    [Fact]
    [Trait("Row", "2")]
    [Trait("Row", "11")]
    [Trait("Row", "85")]
    public void FsDax_MapsPmdsByChance_NeverPuds()
    {
        var machine = new Machine();
        machine.AddFile("/mnt/a", new(2 * ByteCount.GiB), [new(0, new(new(DataStart), new(2 * ByteCount.GiB)))], [new(new(DataStart + (8 * ByteCount.MiB)), new(512))]);
        machine.AddFile("/mnt/b", new(4 * ByteCount.MiB), [new(0, new(new(DataStart + 4096), new(4 * ByteCount.MiB)))]);
        var (process, fd) = Opened(machine, "/mnt/a");
        var aligned = Map(process, fd, 2 * ByteCount.GiB, 0, MapFlags.Shared | MapFlags.Fixed, 1UL << 40).Value.Start.Value;
        Assert.Equal([(PageGranule.Pud, FaultResult.Fallback), (PageGranule.Pmd, FaultResult.NoPage)], Tries(process.Access(new(aligned), AccessKind.Read).Trace));
        Assert.Equal("BUS_ADRERR", process.Access(new(aligned + (8 * ByteCount.MiB)), AccessKind.Read).Signal.CodeName);
        Assert.Equal(PageGranule.Pte, process.Access(new(aligned + (8 * ByteCount.MiB) + 4096), AccessKind.Read).Trace.ToList()[^1].Tag);
        var shifted = Map(process, fd, 4 * ByteCount.MiB, 4096, MapFlags.Shared | MapFlags.Fixed, 1UL << 41).Value.Start.Value;
        Assert.Equal(PageGranule.Pte, process.Access(new(shifted), AccessKind.Read).Trace.ToList()[^1].Tag);
        var b = process.Open("/mnt/b", DeviceDax.Files.OpenFlags.ReadWrite).Value;
        var misplaced = Map(process, b, 4 * ByteCount.MiB, 0, MapFlags.Shared | MapFlags.Fixed, 1UL << 42).Value.Start.Value;
        Assert.Equal(PageGranule.Pte, process.Access(new(misplaced), AccessKind.Read).Trace.ToList()[^1].Tag);
    }

    [Fact]
    [Trait("Row", "83")]
    public void ReadOfAnUntouchedPage_IsTheMediasOwnAddress()
    {
        var (machine, _) = WithDevice(PageGranule.Pte, ByteCount.MiB);
        var (process, fd) = Opened(machine);
        var mapping = Map(process, fd, ByteCount.MiB).Value;
        Assert.Equal(DataStart + 0x5678, process.Access(new(mapping.Start.Value + 0x5678), AccessKind.Read).Physical!.Value.Value);
    }
}
