using System.Text;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Tests.Machines;

/// <summary>A rehearsed call answers as the real one does, and leaves nothing.</summary>
public class RehearsalTests
{
    private const ulong Bytes = 64UL << 20;

    [Theory]
    [InlineData(PageGranule.Pte, 1)]
    [InlineData(PageGranule.Pte, 2)]
    [InlineData(PageGranule.Pmd, 3)]
    [InlineData(PageGranule.Pmd, 4)]
    public void AnyCall_Rehearsed_AnswersAsTheRealOneAndLeavesNothing(PageGranule granule, int seed)
    {
        var (machine, device) = Fixture.WithDevice(granule, Bytes, poison: new PoisonAt(new PhysicalRange(new(Fixture.DataStart + (9UL << 20)), new(256))));
        var (first, fd) = Fixture.Opened(machine);
        Assert.True(Fixture.Map(first, fd, Bytes).TryGet(out _, out _));
        var random = new Random(seed);
        for (var step = 0; step < 120; step++)
        {
            var call = Choose(random, machine);
            var before = Show(machine, device);
            string rehearsed;
            using (machine.Rehearse())
            {
                rehearsed = call(machine);
            }

            Assert.Equal(before, Show(machine, device));
            Assert.Equal(rehearsed, call(machine));
        }
    }

    [Fact]
    public void LastMappingOfADeadDevice_UnmappedInARehearsal_StillHoldsItsNumber()
    {
        var (machine, device) = Fixture.WithDevice(PageGranule.Pmd, Bytes);
        var (process, fd) = Fixture.Opened(machine);
        var mapping = Fixture.Map(process, fd, Bytes).Value;
        process.Close(fd);
        device.Disable();
        using (machine.Rehearse())
        {
            process.Exit();
            Assert.True(process.HasExited);
        }

        Assert.Equal((false, 0, 1), (process.HasExited, device.ReleaseCount, device.References.Mappings));
        Assert.True(process.Munmap(mapping.Start, mapping.Length).TryGet(out _, out _));
        Assert.Equal(1, device.ReleaseCount);
    }

    [Fact]
    public void Pin_TakenInARehearsal_IsGoneAfterIt()
    {
        var (machine, device) = Fixture.WithDevice(PageGranule.Pmd, Bytes);
        var (process, fd) = Fixture.Opened(machine);
        var mapping = Fixture.Map(process, fd, Bytes).Value;
        using (machine.Rehearse())
        {
            _ = process.Pin(mapping.Start, new(8192), AccessKind.Write).Value;
            Assert.Equal(2, device.References.PinnedPages);
        }

        Assert.Equal(0, device.References.PinnedPages);
        Assert.True(device.Disable().Completion.IsCompleted);
    }

    private static Func<Machine, string> Choose(Random random, Machine machine)
    {
        var processes = machine.Processes;
        if (processes.Count == 0)
        {
            return m => $"start {m.StartProcess("again").Open("/dev/dax0.0", OpenFlags.ReadWrite).Value}";
        }

        var pid = processes[random.Next(processes.Count)].Pid;
        var mappings = machine.FindProcess(pid)!.Mappings;
        var start = mappings[random.Next(mappings.Count)].Start.Value;
        var at = new VirtualAddress(start + ((ulong)random.Next(0, 1 << 14) << 12));
        var aligned = new VirtualAddress(PageGranules.AlignDown(at.Value, 2UL << 20));
        var length = new ByteCount((ulong)random.Next(1, 64) << (random.Next(2) == 0 ? 12 : 21));
        var (kind, bits) = (random.Next(2) == 0 ? AccessKind.Read : AccessKind.Write, random.Next());
        return random.Next(12) switch
        {
            0 => m => $"fork {m.FindProcess(pid)!.Fork().TryGet(out var child, out var refusal)} {child?.Pid} {refusal?.Rule}",
            1 when processes.Count > 3 => m => Exit(m.FindProcess(pid)!),
            2 => m => $"munmap {Rule(m.FindProcess(pid)!.Munmap(aligned, length))}",
            3 => m => $"mprotect {Rule(m.FindProcess(pid)!.Mprotect(aligned, length, (Protection)(bits & 3)))}",
            4 => m => $"madvise {Rule(m.FindProcess(pid)!.Madvise(aligned, length, (bits & 7) switch { 0 => Advice.HwPoison, 1 => Advice.DontNeed, 2 => Advice.PopulateWrite, 3 => Advice.DontFork, 4 => Advice.Cold, 5 => Advice.NoHugePage, _ => Advice.PopulateRead }))}",
            5 => m => $"mremap {m.FindProcess(pid)!.Mremap(aligned, length, new(length.Value * 2), RemapFlags.MayMove, default).TryGet(out var moved, out var refusal)} {moved} {refusal?.Rule}",
            6 => m => Map(m.FindProcess(pid)!, length.Value),
            7 => m => $"copy {Rule(m.FindProcess(pid)!.KernelCopy(at, new(4096), out var poisoned))} {poisoned}",
            8 => m => Signals(m.FindProcess(pid)!),
            _ => m => Access(m.FindProcess(pid)!, at, kind, 1 + ((ulong)bits & 0xffff)),
        };
    }

    private static string Map(Process process, ulong length)
    {
        if (!process.Open("/dev/dax0.0", OpenFlags.ReadWrite).TryGet(out var fd, out var refusal))
        {
            return refusal.Rule;
        }

        var made = Fixture.Map(process, fd, length);
        process.Close(fd);
        return made.TryGet(out var mapping, out refusal) ? $"mmap {mapping.Start}-{mapping.End}" : $"mmap {refusal.Rule}";
    }

    private static string Access(Process process, VirtualAddress at, AccessKind kind, ulong length)
    {
        var outcome = process.Access(at, kind, length);
        return $"{kind} {outcome.Result} {outcome.Signal} {outcome.MinorFaults} {outcome.BytesReached} {outcome.Physical} {outcome.MachineCheck} {outcome.Trace.Count}";
    }

    private static string Exit(Process process)
    {
        process.Exit();
        return $"exit {process.HasExited}";
    }

    private static string Signals(Process process) => string.Join(' ', process.TakeSignals());

    private static string Rule<T>(Outcome<T> outcome)
        where T : notnull => outcome.TryGet(out _, out var refusal) ? "ok" : refusal.Rule;

    private static string Show(Machine machine, DaxDevice device)
    {
        var text = new StringBuilder();
        foreach (var process in machine.Processes)
        {
            text.AppendLine($"{process.Pid} {process.Comm} {process.HasExited} {process.PageTables} {process.Faults} {process.Rss} {string.Join(',', process.Descriptors.Keys)}");
            text.AppendJoin('\n', process.Smaps()).AppendLine();
            foreach (var mapping in process.Mappings)
            {
                text.AppendLine($"{mapping.Start} {mapping.End} {mapping.Flags} {mapping.PageOffset} {(mapping.Device is null ? 0 : process.PresentPages(mapping))}");
            }
        }

        return text.AppendJoin('\n', machine.KernelLog).AppendLine().AppendLine($"{device.References} {device.ReleaseCount} {machine.HardwareCorrupted}").ToString();
    }
}
