using Microsoft.Win32.SafeHandles;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Worker.Media;

/// <summary>
/// One DIMM: a sparse file in DPA order, and beside it what is poisoned and what the bus knows of that. The state carries a version
/// that only grows, over restarts and workers too, and is on the disk before anyone is told of it.
/// </summary>
internal sealed class DimmMedia : IDisposable
{
    private const string ImageEnding = ".image";

    private readonly string _path;
    private readonly DimmStateFiles _files;
    private SafeFileHandle _file;
    private DpaRangeSet _poison;
    private DpaRangeSet _bad;
    private DimmObservation _state;
    private volatile bool _isDirty;

    private DimmMedia(DimmLayout layout, string path, MediaFence fence, DimmStateFiles files, DimmObservation state)
    {
        (Layout, _path, Fence, _files, _state) = (layout, path, fence, files, state);
        (_poison, _bad) = (new DpaRangeSet(state.Poison), new DpaRangeSet(state.BadRanges));
        _file = OpenFile(path, layout.Capacity);
    }

    public DimmLayout Layout { get; }

    /// <summary>Asked before a batch of stores.</summary>
    public MediaFence Fence { get; }

    public DpaRangeSet Poison => _poison;

    public DpaRangeSet Bad => _bad;

    public long Version => Volatile.Read(ref _state).Version;

    public long DirtyShutdownCount => Volatile.Read(ref _state).DirtyShutdownCount;

    public long ScrubCount => Volatile.Read(ref _state).ScrubCount;

    /// <summary>Opens a DIMM's files, which are made when they are new. What a crash left half done is completed.</summary>
    /// <exception cref="InvalidDataException">Its state is damaged.</exception>
    public static DimmMedia Open(string folder, Guid hostId, DimmLayout layout, MediaFence fence)
    {
        var files = new DimmStateFiles(folder, layout.DimmId, fence);
        var path = MediaPath(folder, layout.DimmId);
        var saved = files.Read(out var isFormer);
        var dimm = new DimmMedia(layout, path, fence, files, saved ?? Fresh(hostId, layout.DimmId));
        if (isFormer)
        {
            dimm.Save(dimm._state);
            files.ForgetFormer();
        }

        if (File.Exists(path + ImageEnding))
        {
            dimm.TakeImage();
        }

        return dimm;
    }

    /// <summary>Removes a DIMM's files for good, plugged or not.</summary>
    public static void RemoveFiles(string folder, Guid dimmId, MediaFence fence)
    {
        fence.Demand();
        File.Delete(MediaPath(folder, dimmId));
        File.Delete(MediaPath(folder, dimmId) + ImageEnding);
        new DimmStateFiles(folder, dimmId, fence).Remove();
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

    /// <summary>The next run of bytes that may be other than zero, at or after a byte; null where the rest is a hole.</summary>
    public DpaRange? NextStored(long dpa)
    {
        if (dpa >= Layout.Capacity || Libc.NextStored(_file, dpa) is not var (start, end) || start >= Layout.Capacity)
        {
            return null;
        }

        return new DpaRange(start, Math.Min(end, Layout.Capacity) - start);
    }

    public void Write(long dpa, ReadOnlySpan<byte> source)
    {
        _isDirty = true;
        RandomAccess.Write(_file, source, dpa);
    }

    /// <summary>Zeroes take no room.</summary>
    public void Zero(long dpa, long length)
    {
        _isDirty = true;
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

    /// <summary>What was stored is on the disk on return.</summary>
    public void Flush()
    {
        if (!_isDirty)
        {
            return;
        }

        // cleared first, and set again where the disk refuses: a store that comes in between is flushed by the next call
        _isDirty = false;
        try
        {
            Libc.SyncData(_file);
        }
        catch (IOException)
        {
            _isDirty = true;
            throw;
        }
    }

    /// <summary>Changes poison or what is known of it; saved, with a new version, when something did change.</summary>
    public bool Change(Func<DpaRangeSet, DpaRangeSet, bool> change)
    {
        var (poison, bad) = (new DpaRangeSet(_poison.Ranges), new DpaRangeSet(_bad.Ranges));
        if (!change(poison, bad))
        {
            return false;
        }

        Save(_state with { Poison = [.. poison.Ranges], BadRanges = [.. bad.Ranges] });
        (_poison, _bad) = (poison, bad);
        return true;
    }

    /// <summary>Power was lost before the DIMM was told of a shutdown, that many times in all.</summary>
    public void SetDirtyShutdownCount(long count)
    {
        if (count != _state.DirtyShutdownCount)
        {
            Save(_state with { DirtyShutdownCount = count });
        }
    }

    /// <summary>Scrub passes of the bus, in all.</summary>
    public void SetScrubCount(long count) => Save(_state with { ScrubCount = count });

    /// <summary>Empties the media and forgets its errors.</summary>
    public void Wipe()
    {
        Fence.Demand();
        RandomAccess.SetLength(_file, 0);
        RandomAccess.SetLength(_file, Layout.Capacity);
        RandomAccess.FlushToDisk(_file);
        ForgetErrors();
    }

    /// <summary>
    /// Puts a whole new image, complete on the disk, in the place of the media. The rename is the moment it counts: whatever happens after it,
    /// the next open completes it.
    /// </summary>
    public void ReplaceWith(string imagePath)
    {
        Fence.Demand();
        File.Move(imagePath, _path + ImageEnding, overwrite: true);
        Libc.SyncFolder(Path.GetDirectoryName(_path)!);
        TakeImage();
    }

    /// <summary>The DIMM is gone for good.</summary>
    public void Remove()
    {
        RemoveFiles(Path.GetDirectoryName(_path)!, Layout.DimmId, Fence);
        _isDirty = false;
        _file.Dispose();
    }

    public DimmObservation Observe(long epoch) => Volatile.Read(ref _state) with { Epoch = epoch };

    public void Dispose() => _file.Dispose();

    private static string MediaPath(string folder, Guid dimmId) => Path.Combine(folder, $"{dimmId:N}.dimm");

    private static SafeFileHandle OpenFile(string path, long capacity)
    {
        var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (RandomAccess.GetLength(file) != capacity)
        {
            RandomAccess.SetLength(file, capacity);
        }

        return file;
    }

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

    private void TakeImage()
    {
        Fence.Demand();
        ForgetErrors();
        File.Move(_path + ImageEnding, _path, overwrite: true);
        Libc.SyncFolder(Path.GetDirectoryName(_path)!);
        _file.Dispose();
        _file = OpenFile(_path, Layout.Capacity);
        _isDirty = false;
    }

    private void ForgetErrors()
    {
        Save(_state with { Poison = [], BadRanges = [] });
        (_poison, _bad) = (new DpaRangeSet([]), new DpaRangeSet([]));
    }

    private void Save(DimmObservation state)
    {
        var saved = state with { Epoch = Fence.Epoch, Version = _state.Version + 1 };
        _files.Write(saved);
        Volatile.Write(ref _state, saved);
    }
}
