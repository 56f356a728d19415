namespace PmemFleet.DeviceDax.AddressSpaces;

/// <summary>The protection of mmap(2) and mprotect(2).</summary>
[Flags]
public enum Protection
{
    /// <summary>PROT_NONE.</summary>
    None = 0,

    /// <summary>PROT_READ.</summary>
    Read = 1,

    /// <summary>PROT_WRITE.</summary>
    Write = 2,

    /// <summary>PROT_EXEC.</summary>
    Exec = 4,
}

/// <summary>The flags of mmap(2), with Linux's values on x86-64.</summary>
[Flags]
public enum MapFlags : uint
{
    /// <summary>Neither type: refused.</summary>
    None = 0,

    /// <summary>MAP_SHARED.</summary>
    Shared = 0x1,

    /// <summary>MAP_PRIVATE.</summary>
    Private = 0x2,

    /// <summary>MAP_SHARED_VALIDATE.</summary>
    SharedValidate = 0x3,

    /// <summary>MAP_FIXED.</summary>
    Fixed = 0x10,

    /// <summary>MAP_ANONYMOUS.</summary>
    Anonymous = 0x20,

    /// <summary>MAP_32BIT.</summary>
    Low2GiB = 0x40,

    /// <summary>MAP_GROWSDOWN.</summary>
    GrowsDown = 0x100,

    /// <summary>MAP_LOCKED.</summary>
    Locked = 0x2000,

    /// <summary>MAP_NORESERVE.</summary>
    NoReserve = 0x4000,

    /// <summary>MAP_POPULATE.</summary>
    Populate = 0x8000,

    /// <summary>MAP_NONBLOCK: with MAP_POPULATE, no populate.</summary>
    NonBlock = 0x10000,

    /// <summary>MAP_STACK.</summary>
    Stack = 0x20000,

    /// <summary>MAP_HUGETLB.</summary>
    HugeTlb = 0x40000,

    /// <summary>MAP_SYNC.</summary>
    Sync = 0x80000,

    /// <summary>MAP_FIXED_NOREPLACE.</summary>
    FixedNoReplace = 0x100000,

    /// <summary>MAP_UNINITIALIZED.</summary>
    Uninitialized = 0x4000000,
}

/// <summary>The arguments of mmap(2).</summary>
/// <param name="Length">Bytes; rounded up to a page before any rule looks at it.</param>
/// <param name="Protection">The access.</param>
/// <param name="Flags">Type and flags.</param>
/// <param name="Descriptor">The file; ignored with MAP_ANONYMOUS.</param>
/// <param name="Offset">Offset in the file, bytes; a multiple of 4096.</param>
public readonly record struct MmapRequest(ulong Length, Protection Protection, MapFlags Flags, int Descriptor, ulong Offset = 0)
{
    /// <summary>The hint, or with MAP_FIXED the address; 0 for none.</summary>
    public ulong Address { get; init; }

    /// <summary>
    /// The mapping is born with VM_DONTCOPY. Linux has no such flag: a kernel that demands it (memory without struct pages)
    /// refuses every mmap of user space; this is how a simulation gets past that rule.
    /// </summary>
    public bool DontFork { get; init; }
}
