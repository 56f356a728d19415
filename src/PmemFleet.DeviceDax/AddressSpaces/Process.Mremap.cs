using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

/// <summary>The flags of mremap(2).</summary>
[Flags]
public enum RemapFlags
{
    /// <summary>Only in place.</summary>
    None = 0,

    /// <summary>MREMAP_MAYMOVE.</summary>
    MayMove = 1,

    /// <summary>MREMAP_FIXED.</summary>
    Fixed = 2,

    /// <summary>MREMAP_DONTUNMAP.</summary>
    DontUnmap = 4,
}

public sealed partial class Process
{
    /// <summary>
    /// mremap(2); returns the new address. A move to an address that isn't a multiple of align succeeds and every later touch
    /// is SIGBUS (golden special.jsonl, mremap_move_fixed_4096).
    /// </summary>
    public Outcome<VirtualAddress> Mremap(VirtualAddress oldAddress, ByteCount oldLength, ByteCount newLength, RemapFlags flags, VirtualAddress newAddress = default)
    {
        lock (_gate)
        {
            var old = PageGranules.AlignUp(oldLength.Value, PageGranules.PageBytes);
            var wanted = PageGranules.AlignUp(newLength.Value, PageGranules.PageBytes);
            const RemapFlags All = RemapFlags.MayMove | RemapFlags.Fixed | RemapFlags.DontUnmap;
            if ((flags & ~All) != 0
                || ((flags & (RemapFlags.Fixed | RemapFlags.DontUnmap)) != 0 && (flags & RemapFlags.MayMove) == 0)
                || ((flags & RemapFlags.DontUnmap) != 0 && old != wanted)
                || !PageGranules.IsAligned(oldAddress.Value, PageGranules.PageBytes)
                || wanted == 0)
            {
                return BadRemap("The flags or lengths of the call exclude each other.");
            }

            if (Memory.Find(oldAddress.Value) is not { } mapping)
            {
                return new Refusal(Errno.EFAULT, "mremap-not-mapped", "There is no mapping at the old address.").WithAddress("addr", oldAddress.Value);
            }

            return (flags & (RemapFlags.Fixed | RemapFlags.DontUnmap)) != 0
                ? RemapTo(mapping, oldAddress.Value, old, wanted, flags, newAddress.Value)
                : RemapInPlaceOrMove(mapping, oldAddress.Value, old, wanted, flags);
        }
    }

    private static Refusal BadRemap(string why) => new(Errno.EINVAL, "mremap-arguments", why);

    private Outcome<VirtualAddress> RemapTo(Mapping mapping, ulong from, ulong old, ulong wanted, RemapFlags flags, ulong to)
    {
        var isFixed = (flags & RemapFlags.Fixed) != 0;
        if (!PageGranules.IsAligned(to, PageGranules.PageBytes) || wanted > Memory.Layout.TaskSize || to > Memory.Layout.TaskSize - wanted
            || (isFixed && from + old > to && to + wanted > from))
        {
            return BadRemap("The new address isn't page-aligned, lies outside the address space or overlaps the old range.");
        }

        if (isFixed && UnmapLocked(to, wanted) is { } refusal)
        {
            return refusal;
        }

        if (old > wanted)
        {
            if (UnmapLocked(from + wanted, old - wanted) is { } tail)
            {
                return tail;
            }

            old = wanted;
        }

        mapping = Memory.Find(from)!;
        if (CheckGrowth(mapping, from, old) is { } bad)
        {
            return bad;
        }

        if (!isFixed)
        {
            var placed = PlaceFree(to, mapping.Device, wanted, mapping.PageOffsetOf(from), false);
            if (!placed.TryGet(out to, out var noRoom))
            {
                return noRoom;
            }
        }

        return MoveMapping(mapping, from, old, wanted, to, (flags & RemapFlags.DontUnmap) != 0);
    }

    private Outcome<VirtualAddress> RemapInPlaceOrMove(Mapping mapping, ulong from, ulong old, ulong wanted, RemapFlags flags)
    {
        if (old >= wanted)
        {
            if (old > wanted && UnmapLocked(from + wanted, old - wanted) is { } refusal)
            {
                return refusal;
            }

            return new VirtualAddress(from);
        }

        if (CheckGrowth(mapping, from, old) is { } bad)
        {
            return bad;
        }

        var end = from + wanted;
        if (from + old == mapping.EndValue && end <= Memory.Layout.TaskSize && Memory.IsFree(mapping.EndValue, end))
        {
            mapping.EndValue = end;
            Memory.Merge(mapping.StartValue, end);
            return new VirtualAddress(from);
        }

        if ((flags & RemapFlags.MayMove) == 0)
        {
            return NoMemory(wanted);
        }

        return PlaceFree(0, mapping.Device, wanted, mapping.PageOffsetOf(from), false).TryGet(out var to, out var noRoom)
            ? MoveMapping(mapping, from, old, wanted, to, false)
            : noRoom;
    }

    private static Refusal? CheckGrowth(Mapping mapping, ulong from, ulong old)
    {
        if (old == 0 && (mapping.Flags & (VmFlags.Shared | VmFlags.MayShare)) == 0)
        {
            return BadRemap("Only a shared mapping can be mapped a second time by an old length of 0.");
        }

        return old > mapping.EndValue - from
            ? new Refusal(Errno.EFAULT, "mremap-beyond-mapping", "The old range crosses the end of its mapping.").With("length", old).About("oldLength")
                .AllowingBytes(old, PageGranules.PageBytes, PageGranules.PageBytes, mapping.EndValue - from)
            : null;
    }

    private Outcome<VirtualAddress> MoveMapping(Mapping mapping, ulong from, ulong old, ulong wanted, ulong to, bool keepsOld)
    {
        if (mapping.Node is DaxDevice)
        {
            var cut = mapping.StartValue == from ? null : mapping.MaySplit(from);
            cut ??= mapping.EndValue == from + old ? null : mapping.MaySplit(from + old);
            if (cut is not null)
            {
                return cut;
            }
        }

        Memory.Insert(new(to, to + wanted, mapping.Flags, mapping.File, mapping.PageOffsetOf(from)));
        if (old > 0)
        {
            LogBadPuds(Memory.Table.DropPuds(from, from + old));
            Memory.Table.Move(from, old, to);
        }

        if (!keepsOld && old > 0 && UnmapLocked(from, old) is { } refusal)
        {
            return refusal;
        }

        Memory.Merge(to, to + wanted);
        return new VirtualAddress(to);
    }
}
