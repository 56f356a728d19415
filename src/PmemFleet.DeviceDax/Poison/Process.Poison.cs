using System.Globalization;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

public sealed partial class Process
{
    /// <summary>
    /// madvise(MADV_HWPOISON): every page of the range is mapped, then fails as if the caller had consumed poison. The value is
    /// the signal the caller gets. Nothing is wrong with the media: the next touch maps the granule again (golden h).
    /// </summary>
    public Outcome<SignalInfo> PoisonPages(VirtualAddress address, ByteCount length)
    {
        var (start, end) = (address.Value, address.Value + PageGranules.AlignUp(length.Value, PageGranules.PageBytes));
        if (!PageGranules.IsAligned(start, PageGranules.PageBytes))
        {
            return new Refusal(Errno.EINVAL, "madvise-unaligned", "The address must be a multiple of the page size.").WithAddress("addr", start).About("addr")
                .AllowingMultiples(start, PageGranules.PageBytes);
        }

        SignalInfo signal = default;
        for (var at = start; at < end;)
        {
            DaxDevice device;
            PhysicalAddress physical;
            lock (_gate)
            {
                if (Memory.Find(at) is not { } mapping)
                {
                    return Hole(at);
                }

                if (mapping.Device is null || (!Memory.Table.IsPresent(at, out _) && FaultEngine.Handle(this, mapping, at, false, out _) != AccessResult.Ok))
                {
                    return new Refusal(Errno.EFAULT, "page-not-mappable", "The page can't be mapped.").WithAddress("addr", at);
                }

                (device, physical) = (mapping.Device, Translate(mapping, at)!.Value);
            }

            Machine.Log(string.Create(CultureInfo.InvariantCulture, $"Injecting memory failure for pfn 0x{physical.Pfn:x} at process virtual address 0x{at:x}"));
            Machine.Fail(device, physical, this);
            signal = Machines.Machine.Consumed(device, at);
            at = PageGranules.AlignDown(at, device.Granule.Bytes()) + device.Granule.Bytes();
        }

        return signal;
    }

    /// <summary>Takes the granule around a physical address out of this process; the addresses where it was present.</summary>
    internal IReadOnlyList<ulong> ZapPhysical(DaxDevice device, ulong physical)
    {
        var found = new List<ulong>();
        var granule = device.Granule.Bytes();
        foreach (var extent in device.Extents)
        {
            if (physical - extent.Range.Start.Value >= extent.Range.Length.Value)
            {
                continue;
            }

            var pageOffset = extent.PageOffset + ((physical - extent.Range.Start.Value) >> PageGranules.PageShift);
            lock (_gate)
            {
                foreach (var mapping in Memory.Mappings)
                {
                    var page = pageOffset - mapping.PageOffset;
                    if (!ReferenceEquals(mapping.Device, device) || page >= (mapping.EndValue - mapping.StartValue) >> PageGranules.PageShift)
                    {
                        continue;
                    }

                    var start = PageGranules.AlignDown(mapping.StartValue + (page << PageGranules.PageShift), granule);
                    if (Memory.Table.IsPresent(start, out _))
                    {
                        Memory.Table.Zap(start, start + granule);
                        found.Add(start);
                    }
                }
            }
        }

        return found;
    }
}
