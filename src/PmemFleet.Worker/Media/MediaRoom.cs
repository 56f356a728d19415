using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace PmemFleet.Worker.Media;

/// <summary>
/// The room of the media pool's file system. Below the reserve the worker refuses what needs new room, before the file system does: what is left is for
/// journals, results and the map and log of BTTs. What is stored already can be read and overwritten.
/// </summary>
internal sealed class MediaRoom
{
    private const int LargestShare = 20;

    private readonly string _folder;
    private readonly long _reserve;

    /// <summary>Others fill the file system too, so the figure is asked for at least this often.</summary>
    private static readonly long Fresh = Stopwatch.Frequency / 20;

    private static readonly long Lately = 3 * Stopwatch.Frequency;

    private readonly Lock _lock = new();
    private long _refusedAt = long.MinValue / 2;
    private long _lookedAt = long.MinValue / 2;
    private long _left;

    /// <summary>The room of a file system.</summary>
    /// <param name="folder">A folder of the file system.</param>
    /// <param name="reserve">Bytes kept free; never more than a twentieth of the file system.</param>
    public MediaRoom(string folder, long reserve) => (_folder, _reserve, ReserveBytes) = (folder, reserve, reserve);

    /// <summary>Bytes that the file system would still give.</summary>
    public long FreeBytes { get; private set; }

    /// <summary>Bytes kept free.</summary>
    public long ReserveBytes { get; private set; }

    /// <summary>New room is refused now, or was a moment ago: what is left may be less than what is asked for.</summary>
    public bool IsFull => Left(0) <= 0 || Stopwatch.GetTimestamp() - Interlocked.Read(ref _refusedAt) < Lately;

    /// <summary>Refuses a store into a part of a file that has no room yet, where the reserve begins.</summary>
    /// <exception cref="IOException">ENOSPC.</exception>
    public void Demand(SafeFileHandle file, long offset, long length)
    {
        if (Left(length) <= 0 && !Libc.IsStored(file, offset, length))
        {
            throw Full();
        }
    }

    /// <summary>Refuses new room.</summary>
    /// <exception cref="IOException">ENOSPC.</exception>
    public void Demand(long length)
    {
        if (Left(length) <= 0)
        {
            throw Full();
        }
    }

    private IOException Full()
    {
        Interlocked.Exchange(ref _refusedAt, Stopwatch.GetTimestamp());
        return DiskErrors.Full($"The media pool's file system is full: {FreeBytes} bytes are free and {ReserveBytes} are kept in reserve.");
    }

    /// <summary>Bytes above the reserve after a store; counted down between two looks at the file system.</summary>
    private long Left(long length)
    {
        lock (_lock)
        {
            var now = Stopwatch.GetTimestamp();
            _left -= length;
            if (now - _lookedAt >= Fresh || _left <= 0)
            {
                _lookedAt = now;
                Look(length);
            }

            return _left;
        }
    }

    private void Look(long length)
    {
        try
        {
            var drive = new DriveInfo(_folder);
            FreeBytes = drive.AvailableFreeSpace;
            ReserveBytes = Math.Min(_reserve, drive.TotalSize / LargestShare);
            _left = FreeBytes - ReserveBytes - length;
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException)
        {
            // the store itself says what is wrong with the file system
            _left = 1;
        }
    }
}
