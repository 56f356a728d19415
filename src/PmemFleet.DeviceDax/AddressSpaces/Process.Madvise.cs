using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

/// <summary>The advice values of madvise(2), with Linux's numbers; others are refused.</summary>
public enum Advice
{
    /// <summary>MADV_NORMAL.</summary>
    Normal = 0,

    /// <summary>MADV_RANDOM.</summary>
    Random = 1,

    /// <summary>MADV_SEQUENTIAL.</summary>
    Sequential = 2,

    /// <summary>MADV_WILLNEED.</summary>
    WillNeed = 3,

    /// <summary>MADV_DONTNEED: drops entries, keeps tables.</summary>
    DontNeed = 4,

    /// <summary>MADV_FREE.</summary>
    Free = 8,

    /// <summary>MADV_REMOVE.</summary>
    Remove = 9,

    /// <summary>MADV_DONTFORK.</summary>
    DontFork = 10,

    /// <summary>MADV_DOFORK.</summary>
    DoFork = 11,

    /// <summary>MADV_MERGEABLE.</summary>
    Mergeable = 12,

    /// <summary>MADV_UNMERGEABLE.</summary>
    Unmergeable = 13,

    /// <summary>MADV_HUGEPAGE.</summary>
    HugePage = 14,

    /// <summary>MADV_NOHUGEPAGE: only 4 KiB faults are tried from now on.</summary>
    NoHugePage = 15,

    /// <summary>MADV_DONTDUMP.</summary>
    DontDump = 16,

    /// <summary>MADV_DODUMP.</summary>
    DoDump = 17,

    /// <summary>MADV_WIPEONFORK.</summary>
    WipeOnFork = 18,

    /// <summary>MADV_KEEPONFORK.</summary>
    KeepOnFork = 19,

    /// <summary>MADV_COLD.</summary>
    Cold = 20,

    /// <summary>MADV_PAGEOUT.</summary>
    PageOut = 21,

    /// <summary>MADV_POPULATE_READ.</summary>
    PopulateRead = 22,

    /// <summary>MADV_POPULATE_WRITE.</summary>
    PopulateWrite = 23,

    /// <summary>MADV_DONTNEED_LOCKED.</summary>
    DontNeedLocked = 24,

    /// <summary>MADV_COLLAPSE.</summary>
    Collapse = 25,

    /// <summary>MADV_HWPOISON; see <see cref="Process.PoisonPages"/>.</summary>
    HwPoison = 100,

    /// <summary>MADV_SOFT_OFFLINE.</summary>
    SoftOffline = 101,
}

public sealed partial class Process
{
    /// <summary>madvise(2) as Linux 6.1 answers it for device-dax (golden special.jsonl, madvise).</summary>
    public Outcome<Done> Madvise(VirtualAddress address, ByteCount length, Advice advice)
    {
        if (advice == Advice.HwPoison)
        {
            return PoisonPages(address, length).TryGet(out _, out var refusal) ? default(Done) : refusal;
        }

        lock (_gate)
        {
            if (!Enum.IsDefined(advice))
            {
                return new Refusal(Errno.EINVAL, "madvise-unknown", "The kernel doesn't know this advice.").About("advice").With("advice", (ulong)(int)advice)
                    .Allowing(Enum.GetValues<Advice>().OrderBy(known => Math.Abs((long)known - (long)advice)).Select(known => $"{(int)known}"));
            }

            var (start, end) = (address.Value, address.Value + PageGranules.AlignUp(length.Value, PageGranules.PageBytes));
            if (!PageGranules.IsAligned(start, PageGranules.PageBytes) || end < start)
            {
                return new Refusal(Errno.EINVAL, "madvise-unaligned", "The address must be a multiple of the page size.").WithAddress("addr", start).About("addr")
                    .AllowingMultiples(start, PageGranules.PageBytes);
            }

            var result = start == end ? null : AdviseEach(start, end, advice);
            Memory.Merge(start, end);
            return result is null ? default(Done) : result;
        }
    }

    private Refusal? AdviseEach(ulong start, ulong end, Advice advice)
    {
        Refusal? hole = null;
        for (var at = start; at < end;)
        {
            if (Memory.Find(at) is not { } mapping)
            {
                hole = Hole(at);
                var next = Memory.IndexAt(at);
                at = next < Memory.Mappings.Count ? Memory.Mappings[next].StartValue : end;
                continue;
            }

            var until = Math.Min(end, mapping.EndValue);
            if (Advise(mapping, at, until, advice) is { } refusal)
            {
                return refusal;
            }

            at = until;
        }

        return hole;
    }

