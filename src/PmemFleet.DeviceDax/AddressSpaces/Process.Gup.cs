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

    /// <summary>
    /// A device reads pinned memory. No CPU loads anything: poison ends the transfer with EIO, and nobody is signalled or unmapped. The value of
    /// the out parameter is the first poisoned byte, which the platform reports.
    /// </summary>
    public Outcome<Done> DeviceRead(GupPin pin, ulong inFirstPage, ByteCount length, out PhysicalAddress? poisoned)
    {
        ArgumentNullException.ThrowIfNull(pin);
        poisoned = null;
        var left = length.Value;
        foreach (var page in pin.Pages)
        {
            var bytes = Math.Min(left, PageGranules.PageBytes - inFirstPage);
            if (bytes > 0 && Machine.PoisonSource is { } source && source.TryFindPoison(new(new(page.Value + inFirstPage), new(bytes)), out var bad))
            {
                poisoned = bad;
                return new Refusal(Errno.EIO, "dma-poison", "The device read poison and ended the transfer.").WithAddress("physical", bad.Value);
            }

            (left, inFirstPage) = (left - bytes, 0);
        }

        return default(Done);
    }

    /// <summary>
    /// The kernel copies from the process's memory, as write(2) to a pipe does: it faults as a load does, and poison is EFAULT to the caller, who
    /// lives; the page fails for everyone who has it, as after any machine check (spec 50 section 10).
    /// </summary>
    public Outcome<ByteCount> KernelCopy(VirtualAddress address, ByteCount length, out PhysicalAddress? poisoned)
    {
        poisoned = null;
        if (length.Value == 0)
        {
            return new ByteCount(0);
        }

        AccessOutcome outcome;
        Poisoned bad;
        lock (_gate)
        {
            outcome = AccessLocked(address.Value, AccessKind.Read, length.Value, out bad);
        }

        if (bad.Device is { } device)
        {
            Machine.Fail(device, bad.Physical, null);
            poisoned = bad.Physical;
        }

        return poisoned is null && outcome.Result == AccessResult.Ok
            ? length
            : new Refusal(Errno.EFAULT, poisoned is null ? "bad-address" : "copy-poison", poisoned is null ? "The kernel can't read this memory." : "The kernel read poison there.")
                .WithAddress("addr", poisoned is null ? outcome.Signal.Address.Value : bad.Address).With("copied", outcome.BytesReached);
    }
}
