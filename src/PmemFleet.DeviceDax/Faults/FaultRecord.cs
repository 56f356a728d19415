using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Faults;

/// <summary>
/// The one record of a fault. Handlers get it alone: the mapping is reached through it (seed rows 9, 10, 13, 15, 16), and the
/// size tag is replaced, never added to, when a smaller size is tried (row 12).
/// </summary>
public readonly record struct FaultRecord
{
    /// <summary>Number of the fault within its process, from 1.</summary>
    public long Id { get; init; }

    /// <summary>The mapping.</summary>
    public Mapping Mapping { get; init; }

    /// <summary>The faulting address, masked to its 4 KiB page (row 48).</summary>
    public VirtualAddress Address { get; init; }

    /// <summary>Page offset of the address in the file, in units of 4 KiB.</summary>
    public ulong PageOffset { get; init; }

    /// <summary>Whether the access writes.</summary>
    public bool IsWrite { get; init; }

    /// <summary>Which table level this try is about; exactly one.</summary>
    public PageGranule Tag { get; init; }

    /// <summary>The handler's name in traces: one entry point for the huge sizes.</summary>
    public string Handler => Tag == PageGranule.Pte ? "fault" : "huge_fault";
}