    private Refusal? Advise(Mapping mapping, ulong start, ulong end, Advice advice)
    {
        static Refusal Invalid(string why) => new Refusal(Errno.EINVAL, "madvise-not-for-this-mapping", why).About("advice");
        switch (advice)
        {
            case Advice.Free or Advice.WipeOnFork or Advice.Collapse when mapping.File is not null || advice == Advice.Collapse:
                return Invalid("This advice is for private anonymous memory.");
            case Advice.Remove when mapping.File is not null:
                return (mapping.Flags & (VmFlags.Shared | VmFlags.Write)) != (VmFlags.Shared | VmFlags.Write)
                    ? new Refusal(Errno.EACCES, "madvise-remove-read-only", "MADV_REMOVE needs a shared, writable mapping.").About("advice")
                    : new Refusal(Errno.ENODEV, "fallocate-character-device", "A character device has no storage to free.").About("advice");
            case Advice.SoftOffline:
                Machine.LogSoftOffline(mapping, start);
                return new Refusal(Errno.EIO, "soft-offline-device-page", "Device memory can't be taken offline.").About("advice");
            case Advice.DontNeed or Advice.DontNeedLocked:
                Memory.Table.Zap(start, end);
                return null;
            case Advice.Cold or Advice.PageOut:
                DropWalkedPuds(mapping, start, end);
                DropAsBadPmds(mapping, start, end);
                return null;
            case Advice.PopulateRead or Advice.PopulateWrite:
                return Populate(mapping, start, end, advice == Advice.PopulateWrite ? AccessKind.Write : AccessKind.Read);
            default:
                return SetFlags(mapping, start, end, FlagsAfter(mapping.Flags, advice));
        }
    }

    private static VmFlags FlagsAfter(VmFlags flags, Advice advice) => advice switch
    {
        Advice.Normal => flags & ~(VmFlags.RandomRead | VmFlags.SequentialRead),
        Advice.Random => (flags & ~VmFlags.SequentialRead) | VmFlags.RandomRead,
        Advice.Sequential => (flags & ~VmFlags.RandomRead) | VmFlags.SequentialRead,
        Advice.DontFork => flags | VmFlags.DontCopy,
        Advice.DoFork => flags & ~VmFlags.DontCopy,
        Advice.HugePage => (flags & ~VmFlags.NoHugePage) | VmFlags.HugePage,
        Advice.NoHugePage => (flags & ~VmFlags.HugePage) | VmFlags.NoHugePage,
        Advice.DontDump => flags | VmFlags.DontDump,
        Advice.DoDump => flags & ~VmFlags.DontDump,
        Advice.KeepOnFork => flags & ~VmFlags.WipeOnFork,
        _ => flags,
    };

    private Refusal? SetFlags(Mapping mapping, ulong start, ulong end, VmFlags flags)
    {
        if (flags == mapping.Flags)
        {
            return null;
        }

        if ((CutAt(start) ?? (end < mapping.EndValue || end < Memory.Find(start)!.EndValue ? CutAt(end) : null)) is { } refusal)
        {
            return refusal;
        }

        Memory.Find(start)!.Flags = flags;
        return null;
    }

    private Refusal? Populate(Mapping mapping, ulong start, ulong end, AccessKind kind)
    {
        if (!mapping.Allows(kind == AccessKind.Write))
        {
            return new Refusal(Errno.EINVAL, "madvise-populate-access", "The mapping doesn't allow the access to populate for.").About("advice");
        }

        return PopulateRange(mapping, start, end, kind) switch
        {
            AccessResult.Ok => null,
            AccessResult.Oom => new Refusal(Errno.ENOMEM, "page-table-limit", "There is no memory for a page-table page."),
            _ => new Refusal(Errno.EFAULT, "madvise-populate-fault", "A page of the range can't be mapped."),
        };
    }

    // Linux 6.1 takes a devmap PMD for a bad one here, says so and clears it; the entry comes back with the next fault.
    private void DropAsBadPmds(Mapping mapping, ulong start, ulong end)
    {
        if (mapping.Node is not { IsDax: true })
        {
            return;
        }

        const ulong Pmd = 1UL << 21;
        for (var at = PageGranules.AlignDown(start, Pmd); at < end; at += Pmd)
        {
            if (Memory.Table.IsPresent(at, out var granule) && granule == PageGranule.Pmd)
            {
                Memory.Table.Zap(at, at + Pmd);
                Machine.Log("mm/pgtable-generic.c:51: bad pmd");
            }
        }
    }
}
