using System.Globalization;
using System.Text;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

/// <summary>
/// One entry of /proc/pid/smaps. Of dax pages only the 2 MiB ones are counted, as private whoever else maps them: the kernel
/// sees no page in a 4 KiB or 1 GiB dax entry and keeps no map count (golden group g).
/// </summary>
/// <param name="Start">First address.</param>
/// <param name="End">First address after it.</param>
/// <param name="Permissions">Such as <c>rw-s</c>.</param>
/// <param name="Offset">Offset in the file, bytes.</param>
/// <param name="Device">The node's number, if it is a device.</param>
/// <param name="Inode">Inode number; 0 for anonymous memory.</param>
/// <param name="Path">The file's path; empty for anonymous memory.</param>
/// <param name="PageSize">KernelPageSize and MMUPageSize, bytes.</param>
/// <param name="Rss">Rss, Pss and Referenced, bytes.</param>
/// <param name="PrivateDirty">Private_Dirty, bytes; the rest of Rss is Private_Clean.</param>
/// <param name="VmFlags">Two-letter names in bit order.</param>
public sealed record SmapsEntry(
    VirtualAddress Start,
    VirtualAddress End,
    string Permissions,
    ulong Offset,
    DeviceNumber? Device,
    long Inode,
    string Path,
    ByteCount PageSize,
    ByteCount Rss,
    ByteCount PrivateDirty,
    string VmFlags)
{
    /// <summary>The entry as the kernel prints it.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        var head = string.Create(CultureInfo.InvariantCulture, $"{Start.Value:x8}-{End.Value:x8} {Permissions} {Offset:x8} 00:05 {Inode} ");
        text.Append(Path.Length == 0 ? head : head.PadRight(73)).Append(Path).Append('\n');
        Line(text, "Size", End.Value - Start.Value);
        Line(text, "KernelPageSize", PageSize.Value);
        Line(text, "MMUPageSize", PageSize.Value);
        Line(text, "Rss", Rss.Value);
        Line(text, "Pss", Rss.Value);
        Line(text, "Pss_Dirty", PrivateDirty.Value);
        Line(text, "Shared_Clean", 0);
        Line(text, "Shared_Dirty", 0);
        Line(text, "Private_Clean", Rss.Value - PrivateDirty.Value);
        Line(text, "Private_Dirty", PrivateDirty.Value);
        Line(text, "Referenced", Rss.Value);
        foreach (var name in (ReadOnlySpan<string>)["Anonymous", "LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss", "Locked"])
        {
            Line(text, name, 0);
        }

        text.Append("THPeligible:    0\n").Append("VmFlags: ").Append(VmFlags).Append(" \n");
        return text.ToString();
    }

    private static void Line(StringBuilder text, string name, ulong bytes) =>
        text.Append(CultureInfo.InvariantCulture, $"{name + ":",-16}{bytes >> 10,8} kB\n");
}

public sealed partial class Process
{
    /// <summary>
    /// /proc/pid/smaps: one entry a mapping, in address order. Reading it drops 1 GiB entries, as in Linux: the next touch of each is a fault again.
    /// </summary>
    public IReadOnlyList<SmapsEntry> Smaps()
    {
        lock (_gate)
        {
            foreach (var mapping in Memory.Mappings)
            {
                DropWalkedPuds(mapping, mapping.StartValue, mapping.EndValue);
            }

            return [.. Memory.Mappings.Select(Smaps)];
        }
    }

    /// <summary>The sum of what smaps shows as Rss, without the walk.</summary>
    public ByteCount Rss
    {
        get
        {
            lock (_gate)
            {
                return new((ulong)Memory.Mappings.Sum(mapping => (long)Smaps(mapping).Rss.Value));
            }
        }
    }

    // A walk of the tables that has no answer for a PUD splits it, and a split dax PUD is an empty one (golden group g, 1 GiB).
    private void DropWalkedPuds(Mapping mapping, ulong start, ulong end)
    {
        if (mapping.Device is { Granule: PageGranule.Pud })
        {
            Memory.Table.Zap(start, end);
        }
    }

    private SmapsEntry Smaps(Mapping mapping)
    {
        var node = mapping.Node;
        var (rss, dirty) = (0UL, 0UL);
        if (node is { IsDax: true } && mapping.Allows(false))
        {
            var (present, written) = Memory.Table.CountPmdPages(mapping.StartValue, mapping.EndValue);
            rss = (ulong)present << 21;
            dirty = (ulong)(written + DirtyStructPages(mapping)) << 21;
        }
        else if (node is not { IsDax: true })
        {
            rss = dirty = (ulong)Memory.Table.CountPtePages(mapping.StartValue, mapping.EndValue) << PageGranules.PageShift;
        }

        var offset = node is null ? 0 : mapping.PageOffset << PageGranules.PageShift;
        return new(
            mapping.Start, mapping.End, mapping.Flags.ToPermissions(), offset, mapping.Device?.Number, node?.InodeNumber ?? 0,
            node?.Path ?? string.Empty, new((node?.PageSize ?? PageGranule.Pte).Bytes()), new(rss), new(dirty), mapping.Flags.ToSmaps());
    }

    // Pages whose struct page was dirtied through a pin show as dirty even where this process only read them.
    private long DirtyStructPages(Mapping mapping)
    {
        if (mapping.Device is not { Granule: PageGranule.Pmd, HasDirtyGranules: true } device)
        {
            return 0;
        }

        var count = 0L;
        for (var at = PageGranules.AlignUp(mapping.StartValue, 1UL << 21); at < mapping.EndValue; at += 1UL << 21)
        {
            if (Memory.Table.IsPresent(at, out var granule) && granule == PageGranule.Pmd && !Memory.Table.IsPmdDirty(at)
                && device.TryLookup(mapping.PageOffsetOf(at), 1UL << 21, out var physical) && device.IsGranuleDirty(physical))
            {
                count++;
            }
        }

        return count;
    }
}
