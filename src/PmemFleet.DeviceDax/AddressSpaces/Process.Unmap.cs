using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

public sealed partial class Process
{
    /// <summary>
    /// munmap(2). EINVAL when it would cut a dax mapping inside a granule (seed row 92); a cut already made at the lower
    /// border stays, as in Linux.
    /// </summary>
    public Outcome<Done> Munmap(VirtualAddress address, ByteCount length)
    {
        lock (_gate)
        {
            return UnmapLocked(address.Value, length.Value) is { } refusal ? refusal : default(Done);
        }
    }

    private Refusal? UnmapLocked(ulong start, ulong lengthBytes)
    {
        var length = PageGranules.AlignUp(lengthBytes, PageGranules.PageBytes);
        if (!PageGranules.IsAligned(start, PageGranules.PageBytes) || length == 0
            || start > Memory.Layout.TaskSize || length > Memory.Layout.TaskSize - start)
        {
            var refusal = new Refusal(Errno.EINVAL, "munmap-range", "munmap needs a page-aligned address and a length above 0 within the address space.")
                .WithAddress("addr", start).With("length", lengthBytes);
            return !PageGranules.IsAligned(start, PageGranules.PageBytes) ? refusal.About("addr").AllowingMultiples(start, PageGranules.PageBytes)
                : start >= Memory.Layout.TaskSize ? refusal.About("addr").AllowingMultiples(Memory.Layout.TaskSize - PageGranules.PageBytes, PageGranules.PageBytes)
                : refusal.About("length").AllowingBytes(lengthBytes, PageGranules.PageBytes, PageGranules.PageBytes, Memory.Layout.TaskSize - start);
        }

        var end = start + length;
        if (CutAt(start) is { } atStart)
        {
            return atStart;
        }

        if (CutAt(end) is { } atEnd)
        {
            return atEnd;
        }

        Memory.Drop(start, end);
        return null;
    }

    private Refusal? CutAt(ulong address)
    {
        if (Memory.Find(address) is not { } mapping || mapping.StartValue == address)
        {
            return null;
        }

        if (mapping.MaySplit(address) is { } refusal)
        {
            return refusal;
        }

        Memory.Cut(mapping, address);
        return null;
    }
}
