using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

public sealed partial class Process
{
    private const int LargestDescriptor = 1024;

    /// <summary>The open descriptors.</summary>
    public IReadOnlyDictionary<int, OpenFile> Descriptors
    {
        get
        {
            lock (_gate)
            {
                return new SortedDictionary<int, OpenFile>(_descriptors);
            }
        }
    }

    /// <summary>open(2): ENXIO for a disabled device, EINVAL for O_DIRECT, otherwise the lowest free descriptor from 3.</summary>
    public Outcome<int> Open(string path, OpenFlags flags)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!Machine.Resolve(path).TryGet(out var node, out var refusal))
        {
            return refusal;
        }

        const OpenFlags New = OpenFlags.Create | OpenFlags.Exclusive;
        if ((flags & New) == New)
        {
            return new Refusal(Errno.EEXIST, "open-exists", "O_CREAT with O_EXCL refuses a node that exists.").About("flags");
        }

        if ((flags & OpenFlags.Directory) != 0)
        {
            return new Refusal(Errno.ENOTDIR, "open-not-a-directory", "A device isn't a directory.").About("flags");
        }

        if ((flags & OpenFlags.Direct) != 0 && (flags & OpenFlags.Path) == 0 && node is DaxDevice)
        {
            return new Refusal(Errno.EINVAL, "open-direct", "Device-dax has no direct I/O: it has no I/O at all.").About("flags");
        }

        lock (_gate)
        {
            if (_hasExited)
            {
                return Gone();
            }

            var fd = 3;
            while (_descriptors.ContainsKey(fd))
            {
                fd++;
            }

            if (fd >= LargestDescriptor)
            {
                return new Refusal(Errno.EMFILE, "open-too-many", "The process has as many files open as it may.").With("limit", LargestDescriptor);
            }

            if ((flags & OpenFlags.Path) == 0 && node is DaxDevice device && !device.TryOpen())
            {
                return Machines.Machine.NoCdev(path);
            }

            _descriptors.Add(fd, new(node, flags));
            return fd;
        }
    }

    /// <summary>close(2); mappings made from the file keep it.</summary>
    public Outcome<Done> Close(int descriptor)
    {
        lock (_gate)
        {
            if (!_descriptors.Remove(descriptor, out var file))
            {
                return BadDescriptor(descriptor);
            }

            file.Put();
            return default(Done);
        }
    }

    /// <summary>read(2), pread(2): a dax device has neither.</summary>
    public Outcome<ByteCount> Read(int descriptor) => NoSuchCall(descriptor, f => f.CanRead, "read");

    /// <summary>write(2), pwrite(2): a dax device has neither.</summary>
    public Outcome<ByteCount> Write(int descriptor) => NoSuchCall(descriptor, f => f.CanWrite, "write");

    /// <summary>lseek(2): does nothing and returns the position, which is 0; a whence above SEEK_HOLE is EINVAL.</summary>
    public Outcome<long> Seek(int descriptor, int whence = 0) =>
        Use(descriptor, out var refusal) is null ? refusal!
        : whence is < 0 or > 4 ? new Refusal(Errno.EINVAL, "lseek-whence", "There is no such whence.").About("whence").With("whence", (ulong)(long)whence)
            .Allowing(whence < 0 ? ["0", "1", "2", "3", "4"] : ["4", "3", "2", "1", "0"])
        : 0L;

    /// <summary>fsync(2), fdatasync(2).</summary>
    public Outcome<Done> Fsync(int descriptor) => NoSuch(descriptor, Errno.EINVAL, "dax-no-fsync", "Device-dax has no fsync.");

    /// <summary>fallocate(2), any mode.</summary>
    public Outcome<Done> Fallocate(int descriptor) => Use(descriptor, out var refusal) is { CanWrite: false }
        ? BadDescriptor(descriptor)
        : refusal ?? NoSuch(descriptor, Errno.ENODEV, "fallocate-character-device", "A character device has no storage to allocate.");

    /// <summary>ftruncate(2).</summary>
    public Outcome<Done> Ftruncate(int descriptor) => NoSuch(descriptor, Errno.EINVAL, "dax-no-truncate", "A character device has no length.");

    /// <summary>ioctl(2), any command.</summary>
    public Outcome<Done> Ioctl(int descriptor) => NoSuch(descriptor, Errno.ENOTTY, "dax-no-ioctl", "Device-dax has no ioctl.");

    /// <summary>posix_fadvise(2): accepted, does nothing.</summary>
    public Outcome<Done> Fadvise(int descriptor) => Use(descriptor, out var refusal) is null ? refusal! : default(Done);

    /// <summary>fcntl(F_GETFL).</summary>
    public Outcome<OpenFlags> GetFlags(int descriptor)
    {
        lock (_gate)
        {
            return _descriptors.TryGetValue(descriptor, out var file) ? file.Flags : BadDescriptor(descriptor);
        }
    }

    /// <summary>fstat(2): a character device of size 0.</summary>
    public Outcome<FileStatus> Fstat(int descriptor)
    {
        lock (_gate)
        {
            if (!_descriptors.TryGetValue(descriptor, out var file))
            {
                return BadDescriptor(descriptor);
            }

            return file.Node switch
            {
                DaxDevice device => new FileStatus(0x2180, 0, 4096, device.Number),
                FsDaxFile dax => new FileStatus(0x8180, dax.Length.Value, 4096, null),
                PlainFile plain => new FileStatus(0x8180, plain.Length.Value, 4096, null),
                _ => default,
            };
        }
    }

    private static Refusal BadDescriptor(int descriptor) =>
        new Refusal(Errno.EBADF, "bad-descriptor", $"Descriptor {descriptor} isn't open for this.").About("fd");

    private OpenFile? Use(int descriptor, out Refusal? refusal)
    {
        lock (_gate)
        {
            refusal = _descriptors.TryGetValue(descriptor, out var file) && !file.IsPathOnly ? null : BadDescriptor(descriptor);
            return refusal is null ? file : null;
        }
    }

    private Refusal NoSuch(int descriptor, Errno errno, string rule, string why) =>
        Use(descriptor, out var refusal) is null ? refusal! : new Refusal(errno, rule, why).About("fd");

    private Refusal NoSuchCall(int descriptor, Func<OpenFile, bool> isAllowed, string call) =>
        Use(descriptor, out var refusal) is not { } file ? refusal!
        : !isAllowed(file) ? BadDescriptor(descriptor)
        : new Refusal(Errno.EINVAL, $"dax-no-{call}", $"Device-dax has no {call}: map it.").About("fd");
}

/// <summary>What fstat(2) tells.</summary>
/// <param name="Mode">st_mode: 020600 (octal) for a dax device.</param>
/// <param name="Size">st_size, bytes.</param>
/// <param name="BlockSize">st_blksize, bytes.</param>
/// <param name="Device">st_rdev of a device.</param>
public readonly record struct FileStatus(int Mode, ulong Size, int BlockSize, DeviceNumber? Device);
