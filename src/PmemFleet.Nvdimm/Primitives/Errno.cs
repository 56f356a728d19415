namespace PmemFleet.Nvdimm.Primitives;

/// <summary>The errors of libnvdimm's sysfs writes and driver probes, with Linux's own numbers on x86-64.</summary>
public enum Errno
{
    /// <summary>Operation not permitted.</summary>
    EPERM = 1,

    /// <summary>No such file or directory.</summary>
    ENOENT = 2,

    /// <summary>Input/output error: a poisoned range was read.</summary>
    EIO = 5,

    /// <summary>No such device or address.</summary>
    ENXIO = 6,

    /// <summary>Resource temporarily unavailable.</summary>
    EAGAIN = 11,

    /// <summary>Cannot allocate memory; also what a failed BTT start shows.</summary>
    ENOMEM = 12,

    /// <summary>Permission denied: a locked DIMM.</summary>
    EACCES = 13,

    /// <summary>Bad address: an access outside the namespace.</summary>
    EFAULT = 14,

    /// <summary>Device or resource busy.</summary>
    EBUSY = 16,

    /// <summary>File exists.</summary>
    EEXIST = 17,

    /// <summary>No such device.</summary>
    ENODEV = 19,

    /// <summary>Invalid argument.</summary>
    EINVAL = 22,

    /// <summary>Inappropriate ioctl for device: the bus cannot do it.</summary>
    ENOTTY = 25,

    /// <summary>No space left on device.</summary>
    ENOSPC = 28,

    /// <summary>Read-only file system.</summary>
    EROFS = 30,

    /// <summary>Numerical result out of range.</summary>
    ERANGE = 34,

    /// <summary>Operation not supported.</summary>
    EOPNOTSUPP = 95,

    /// <summary>Required key not available.</summary>
    ENOKEY = 126,
}
