namespace PmemFleet.DeviceDax.AddressSpaces;

/// <summary>A mapping's flags, with Linux's values.</summary>
[Flags]
public enum VmFlags : uint
{
    /// <summary>No access.</summary>
    None = 0,

    /// <summary>VM_READ.</summary>
    Read = 0x1,

    /// <summary>VM_WRITE.</summary>
    Write = 0x2,

    /// <summary>VM_EXEC.</summary>
    Exec = 0x4,

    /// <summary>VM_SHARED: shared and made from a writable file.</summary>
    Shared = 0x8,

    /// <summary>VM_MAYREAD.</summary>
    MayRead = 0x10,

    /// <summary>VM_MAYWRITE.</summary>
    MayWrite = 0x20,

    /// <summary>VM_MAYEXEC.</summary>
    MayExec = 0x40,

    /// <summary>VM_MAYSHARE: made with a shared mapping type; what device-dax asks for (seed row 55).</summary>
    MayShare = 0x80,

    /// <summary>VM_GROWSDOWN: a stack.</summary>
    GrowsDown = 0x100,

    /// <summary>VM_LOCKED.</summary>
    Locked = 0x2000,

    /// <summary>VM_SEQ_READ.</summary>
    SequentialRead = 0x8000,

    /// <summary>VM_RAND_READ.</summary>
    RandomRead = 0x10000,

    /// <summary>VM_DONTCOPY: a forked child doesn't get it.</summary>
    DontCopy = 0x20000,

    /// <summary>VM_NORESERVE.</summary>
    NoReserve = 0x200000,

    /// <summary>VM_SYNC: made with MAP_SYNC.</summary>
    Sync = 0x800000,

    /// <summary>VM_WIPEONFORK.</summary>
    WipeOnFork = 0x2000000,

    /// <summary>VM_DONTDUMP.</summary>
    DontDump = 0x4000000,

    /// <summary>VM_SOFTDIRTY.</summary>
    SoftDirty = 0x8000000,

    /// <summary>VM_MIXEDMAP: device-dax in Linux 4.10.</summary>
    MixedMap = 0x10000000,

    /// <summary>VM_HUGEPAGE.</summary>
    HugePage = 0x20000000,

    /// <summary>VM_NOHUGEPAGE.</summary>
    NoHugePage = 0x40000000,
}

/// <summary>The flags as /proc prints them.</summary>
public static class VmFlagNames
{
    // Two letters per bit, in bit order, as /proc/pid/smaps prints them.
    private static (VmFlags Flag, string Name)[] Names { get; } =
    [
        (VmFlags.Read, "rd"), (VmFlags.Write, "wr"), (VmFlags.Exec, "ex"), (VmFlags.Shared, "sh"),
        (VmFlags.MayRead, "mr"), (VmFlags.MayWrite, "mw"), (VmFlags.MayExec, "me"), (VmFlags.MayShare, "ms"),
        (VmFlags.GrowsDown, "gd"), (VmFlags.Locked, "lo"), (VmFlags.SequentialRead, "sr"), (VmFlags.RandomRead, "rr"),
        (VmFlags.DontCopy, "dc"), (VmFlags.NoReserve, "nr"), (VmFlags.Sync, "sf"), (VmFlags.WipeOnFork, "wf"),
        (VmFlags.DontDump, "dd"), (VmFlags.SoftDirty, "sd"), (VmFlags.MixedMap, "mm"), (VmFlags.HugePage, "hg"),
        (VmFlags.NoHugePage, "nh"),
    ];

    /// <summary>smaps' <c>VmFlags</c> line, such as <c>rd wr sh mr mw me ms sd hg</c>.</summary>
    public static string ToSmaps(this VmFlags flags) =>
        string.Join(' ', Names.Where(n => (flags & n.Flag) != 0).Select(n => n.Name));

    /// <summary>The permissions of a maps line, such as <c>rw-s</c>.</summary>
    public static string ToPermissions(this VmFlags flags) => string.Concat(
        (flags & VmFlags.Read) != 0 ? "r" : "-",
        (flags & VmFlags.Write) != 0 ? "w" : "-",
        (flags & VmFlags.Exec) != 0 ? "x" : "-",
        (flags & VmFlags.MayShare) != 0 ? "s" : "p");
}
