using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PmemFleet.Worker.Media;

/// <summary>The calls of libc that .NET has no method for.</summary>
internal static partial class Libc
{
    private const int PunchHole = 0x02;
    private const int KeepSize = 0x01;
    private const int OpenDirectory = 0x10000;

    /// <summary>Makes a range of a file a hole, which reads as zeroes; false where the file system cannot.</summary>
    public static bool TryPunchHole(SafeFileHandle file, long offset, long length) =>
        FAllocate(file, PunchHole | KeepSize, offset, length) == 0;

    /// <summary>Makes renames in a folder durable.</summary>
    public static void SyncFolder(string folder)
    {
        var descriptor = Open(folder, OpenDirectory);
        if (descriptor >= 0)
        {
            _ = FSync(descriptor);
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int FAllocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
