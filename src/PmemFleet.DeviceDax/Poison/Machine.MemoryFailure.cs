using System.Globalization;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Machines;

public sealed partial class Machine
{
    private long _poisonedPages;

    /// <summary><c>HardwareCorrupted</c> of /proc/meminfo: 4 KiB for each memory failure that was handled, repeated ones too.</summary>
    public ByteCount HardwareCorrupted => new((ulong)Interlocked.Read(ref _poisonedPages) << PageGranules.PageShift);

    /// <summary>
    /// A memory failure at a page frame, as hwpoison's corrupt-pfn injects it: EBUSY when no process has the page (golden h).
    /// Everyone who has it gets BUS_MCEERR_AO and loses the granule.
    /// </summary>
    public Outcome<Done> CorruptPage(PhysicalAddress physical)
    {
        Log(string.Create(CultureInfo.InvariantCulture, $"Injecting memory failure at pfn 0x{physical.Pfn:x}"));
        var device = Regions.SelectMany(r => r.Devices)
            .FirstOrDefault(d => d.IsAlive && d.Extents.Any(e => e.Range.Overlaps(new(physical, new(1)))));
        if (device is null)
        {
            return new Refusal(Errno.ENXIO, "no-such-page", "No dax device has this page.").WithAddress("physical", physical.Value);
        }

        if (Fail(device, physical, null))
        {
            return default(Done);
        }

        return new Refusal(Errno.EBUSY, "page-not-mapped", "The page was never mapped, so nothing could be recovered.")
        {
            KernelMessage = string.Create(CultureInfo.InvariantCulture, $"Memory failure: 0x{physical.Pfn:x}: recovery action for dax page: Failed"),
        };
    }

    internal AccessOutcome Consume(Process consumer, Process.Poisoned poisoned, AccessOutcome outcome)
    {
        var device = poisoned.Device!;
        Fail(device, poisoned.Physical, consumer);
        var line = PageGranules.AlignDown(poisoned.Physical.Value, Profile.MachineCheckLineBytes);
        return outcome with
        {
            Result = AccessResult.SigBus,
            Signal = Consumed(device, poisoned.Address),
            MachineCheck = new(new(line), new(Profile.MachineCheckLineBytes)),
        };
    }

    internal static SignalInfo Consumed(DaxDevice device, ulong address) =>
        new(SignalCode.BusMceErrAr, new(PageGranules.AlignDown(address, device.Granule.Bytes())), device.Granule.Shift());

    /// <summary>
    /// memory_failure of one page: its whole granule leaves every process; processes other than the consumer that had it
    /// are told. False when none had it.
    /// </summary>
    internal bool Fail(DaxDevice device, PhysicalAddress physical, Process? consumer)
    {
        Interlocked.Increment(ref _poisonedPages);
        var wasMapped = false;
        foreach (var process in device.Mappers())
        {
            foreach (var address in process.ZapPhysical(device, physical.Value))
            {
                wasMapped = true;
                var isConsumer = ReferenceEquals(process, consumer);
                if (!isConsumer && !Profile.KillsEarly)
                {
                    continue;
                }

                Log(string.Create(CultureInfo.InvariantCulture, $"Memory failure: 0x{physical.Pfn:x}: Sending SIGBUS to {process.Comm}:{process.Pid} due to hardware memory corruption"));
                if (!isConsumer)
                {
                    process.Raise(new(SignalCode.BusMceErrAo, new(address), device.Granule.Shift()));
                }
            }
        }

        Log(string.Create(CultureInfo.InvariantCulture, $"Memory failure: 0x{physical.Pfn:x}: recovery action for dax page: {(wasMapped ? "Recovered" : "Failed")}"));
        return wasMapped;
    }

    internal void LogSoftOffline(Mapping mapping, ulong address)
    {
        var pfn = mapping.Device?.Lookup(mapping.PageOffsetOf(address), PageGranule.Pte)?.Pfn ?? 0;
        Log(string.Create(CultureInfo.InvariantCulture, $"Soft offlining pfn 0x{pfn:x} at process virtual address 0x{address:x}"));
    }
}
