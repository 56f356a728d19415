using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

/// <summary>The flags of msync(2).</summary>
[Flags]
public enum SyncFlags
{
    /// <summary>None: allowed, does nothing.</summary>
    None = 0,

    /// <summary>MS_ASYNC.</summary>
    Async = 1,

    /// <summary>MS_INVALIDATE.</summary>
    Invalidate = 2,

    /// <summary>MS_SYNC.</summary>
    Sync = 4,
}

public sealed partial class Process
{
    /// <summary>msync(2): MS_SYNC is EINVAL on a dax device, which has no fsync; MS_ASYNC does nothing.</summary>
    public Outcome<Done> Msync(VirtualAddress address, ByteCount length, SyncFlags flags)
    {
        lock (_gate)
        {
            const SyncFlags Both = SyncFlags.Sync | SyncFlags.Async;
            if (!PageGranules.IsAligned(address.Value, PageGranules.PageBytes) || (flags & Both) == Both || ((int)flags & ~7) != 0)
            {
                return new Refusal(Errno.EINVAL, "msync-arguments", "msync needs a page-aligned address and at most one of MS_ASYNC and MS_SYNC.")
                    .WithAddress("addr", address.Value).WithAddress("flags", (ulong)flags)
                    .About(PageGranules.IsAligned(address.Value, PageGranules.PageBytes) ? "flags" : "addr")
                    .Allowing(PageGranules.IsAligned(address.Value, PageGranules.PageBytes)
                        ? ["0x0", "0x1", "0x4", "0x2", "0x3", "0x6"]
                        : new Refusal(Errno.EINVAL, "", "").AllowingMultiples(address.Value, PageGranules.PageBytes).Allowed);
            }

            var end = address.Value + PageGranules.AlignUp(length.Value, PageGranules.PageBytes);
            for (var at = address.Value; at < end;)
            {
                if (Memory.Find(at) is not { } mapping)
                {
                    return Hole(at);
                }

                if ((flags & SyncFlags.Sync) != 0 && mapping.Device is not null && (mapping.Flags & VmFlags.Shared) != 0)
                {
                    return new Refusal(Errno.EINVAL, "dax-no-fsync", "Device-dax has no fsync; flush the CPU's caches instead.").About("flags").Allowing("0x1");
                }

                at = mapping.EndValue;
            }

            return default(Done);
        }
    }

    /// <summary>mlock(2): populates; a dax mapping doesn't get VM_LOCKED (golden special.jsonl, mlock).</summary>
    public Outcome<Done> Mlock(VirtualAddress address, ByteCount length)
    {
        lock (_gate)
        {
            var start = PageGranules.AlignDown(address.Value, PageGranules.PageBytes);
            var end = PageGranules.AlignUp(address.Value + length.Value, PageGranules.PageBytes);
            for (var at = start; at < end;)
            {
                if (Memory.Find(at) is not { } mapping)
                {
                    return Hole(at);
                }

                var until = Math.Min(end, mapping.EndValue);
                if (PopulateRange(mapping, at, until, AccessKind.Read) != AccessResult.Ok)
                {
                    return new Refusal(Errno.ENOMEM, "mlock-populate", "A page of the range can't be mapped.");
                }

                at = until;
            }

            return default(Done);
        }
    }

    /// <summary>mincore(2), summed: how many 4 KiB pages of the range have an entry. It drops 1 GiB entries instead of counting them.</summary>
    public Outcome<ByteCount> Mincore(VirtualAddress address, ByteCount length)
    {
        lock (_gate)
        {
            var (start, end) = (address.Value, address.Value + PageGranules.AlignUp(length.Value, PageGranules.PageBytes));
            if (!PageGranules.IsAligned(start, PageGranules.PageBytes))
            {
                return new Refusal(Errno.EINVAL, "mincore-unaligned", "The address must be a multiple of the page size.").WithAddress("addr", start).About("addr")
                    .AllowingMultiples(start, PageGranules.PageBytes);
            }

            for (var at = start; at < end; at = Memory.Find(at)!.EndValue)
            {
                if (Memory.Find(at) is not { } mapping)
                {
                    return Hole(at);
                }

                DropWalkedPuds(mapping, at, Math.Min(end, mapping.EndValue));
            }

            ulong resident = 0;
            for (var at = start; at < end;)
            {
                var isPresent = Memory.Table.IsPresent(at, out var granule);
                var next = Math.Min(end, PageGranules.AlignDown(at, granule.Bytes()) + granule.Bytes());
                if (isPresent)
                {
                    resident += next - at;
                }

                at = isPresent ? next : at + PageGranules.PageBytes;
            }

            return new ByteCount(resident);
        }
    }

    /// <summary>Where the byte at an address lies, as the CPU's own walk would find it; null where no entry maps it.</summary>
    public PhysicalAddress? PhysicalOf(VirtualAddress address)
    {
        lock (_gate)
        {
            return Memory.Find(address.Value) is { } mapping && Memory.Table.IsPresent(address.Value, out _) ? Translate(mapping, address.Value) : null;
        }
    }

    /// <summary>One entry of /proc/pid/pagemap: the physical page, or null when there is no entry; a 1 GiB entry is dropped by the look.</summary>
    public PhysicalAddress? PageMap(VirtualAddress address)
    {
        lock (_gate)
        {
            var page = PageGranules.AlignDown(address.Value, PageGranules.PageBytes);
            if (Memory.Find(page) is not { } mapping)
            {
                return null;
            }

            DropWalkedPuds(mapping, page, page + PageGranules.PageBytes);
            return Memory.Table.IsPresent(page, out _) ? Translate(mapping, page) : null;
        }
    }
}
