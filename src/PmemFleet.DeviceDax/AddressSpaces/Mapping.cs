using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

/// <summary>One mapping of a process (a vma). Read it as a view of a moment: calls of its process change it.</summary>
public sealed class Mapping
{
    internal Mapping(ulong start, ulong end, VmFlags flags, OpenFile? file, ulong pageOffset)
    {
        (StartValue, EndValue, Flags, File, PageOffset) = (start, end, flags, file, pageOffset);
    }

    /// <summary>First address.</summary>
    public VirtualAddress Start => new(StartValue);

    /// <summary>First address after it.</summary>
    public VirtualAddress End => new(EndValue);

    /// <summary>Its length.</summary>
    public ByteCount Length => new(EndValue - StartValue);

    /// <summary>Its flags.</summary>
    public VmFlags Flags { get; internal set; }

    /// <summary>Page offset in the file of its first page, in units of 4 KiB.</summary>
    public ulong PageOffset { get; internal set; }

    /// <summary>The open file it was made from; null for anonymous memory.</summary>
    public OpenFile? File { get; }

    /// <summary>What is mapped; null for anonymous memory.</summary>
    public FileNode? Node => File?.Node;

    /// <summary>The dax device that is mapped, if it is one.</summary>
    public DaxDevice? Device => File?.Node as DaxDevice;

    internal ulong StartValue { get; set; }

    internal ulong EndValue { get; set; }

    internal ulong PageOffsetOf(ulong address) => PageOffset + ((address - StartValue) >> PageGranules.PageShift);

    internal bool Allows(bool isWrite) =>
        (Flags & (isWrite ? VmFlags.Write : VmFlags.Read | VmFlags.Write | VmFlags.Exec)) != 0;

    /// <summary>
    /// Whether the mapping may be cut at an address: device-dax refuses a cut inside a granule (spec 50 section 3); Linux 4.10
    /// didn't look.
    /// </summary>
    internal Refusal? MaySplit(ulong address)
    {
        if (Device is not { } device || PageGranules.IsAligned(address, device.Granule.Bytes())
            || device.Machine.Profile.Kernel == Machines.KernelProfile.Linux410)
        {
            return null;
        }

        var align = device.Granule.Bytes();
        return new Refusal(Errno.EINVAL, "dax-split-misaligned", "A device-dax mapping can only be cut at a multiple of the device's align.")
            .WithAddress("address", address).With("align", align)
            .Allowing(new VirtualAddress(PageGranules.AlignDown(address, align)).ToString(), new VirtualAddress(PageGranules.AlignUp(address, align)).ToString());
    }

    /// <summary>Whether the kernel may join this mapping with the one that follows it in memory.</summary>
    internal bool CanMergeWith(Mapping next) =>
        EndValue == next.StartValue && Flags == next.Flags && ReferenceEquals(File, next.File) && File is not null
        && PageOffsetOf(EndValue) == next.PageOffset;
}
