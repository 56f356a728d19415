using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PmemFleet.Worker.Media;

/// <summary>The calls of libc that .NET has no method for.</summary>
internal static partial class Libc
{
    private const int PunchHole = 0x02;
    private const int KeepSize = 0x01;
    private const int Interrupted = 4;
    private const int ReadWrite = 0x3;
    private const int Shared = 0x1;
    private const int NoMoreData = 6;
    private const int SeekData = 3;
    private const int SeekHole = 4;

    /// <summary>O_RDONLY and close-on-exec; fsync asks no more, and O_DIRECTORY has another number on each architecture.</summary>
    private const int OpenFolder = 0x80000;

    /// <summary>Makes a range of a file a hole, which reads as zeroes; false where the file system cannot.</summary>
    public static bool TryPunchHole(SafeFileHandle file, long offset, long length) =>
        FAllocate(file, PunchHole | KeepSize, offset, length) == 0;

    /// <summary>The file system gives the range room, zeroes where there was none; false where it cannot or has none left.</summary>
    public static bool TryGiveRoom(SafeFileHandle file, long offset, long length) => FAllocate(file, KeepSize, offset, length) == 0;

    /// <summary>Maps a part of a file, shared, to read and write; null where the kernel refuses.</summary>
    public static nint? TryMap(SafeFileHandle file, long offset, nint length) =>
        MMap(0, length, ReadWrite, Shared, file, offset) is var address && address == -1 ? null : address;

    public static void Unmap(nint address, nint length) => _ = MUnmap(address, length);

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
        var error = Marshal.GetLastPInvokeErrorMessage();
        if (descriptor >= 0)
        {
            _ = Close(descriptor);
        }

        if (!done)
        {
            throw new IOException($"{folder} cannot be synchronised: {error}");
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
                throw new IOException($"fdatasync failed: {Marshal.GetLastPInvokeErrorMessage()}");
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

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MMap(nint address, nint length, int protection, int flags, SafeFileHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int MUnmap(nint address, nint length);

    [LibraryImport("libc", EntryPoint = "lseek64", SetLastError = true)]
    private static partial long LSeek(SafeFileHandle file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
