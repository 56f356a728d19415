using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PmemFleet.Worker.Media;

/// <summary>The calls of libc that .NET has no method for.</summary>
internal static partial class Libc
{
    private const int PunchHole = 0x02;
    private const int KeepSize = 0x01;
    private const int Interrupted = 4;
    private const int DontNeed = 4;
    private const int NoMoreData = 6;
    private const int SeekData = 3;
    private const int SeekHole = 4;

    /// <summary>O_RDONLY and close-on-exec; fsync asks no more, and O_DIRECTORY has another number on each architecture.</summary>
    private const int OpenFolder = 0x80000;

    /// <summary>Makes a range of a file a hole, which reads as zeroes; false where the file system cannot.</summary>
    public static bool TryPunchHole(SafeFileHandle file, long offset, long length) =>
        FAllocate(file, PunchHole | KeepSize, offset, length) == 0;

    /// <summary>Every byte of a range has room already; false also where the file system does not say.</summary>
    public static bool IsStored(SafeFileHandle file, long offset, long length) =>
        NextStored(file, offset) is var (start, end) && start == offset && end >= offset + length;

    /// <summary>
    /// The operating system forgets what it has in memory of the file, so that the next read comes from the disk. After a flush that failed its pages count as
    /// clean although they are not on the disk.
    /// </summary>
    public static void ForgetCached(SafeFileHandle file) => _ = FAdvise(file, 0, 0, DontNeed);

    /// <summary>The first byte at or after an offset that is stored, and the first after it that is not; null where none follows.</summary>
    /// <remarks>A file system that keeps no holes says that all is stored.</remarks>
    public static (long Start, long End)? NextStored(SafeFileHandle file, long offset)
    {
        var start = LSeek(file, offset, SeekData);
        if (start < 0)
        {
            return Marshal.GetLastPInvokeError() == NoMoreData ? null : (offset, long.MaxValue);
        }

        var end = LSeek(file, start, SeekHole);
        return (start, end < 0 ? long.MaxValue : end);
    }

    /// <summary>Makes renames in a folder durable.</summary>
    /// <exception cref="IOException">The folder cannot be synchronised.</exception>
    public static void SyncFolder(string folder)
    {
        var descriptor = Open(folder, OpenFolder);
        var done = descriptor >= 0 && FSync(descriptor) == 0;
        var (number, error) = (Marshal.GetLastPInvokeError(), Marshal.GetLastPInvokeErrorMessage());
        if (descriptor >= 0)
        {
            _ = Close(descriptor);
        }

        if (!done)
        {
            throw new IOException($"{folder} cannot be synchronised: {error}", number);
        }
    }

    /// <summary>The file's data is on the disk on return.</summary>
    /// <exception cref="IOException">The disk refused; what was written since the last success may be lost.</exception>
    public static void SyncData(SafeFileHandle file)
    {
        while (FDataSync(file) != 0)
        {
            if (Marshal.GetLastPInvokeError() != Interrupted)
            {
                throw new IOException($"fdatasync failed: {Marshal.GetLastPInvokeErrorMessage()}", Marshal.GetLastPInvokeError());
            }
        }
    }

    /// <summary>The calling thread yields to all others from now on (nice 10); where that is not allowed, nothing changes.</summary>
    public static void LowerPriorityOfThisThread() => _ = SetPriority(0, 0, 10);

    // PRIO_PROCESS of id 0: on Linux the calling thread alone
    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int nice);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int FAllocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int FAdvise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "lseek64", SetLastError = true)]
    private static partial long LSeek(SafeFileHandle file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
