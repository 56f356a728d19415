using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

public sealed partial class Process
{
    private const ulong Low2GiBStart = 0x4000_0000;
    private const ulong Low2GiBEnd = 0x8000_0000;

    private Outcome<ulong> Place(MmapRequest request, OpenFile? file, ulong length, ulong pageOffset)
    {
        var taskSize = Memory.Layout.TaskSize;
        if (length > taskSize)
        {
            return NoMemory(length);
        }

        if ((request.Flags & (MapFlags.Fixed | MapFlags.FixedNoReplace)) == 0)
        {
            return PlaceFree(request.Address, file?.Node as DaxDevice, length, pageOffset, (request.Flags & MapFlags.Low2GiB) != 0);
        }

        if (request.Address > taskSize - length)
        {
            return NoMemory(length);
        }

        if (!PageGranules.IsAligned(request.Address, PageGranules.PageBytes))
        {
            return new Refusal(Errno.EINVAL, "mmap-fixed-unaligned", "A fixed address must be a multiple of the page size.")
                .About("addr").WithAddress("addr", request.Address).AllowingMultiples(request.Address, PageGranules.PageBytes);
        }

        if ((request.Flags & MapFlags.FixedNoReplace) != 0 && !Memory.IsFree(request.Address, request.Address + length))
        {
            return new Refusal(Errno.EEXIST, "mmap-noreplace-taken", "There is a mapping in the range already.").About("addr").WithAddress("addr", request.Address);
        }

        return request.Address;
    }

    /// <summary>
    /// Where an mmap without a fixed address goes. A dax device asks for length + align and moves up until address and
    /// offset agree modulo align; with a hint, or when less than one granule is asked for, it doesn't (spec 50 section 4).
    /// </summary>
    private Outcome<ulong> PlaceFree(ulong hint, DaxDevice? device, ulong length, ulong pageOffset, bool isLow)
    {
        if (hint == 0 && device is not null)
        {
            var align = device.Granule.Bytes();
            var offset = pageOffset << PageGranules.PageShift;
            var firstGranule = PageGranules.AlignUp(offset, align);
            var end = offset + length;
            if (end > firstGranule && end - firstGranule >= align && offset + length + align >= offset
                && PlaceOrdinary(0, length + align, isLow) is { } room)
            {
                return room + (unchecked(offset - room) & (align - 1));
            }
        }

        return PlaceOrdinary(hint, length, isLow) is { } start ? start : NoMemory(length);
    }

    private ulong? PlaceOrdinary(ulong hint, ulong length, bool isLow)
    {
        hint = PageGranules.AlignDown(hint, PageGranules.PageBytes);
        if (hint >= AddressSpaceLayout.LowestAddress && hint <= Memory.Layout.TaskSize - length && Memory.IsFree(hint, hint + length))
        {
            return hint;
        }

        return isLow ? Memory.PlaceBottomUp(length, Low2GiBStart, Low2GiBEnd) : Memory.PlaceTopDown(length);
    }
}
