using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

public sealed partial class Process
{
    /// <summary>
    /// mprotect(2). ENOMEM for a hole, EACCES for what the descriptor doesn't allow, EINVAL for a cut inside a granule;
    /// mappings before the refused one keep their new protection, as in Linux.
    /// </summary>
    public Outcome<Done> Mprotect(VirtualAddress address, ByteCount length, Protection protection)
    {
        lock (_gate)
        {
            var (start, end) = (address.Value, address.Value + PageGranules.AlignUp(length.Value, PageGranules.PageBytes));
            if (!PageGranules.IsAligned(start, PageGranules.PageBytes))
            {
                return new Refusal(Errno.EINVAL, "mprotect-unaligned", "The address must be a multiple of the page size.").WithAddress("addr", start).About("addr")
                    .AllowingMultiples(start, PageGranules.PageBytes);
            }

            if (length.Value == 0)
            {
                return default(Done);
            }

            if (end <= start || Memory.Find(start) is null)
            {
                return Hole(start);
            }

            var refusal = ProtectEach(start, end, (VmFlags)protection);
            Memory.Merge(start, end);
            return refusal is null ? default(Done) : refusal;
        }
    }

    // mprotect and mremap take a PUD for a table; Linux 6.1 says so, and clears it. The page comes back with the next fault.
    private void LogBadPuds(int dropped)
    {
        for (var i = 0; i < dropped; i++)
        {
            Machine.Log("mm/pgtable-generic.c:39: bad pud");
        }
    }

    private static Refusal Hole(ulong address) =>
        new Refusal(Errno.ENOMEM, "range-not-mapped", "A part of the range isn't mapped.").WithAddress("addr", address);

    private Refusal? ProtectEach(ulong start, ulong end, VmFlags access)
    {
        const VmFlags Access = VmFlags.Read | VmFlags.Write | VmFlags.Exec;
        for (var at = start; at < end;)
        {
            if (Memory.Find(at) is not { } mapping)
            {
                return Hole(at);
            }

            // VM_MAYREAD is VM_READ shifted by four, and so on.
            var may = (VmFlags)((uint)mapping.Flags >> 4) & Access;
            if ((access & ~may) != 0)
            {
                return new Refusal(Errno.EACCES, "mprotect-not-allowed", "The mapping's descriptor doesn't allow this access.").About("prot")
                    .WithAddress("prot", (uint)access).WithAddress("allowed", (uint)may).Allowing($"0x{(uint)(access & may):x}");
            }

            var flags = (mapping.Flags & ~Access) | access;
            var next = mapping.EndValue;
            if (flags != mapping.Flags)
            {
                if (CutAt(at) is { } atStart)
                {
                    return atStart;
                }

                if (next > end && CutAt(end) is { } atEnd)
                {
                    return atEnd;
                }

                Memory.Find(at)!.Flags = flags;
                LogBadPuds(Memory.Table.DropPuds(at, Math.Min(next, end)));
            }

            at = next;
        }

        return null;
    }
}
