using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Machines;

/// <summary>Which kernel's rules apply where the two differ (spec 50, the rows marked [4.10]).</summary>
public enum KernelProfile
{
    /// <summary>Linux 6.1; the recorded behaviour.</summary>
    Linux61,

    /// <summary>Linux 4.10: VM_MIXEDMAP, misaligned splits allowed, PMD mappings need struct pages.</summary>
    Linux410,
}

/// <summary>What the simulated host's CPU and kernel can do. Fixed for the life of a machine.</summary>
public sealed record MachineProfile
{
    /// <summary>Linux 6.1 on a CPU with 1 GiB pages and 4-level tables.</summary>
    public static MachineProfile Default { get; } = new();

    /// <summary>The kernel whose rules apply.</summary>
    public KernelProfile Kernel { get; init; } = KernelProfile.Linux61;

    /// <summary>Whether 1 GiB pages exist; without them a PUD fault falls back (spec 50 section 5).</summary>
    public bool HasPudPages { get; init; } = true;

    /// <summary>Page-table levels, 4 or 5.</summary>
    public int PageTableLevels { get; init; } = 4;

    /// <summary>Where a process's stack and mappings lie.</summary>
    public AddressSpaceLayout Layout { get; init; } = AddressSpaceLayout.WithoutRandomisation;

    /// <summary>Whether processes other than the consumer get BUS_MCEERR_AO at once (spec 50 section 10).</summary>
    public bool KillsEarly { get; init; } = true;

    /// <summary>Bytes of one poisoned line as the machine check reports it; a power of two, 64 typical.</summary>
    public ulong MachineCheckLineBytes { get; init; } = 64;

    /// <summary>Minors of the dax class; Linux has 1048576 (spec 50 section 2).</summary>
    public int DaxMinors { get; init; } = 1 << 20;

    /// <summary>The name used in requests: <c>linux-6.1</c> or <c>linux-4.10</c>.</summary>
    public string Name => Kernel == KernelProfile.Linux61 ? "linux-6.1" : "linux-4.10";
}

/// <summary>Where the parts of a process's address space lie. Linux randomises these; a simulation must not, so they are given.</summary>
/// <param name="TaskSize">First address a process can't map.</param>
/// <param name="MmapBase">Mappings without a hint grow down from here.</param>
/// <param name="StackTop">End of the initial stack.</param>
/// <param name="ProgramStart">Where the program is loaded.</param>
public readonly record struct AddressSpaceLayout(ulong TaskSize, ulong MmapBase, ulong StackTop, ulong ProgramStart)
{
    /// <summary>Lowest address a process may map (vm.mmap_min_addr).</summary>
    public const ulong LowestAddress = 0x10000;

    /// <summary>Linux x86-64 with <c>norandmaps</c>: a 47-bit space.</summary>
    public static AddressSpaceLayout WithoutRandomisation { get; } =
        new(0x7fff_ffff_f000, 0x7fff_f7ff_f000, 0x7fff_ffff_f000, 0x40_0000);

    /// <summary>The same space with mappings growing down from another address.</summary>
    public AddressSpaceLayout MappingsBelow(VirtualAddress mmapBase) => this with { MmapBase = mmapBase.Value };
}
