using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace PmemFleet.Worker.Media;

/// <summary>
/// Windows of a DIMM's file in this process's memory, for what is too small for a system call: the map and log entries of a BTT. A store goes only to
/// room that the file system has given before (fallocate), because a store into a hole of a full disk would end the process and not the request.
/// Where a window cannot be had, the caller takes the system call.
/// </summary>
/// <param name="file">The DIMM's file.</param>
/// <param name="capacity">Its bytes.</param>
internal sealed unsafe class MediaWindows(SafeFileHandle file, long capacity) : IDisposable
{
    /// <summary>What is longer is no entry.</summary>
    public const int LongestEntry = 64;

    private const int WindowBytes = 4 << 20;
    private const int RoomBytes = 64 << 10;

    /// <summary>Of the whole process: the kernel gives it 65,530 mappings, and the runtime needs its own.</summary>
    private const int MostWindows = 8192;

    private static int _count;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, nint> _windows = [];
    private readonly HashSet<long> _rooms = [];
    private bool _isRefused;

    public bool TryRead(long dpa, Span<byte> destination)
    {
        lock (_lock)
        {
            if (Find(dpa, destination.Length) is not { } address)
            {
                return false;
            }

            new ReadOnlySpan<byte>((void*)address, destination.Length).CopyTo(destination);
            return true;
        }
    }

    /// <summary>Stores whole words, lower addresses first, as the media does.</summary>
    public bool TryWrite(long dpa, ReadOnlySpan<byte> source)
    {
        var isWord = source.Length == sizeof(uint) && dpa % sizeof(uint) == 0;
        if (!isWord && (source.Length % sizeof(ulong) != 0 || dpa % sizeof(ulong) != 0))
        {
            return false;
        }

        lock (_lock)
        {
            if (Find(dpa, source.Length) is not { } address || !HasRoom(dpa, source.Length))
            {
                return false;
            }

            if (isWord)
            {
                Volatile.Write(ref Unsafe.AsRef<uint>((void*)address), Unsafe.ReadUnaligned<uint>(in source[0]));
                return true;
            }

            for (var at = 0; at < source.Length; at += sizeof(ulong))
            {
                Volatile.Write(ref Unsafe.AsRef<ulong>((void*)(address + at)), Unsafe.ReadUnaligned<ulong>(in source[at]));
            }

            return true;
        }
    }

    /// <summary>Holes may have been made: room is asked for anew.</summary>
    public void ForgetRoom()
    {
        lock (_lock)
        {
            _rooms.Clear();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var window in _windows.Values)
            {
                Libc.Unmap(window, WindowBytes);
                Interlocked.Decrement(ref _count);
            }

            _windows.Clear();
            _rooms.Clear();
            _isRefused = true;
        }
    }

    private nint? Find(long dpa, int length)
    {
        var (index, within) = Math.DivRem(dpa, WindowBytes);
        if (_isRefused || length > LongestEntry || within + length > WindowBytes || dpa + length > capacity)
        {
            return null;
        }

        if (!_windows.TryGetValue(index, out var window))
        {
            if (Interlocked.Increment(ref _count) > MostWindows || Libc.TryMap(file, index * WindowBytes, WindowBytes) is not { } mapped)
            {
                Interlocked.Decrement(ref _count);
                return null;
            }

            _windows[index] = window = mapped;
        }

        return window + (nint)within;
    }

    private bool HasRoom(long dpa, int length)
    {
        var room = dpa / RoomBytes;
        if (room != (dpa + length - 1) / RoomBytes)
        {
            return false;
        }

        if (_rooms.Contains(room))
        {
            return true;
        }

        if (!Libc.TryGiveRoom(file, room * RoomBytes, Math.Min(RoomBytes, capacity - (room * RoomBytes))))
        {
            return false;
        }

        _rooms.Add(room);
        return true;
    }
}
