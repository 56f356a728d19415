using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

public sealed partial class Process
{
    private const MapFlags LegacyFlags = (MapFlags)0x3 | MapFlags.Fixed | MapFlags.Anonymous | MapFlags.Low2GiB | (MapFlags)0x800
        | (MapFlags)0x1000 | MapFlags.Uninitialized | MapFlags.GrowsDown | MapFlags.Locked | MapFlags.NoReserve | MapFlags.Populate
        | MapFlags.NonBlock | MapFlags.Stack | MapFlags.HugeTlb | (MapFlags)0xfc000000;

    /// <summary>mmap(2): its checks in Linux's order, then the driver's (spec 50 section 3, golden group g).</summary>
    public Outcome<Mapping> Mmap(MmapRequest request)
    {
        lock (_gate)
        {
            if (_hasExited)
            {
                return Gone();
            }

            var made = MmapLocked(request);
            var populates = (request.Flags & (MapFlags.Populate | MapFlags.NonBlock)) == MapFlags.Populate || (request.Flags & MapFlags.Locked) != 0;
            if (populates && made.TryGet(out var mapping, out _))
            {
                PopulateRange(mapping, mapping.StartValue, mapping.EndValue, AccessKind.Read);
            }

            return made;
        }
    }

    private Outcome<Mapping> MmapLocked(MmapRequest request)
    {
        if (!PageGranules.IsAligned(request.Offset, PageGranules.PageBytes))
        {
            return new Refusal(Errno.EINVAL, "mmap-offset-unaligned", "The offset must be a multiple of the page size.")
                .About("offset").With("offset", request.Offset).AllowingBytes(request.Offset, PageGranules.PageBytes);
        }

        OpenFile? file = null;
        if ((request.Flags & MapFlags.Anonymous) == 0)
        {
            if (!_descriptors.TryGetValue(request.Descriptor, out file) || file.IsPathOnly)
            {
                return BadDescriptor(request.Descriptor);
            }

            if ((request.Flags & MapFlags.HugeTlb) != 0)
            {
                return new Refusal(Errno.EINVAL, "mmap-hugetlb", "MAP_HUGETLB needs a hugetlbfs file.").About("flags");
            }
        }

        if (request.Length == 0)
        {
            return new Refusal(Errno.EINVAL, "mmap-length-zero", "The length must not be 0.").About("length").With("length", 0)
                .Allowing($"{(file?.Node as DaxDevice)?.Granule.Bytes() ?? PageGranules.PageBytes}");
        }

        var length = PageGranules.AlignUp(request.Length, PageGranules.PageBytes);
        var pageOffset = request.Offset >> PageGranules.PageShift;
        if (length == 0)
        {
            return NoMemory(request.Length);
        }

        if (pageOffset + (length >> PageGranules.PageShift) < pageOffset || ulong.MaxValue - length < request.Offset)
        {
            return new Refusal(Errno.EOVERFLOW, "mmap-offset-overflow", "Offset plus length is beyond the largest file.").With("offset", request.Offset).With("length", request.Length).About("offset")
                .AllowingBytes(request.Offset, PageGranules.PageBytes, 0, ulong.MaxValue - length);
        }

        return Place(request, file, length, pageOffset).TryGet(out var start, out var refusal) ? MapAt(request, file, start, length, pageOffset) : refusal;
    }

    private Outcome<Mapping> MapAt(MmapRequest request, OpenFile? file, ulong start, ulong length, ulong pageOffset)
    {
        if (!FlagsFor(request, file).TryGet(out var flags, out var refusal))
        {
            return refusal;
        }

        // MAP_FIXED takes away what is there before the driver is asked; a refusal by the driver doesn't bring it back.
        if (!Memory.IsFree(start, start + length) && UnmapLocked(start, length) is { } cut)
        {
            return cut with { Errno = Errno.ENOMEM, Rule = "mmap-fixed-over-granule" };
        }

        var device = file?.Node as DaxDevice;
        var mapping = new Mapping(start, start + length, flags, file, file is null ? start >> PageGranules.PageShift : pageOffset);
        Memory.Insert(mapping);
        if (device is not null && DevDaxRules.CheckMapping(device, mapping, this, "dax_mmap") is { } driverRefusal)
        {
            Memory.Drop(start, start + length);
            return driverRefusal;
        }

        if (device is not null)
        {
            mapping.Flags |= VmFlags.HugePage | (Machine.Profile.Kernel == KernelProfile.Linux410 ? VmFlags.MixedMap : 0);
        }

        Memory.Merge(start, start + length);
        return Memory.Find(start)!;
    }

    private static Outcome<VmFlags> FlagsFor(MmapRequest request, OpenFile? file)
    {
        // The numbers are the same for PROT_ and VM_; NORESERVE and SYNC are taken before MAP_SHARED drops unknown flags.
        var flags = (VmFlags)request.Protection | VmFlags.MayRead | VmFlags.MayWrite | VmFlags.MayExec | VmFlags.SoftDirty;
        flags |= (request.Flags & MapFlags.NoReserve) != 0 ? VmFlags.NoReserve : 0;
        flags |= (request.Flags & MapFlags.Sync) != 0 ? VmFlags.Sync : 0;
        flags |= request.DontFork ? VmFlags.DontCopy : 0;
        var type = request.Flags & MapFlags.SharedValidate;
        if (type == MapFlags.None)
        {
            return new Refusal(Errno.EINVAL, "mmap-no-type", "Exactly one of MAP_SHARED, MAP_PRIVATE and MAP_SHARED_VALIDATE is needed.").About("flags").Allowing("MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE");
        }

        if (file is null)
        {
            return (request.Flags & MapFlags.GrowsDown) != 0 && type != MapFlags.Private ? GrowsDown() : flags | (type == MapFlags.Private ? 0 : VmFlags.Shared | VmFlags.MayShare);
        }

        var supported = LegacyFlags | (file.Node.IsDax ? MapFlags.Sync : 0);
        if (type == MapFlags.SharedValidate && (request.Flags & ~supported) != 0)
        {
            return new Refusal(Errno.EOPNOTSUPP, "mmap-flag-unsupported", "The file doesn't support a flag.")
                .About("flags").WithAddress("unsupported", (uint)(request.Flags & ~supported))
                .Allowing($"0x{(uint)(request.Flags & supported):x}");
        }

        if (type != MapFlags.Private)
        {
            if ((request.Protection & Protection.Write) != 0 && !file.CanWrite)
            {
                return new Refusal(Errno.EACCES, "mmap-write-on-read-only", "A writable shared mapping needs a descriptor that is open for writing.")
                    .About("prot").Allowing("PROT_READ");
            }

            flags |= VmFlags.Shared | VmFlags.MayShare;
            flags &= file.CanWrite ? ~VmFlags.None : ~(VmFlags.MayWrite | VmFlags.Shared);
        }

        if (!file.CanRead)
        {
            return new Refusal(Errno.EACCES, "mmap-on-write-only", "A mapping needs a descriptor that is open for reading.").About("fd");
        }

        return (request.Flags & MapFlags.GrowsDown) != 0 ? GrowsDown() : flags;
    }

    private static Refusal GrowsDown() =>
        new Refusal(Errno.EINVAL, "mmap-growsdown-file", "MAP_GROWSDOWN is for private anonymous memory.").About("flags");

    private static Refusal NoMemory(ulong length) =>
        new Refusal(Errno.ENOMEM, "mmap-no-room", "There is no room for the mapping in the address space.").With("length", length);
}
