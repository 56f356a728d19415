using System.Collections.Immutable;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

public sealed partial class Process
{
    private const ulong MostPinnedPages = 1 << 20;

    /// <summary>
    /// get_user_pages: maps and pins the pages of a range until the pin is disposed. EFAULT without a mapping, without the
    /// access, beyond the device, and for memory without struct pages (spec 50 section 7, seed row 81).
    /// </summary>
    public Outcome<GupPin> Pin(VirtualAddress address, ByteCount length, AccessKind kind)
    {
        lock (_gate)
        {
            var start = PageGranules.AlignDown(address.Value, PageGranules.PageBytes);
            var end = PageGranules.AlignUp(address.Value + length.Value, PageGranules.PageBytes);
            if (end <= start || (end - start) >> PageGranules.PageShift > MostPinnedPages)
            {
                return new Refusal(Errno.EINVAL, "pin-length", "Pin between one page and 4 GiB.").With("length", length.Value).About("length")
                    .AllowingBytes(length.Value, PageGranules.PageBytes, PageGranules.PageBytes, MostPinnedPages << PageGranules.PageShift);
            }

            var pages = ImmutableArray.CreateBuilder<PhysicalAddress>((int)((end - start) >> PageGranules.PageShift));
            var devices = new Dictionary<DaxDevice, long>();
            for (var at = start; at < end; at += PageGranules.PageBytes)
            {
                if (Memory.Find(at) is not { } mapping || !mapping.Allows(kind == AccessKind.Write)
                    || mapping.Device is not { HasStructPages: true } device
                    || PopulateRange(mapping, at, at + PageGranules.PageBytes, kind) != AccessResult.Ok)
                {
                    return new Refusal(Errno.EFAULT, "pin-bad-address", "A page of the range can't be pinned.").WithAddress("addr", at);
                }

                pages.Add(Translate(mapping, at)!.Value);
                devices[device] = devices.GetValueOrDefault(device) + 1;
            }

            return new GupPin(pages.MoveToImmutable(), devices);
        }
    }

    /// <summary>
    /// process_vm_readv, /proc/pid/mem and the like: the pages are mapped and pinned for the time of the copy; a write leaves
    /// their struct pages dirty, which smaps shows from then on. The value is where the bytes are.
    /// </summary>
    public Outcome<PhysicalAddress> RemoteAccess(VirtualAddress address, ByteCount length, AccessKind kind)
    {
        if (!Pin(address, length, kind).TryGet(out var pin, out var refusal))
        {
            return refusal;
        }

        using (pin)
        {
            lock (_gate)
            {
                if (kind == AccessKind.Write && Memory.Find(address.Value)?.Device is { } device)
                {
                    foreach (var page in pin.Pages)
                    {
                        device.MarkDirty(page.Value);
                    }
                }
            }

            return new PhysicalAddress(pin.Pages[0].Value + (address.Value & (PageGranules.PageBytes - 1)));
        }
    }
}
