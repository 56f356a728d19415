using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;
using static PmemFleet.DeviceDax.Tests.Fixture;

namespace PmemFleet.DeviceDax.Tests.Poison;

public class MemoryFailureTests
{
    private static PhysicalRange Bad { get; } = new(new(DataStart + 0x20_1080), new(64));

    [Theory]
    [InlineData(PageGranule.Pte, 0x20_1000UL, 12)]
    [InlineData(PageGranule.Pmd, 0x20_0000UL, 21)]
    [InlineData(PageGranule.Pud, 0UL, 30)]
    public void Load_OfAPoisonedLine_SignalsTheGranule_AndTellsOthersThatHaveIt(PageGranule granule, ulong signalAt, int lsb)
    {
        var (machine, _) = WithDevice(granule, 2 * ByteCount.GiB, poison: new PoisonAt(Bad));
        var (consumer, fd) = Opened(machine);
        var start = Map(consumer, fd, ByteCount.GiB).Value.Start.Value;
        var (sharer, bystander) = (consumer.Fork().Value, consumer.Fork().Value);
        Assert.Equal(AccessResult.Ok, sharer.Access(new(start + 0x20_1000), AccessKind.Read, 0x80).Result);
        Assert.Equal(AccessResult.Ok, consumer.Access(new(start + 0x20_1080), AccessKind.Write, 64).Result);
        var outcome = consumer.Access(new(start + 0x20_1000), AccessKind.Read, 0x100);
        Assert.Equal((AccessResult.SigBus, 0x80UL), (outcome.Result, outcome.BytesReached));
        Assert.Equal(new SignalInfo(SignalCode.BusMceErrAr, new(start + signalAt), lsb), outcome.Signal);
        Assert.Equal(new PhysicalRange(new(DataStart + 0x20_1080), new(64)), outcome.MachineCheck);
        Assert.Equal([new SignalInfo(SignalCode.BusMceErrAo, new(start + signalAt), lsb)], sharer.TakeSignals());
        Assert.Empty(bystander.TakeSignals());
        Assert.Null(sharer.PageMap(new(start + 0x20_1000)));
        var again = consumer.Access(new(start + 0x20_1080), AccessKind.Read);
        Assert.Equal((SignalCode.BusMceErrAr, 1), (again.Signal.Code, again.MinorFaults));
        Assert.Equal(8192UL, machine.HardwareCorrupted.Value);
    }

    [Fact]
    public void Load_BesideThePoison_IsFine()
    {
        var (machine, _) = WithDevice(PageGranule.Pmd, 8 * ByteCount.MiB, poison: new PoisonAt(Bad));
        var (process, fd) = Opened(machine);
        var start = Map(process, fd, 8 * ByteCount.MiB).Value.Start.Value;
        Assert.Equal(AccessResult.Ok, process.Access(new(start + 0x20_1000), AccessKind.Read, 0x80).Result);
        Assert.Equal(AccessResult.Ok, process.Access(new(start + 0x20_10c0), AccessKind.Read, 4096).Result);
    }

    [Fact]
    public void Others_WithoutEarlyKill_OnlyLoseThePage()
    {
        var (machine, _) = WithDevice(PageGranule.Pmd, 8 * ByteCount.MiB, MachineProfile.Default with { KillsEarly = false }, poison: new PoisonAt(Bad));
        var (consumer, fd) = Opened(machine);
        var start = Map(consumer, fd, 8 * ByteCount.MiB).Value.Start.Value;
        var sharer = consumer.Fork().Value;
        sharer.Access(new(start + 0x20_0000), AccessKind.Read);
        consumer.Access(new(start + 0x20_1080), AccessKind.Read);
        Assert.Empty(sharer.TakeSignals());
        Assert.Null(sharer.PageMap(new(start + 0x20_0000)));
    }
}
