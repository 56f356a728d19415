using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Worker.Media;

/// <summary>
/// One DIMM: a sparse file in DPA order, and beside it what is poisoned and what the bus knows of that. The state carries a version
/// that only grows, over restarts and workers too, and is on the disk before anyone is told of it.
/// </summary>
internal sealed class DimmMedia : IDisposable
{
    private readonly string _path;
    private readonly string _statePath;
    private SafeFileHandle _file;
    private DpaRangeSet _poison;
    private DpaRangeSet _bad;

    private DimmMedia(Guid hostId, DimmLayout layout, string path, SafeFileHandle file, DimmObservation state)
    {
        (HostId, Layout, _path, _statePath, _file) = (hostId, layout, path, path + ".state", file);
        (_poison, _bad) = (new DpaRangeSet(state.Poison), new DpaRangeSet(state.BadRanges));
        (Version, DirtyShutdownCount, ScrubCount) = (state.Version, state.DirtyShutdownCount, state.ScrubCount);
    }

    public Guid HostId { get; }

    public DimmLayout Layout { get; private set; }

    public DpaRangeSet Poison => _poison;

    public DpaRangeSet Bad => _bad;

    public long Version { get; private set; }

    public long DirtyShutdownCount { get; private set; }

    public long ScrubCount { get; private set; }

    /// <summary>Opens a DIMM's files, which are made when they are new.</summary>
    public static DimmMedia Open(string folder, Guid hostId, DimmLayout layout)
    {
        var path = Path.Combine(folder, $"{layout.DimmId:N}.dimm");
        var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (RandomAccess.GetLength(file) != layout.Capacity)
        {
            RandomAccess.SetLength(file, layout.Capacity);
        }

        var saved = DurableFile.Read(path + ".state");
        var state = saved is null ? null : JsonSerializer.Deserialize(saved, FleetJsonContext.Default.DimmObservation);
        return new DimmMedia(hostId, layout, path, file, state ?? Fresh(hostId, layout.DimmId));
    }

    public void Read(long dpa, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            var read = RandomAccess.Read(_file, destination, dpa);
            if (read == 0)
            {
                destination.Clear();
                return;
            }

            destination = destination[read..];
            dpa += read;
        }
    }

    public void Write(long dpa, ReadOnlySpan<byte> source) => RandomAccess.Write(_file, source, dpa);

    /// <summary>Zeroes take no room.</summary>
    public void Zero(long dpa, long length)
    {
        if (length >= 4096 && Libc.TryPunchHole(_file, dpa, length))
        {
            return;
        }

        var zeroes = new byte[Math.Min(length, 1 << 16)];
        for (; length > 0; length -= zeroes.Length, dpa += zeroes.Length)
        {
            RandomAccess.Write(_file, zeroes.AsSpan(0, (int)Math.Min(length, zeroes.Length)), dpa);
        }
    }

    public void Flush() => RandomAccess.FlushToDisk(_file);

    /// <summary>Changes poison or what is known of it; saved, with a new version, when something did change.</summary>
    public bool Change(Func<DpaRangeSet, DpaRangeSet, bool> change)
    {
        if (!change(_poison, _bad))
        {
            return false;
        }

        Save();
        return true;
    }

    /// <summary>Power was lost before the DIMM was told of a shutdown.</summary>
    public void CountDirtyShutdown()
    {
        DirtyShutdownCount++;
        Save();
    }

    /// <summary>A scrub pass ended.</summary>
    public void CountScrub()
    {
        ScrubCount++;
        Save();
    }

    /// <summary>Empties the media and forgets its errors.</summary>
    public void Wipe()
    {
        RandomAccess.SetLength(_file, 0);
        RandomAccess.SetLength(_file, Layout.Capacity);
        Flush();
        (_poison, _bad) = (new DpaRangeSet([]), new DpaRangeSet([]));
        Save();
    }

    /// <summary>Puts a whole new image in the place of the media, at once.</summary>
    public void ReplaceWith(string imagePath)
    {
        File.Move(imagePath, _path, overwrite: true);
        Libc.SyncFolder(Path.GetDirectoryName(_path)!);
        _file.Dispose();
        _file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        (_poison, _bad) = (new DpaRangeSet([]), new DpaRangeSet([]));
        Save();
    }

    /// <summary>The DIMM is gone for good.</summary>
    public void Remove()
    {
        _file.Dispose();
        File.Delete(_path);
        File.Delete(_statePath);
    }

    public DimmObservation Observe(long epoch) => new()
    {
        HostId = HostId,
        DimmId = Layout.DimmId,
        Epoch = epoch,
        Version = Version,
        Poison = [.. _poison.Ranges],
        BadRanges = [.. _bad.Ranges],
        DirtyShutdownCount = DirtyShutdownCount,
        ScrubCount = ScrubCount,
    };

    public void Dispose() => _file.Dispose();

    private static DimmObservation Fresh(Guid hostId, Guid dimmId) => new()
    {
        HostId = hostId,
        DimmId = dimmId,
        Epoch = 0,
        Version = 1,
        Poison = [],
        BadRanges = [],
        DirtyShutdownCount = 0,
        ScrubCount = 0,
    };

    private void Save()
    {
        Version++;
        DurableFile.Replace(_statePath, JsonSerializer.SerializeToUtf8Bytes(Observe(0), FleetJsonContext.Default.DimmObservation));
    }
}
