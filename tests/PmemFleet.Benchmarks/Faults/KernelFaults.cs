using System.Runtime.InteropServices;

namespace PmemFleet.Benchmarks.Faults;

/// <summary>The real kernel's rate: mmap of a memfd and a touch of every 4 KiB page, through libc.</summary>
internal static partial class KernelFaults
{
    private const int ReadWrite = 3;
    private const int Shared = 1;

    public static unsafe double FaultsPerSecond(long pages)
    {
        var bytes = (nint)(pages << 12);
        var fd = MemfdCreate("pmemfleet-yardstick", 0);
        if (fd < 0 || Ftruncate(fd, bytes) != 0)
        {
            throw new InvalidOperationException($"no memfd: errno {Marshal.GetLastPInvokeError()}");
        }

        var at = Mmap(0, bytes, ReadWrite, Shared, fd, 0);
        if (at == -1)
        {
            throw new InvalidOperationException($"no mmap: errno {Marshal.GetLastPInvokeError()}");
        }

        _ = Madvise(at, bytes, 15); // MADV_NOHUGEPAGE: one fault a page
        var seconds = Harness.Stopwatches.Seconds(() =>
        {
            var p = (byte*)at;
            for (nint offset = 0; offset < bytes; offset += 4096)
            {
                p[offset] = 1;
            }
        });
        _ = Munmap(at, bytes);
        _ = Close(fd);
        return pages / seconds;
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MemfdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int Ftruncate(int fd, nint length);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Mmap(nint address, nint length, int protection, int flags, int fd, nint offset);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Madvise(nint address, nint length, int advice);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Munmap(nint address, nint length);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int fd);
}
