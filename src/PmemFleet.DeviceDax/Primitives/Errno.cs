namespace PmemFleet.DeviceDax.Primitives;

#pragma warning disable CA1027 // Linux's numbers, not flags
/// <summary>The errors that device-dax and the memory-management calls around it return, with Linux's numbers on x86-64.</summary>
public enum Errno
{
    /// <summary>No such process.</summary>
    ESRCH = 3,

    /// <summary>Input/output error.</summary>
    EIO = 5,

    /// <summary>No such device or address: the dax device is disabled.</summary>
    ENXIO = 6,

    /// <summary>Bad file descriptor.</summary>
    EBADF = 9,

    /// <summary>Cannot allocate memory.</summary>
    ENOMEM = 12,

    /// <summary>Permission denied.</summary>
    EACCES = 13,

    /// <summary>Bad address.</summary>
    EFAULT = 14,

    /// <summary>Device or resource busy.</summary>
    EBUSY = 16,

    /// <summary>File exists, or a mapping in the way of MAP_FIXED_NOREPLACE.</summary>
    EEXIST = 17,

    /// <summary>No such device.</summary>
    ENODEV = 19,

    /// <summary>Not a directory.</summary>
    ENOTDIR = 20,

    /// <summary>Invalid argument.</summary>
    EINVAL = 22,

    /// <summary>Too many open files.</summary>
    EMFILE = 24,

    /// <summary>Inappropriate ioctl for device.</summary>
    ENOTTY = 25,

    /// <summary>No space left on device.</summary>
    ENOSPC = 28,

    /// <summary>Value too large for defined data type.</summary>
    EOVERFLOW = 75,

    /// <summary>Operation not supported.</summary>
    EOPNOTSUPP = 95,
}
#pragma warning restore CA1027
