using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Worker.Media.Errors;

namespace PmemFleet.Worker.Media;

/// <summary>
/// One DIMM: a sparse file in DPA order, and beside it a journal of what is poisoned, what the bus knows of that, and the DIMM's health. The state
/// carries a version that only grows, over restarts and workers too, and is on the disk before anyone is told of it.
/// </summary>
internal sealed class DimmMedia : IDisposable
{
    private const string ImageEnding = ".image";

    private readonly string _path;
    private readonly Guid _hostId;
    private readonly ErrorJournal _journal;
    private readonly DimmErrorState _state;
    private readonly Lock _stateLock = new();
    private SafeFileHandle _file;
    private MediaWindows _windows;
    private DimmObservation? _observed;
    private volatile bool _isDirty;

    private DimmMedia(Guid hostId, DimmLayout layout, string path, MediaFence fence, ErrorJournal journal, DimmErrorState state)
    {
        (_hostId, Layout, _path, Fence, _journal, _state) = (hostId, layout, path, fence, journal, state);
        _file = OpenFile(path, layout.Capacity);
        _windows = new MediaWindows(_file, layout.Capacity);
    }

    public DimmLayout Layout { get; }

    /// <summary>Asked before a batch of stores.</summary>
    public MediaFence Fence { get; }

    /// <summary>What is poisoned, by DPA. Only looked at; changes go through <see cref="Change(ReadOnlySpan{ErrorChange})"/>.</summary>
    public PoisonList Poison => _state.Poison;

    /// <summary>What the bus lists, by DPA; likewise.</summary>
    public PoisonList Known => _state.Known;

    public DimmAttributes Attributes => _state.Attributes;

    public long Version
    {
        get
        {
            lock (_stateLock)
            {
                return _state.Version;
            }
        }
    }

    public long DirtyShutdownCount => _state.Attributes.DirtyShutdownCount;

    public long ScrubCount => _state.Attributes.ScrubCount;

    /// <summary>Opens a DIMM's files, which are made when they are new. What a crash left half done is completed.</summary>
    /// <exception cref="InvalidDataException">Its state is damaged.</exception>
    public static DimmMedia Open(string folder, Guid hostId, DimmLayout layout, MediaFence fence)
    {
        var path = MediaPath(folder, layout.DimmId);
        var journal = ErrorJournal.Open(folder, layout.DimmId, fence, out var state);
        var dimm = new DimmMedia(hostId, layout, path, fence, journal, state);
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
        ErrorJournal.RemoveFiles(folder, dimmId, fence);
    }

    public void Read(long dpa, Span<byte> destination)
    {
        if (destination.Length <= MediaWindows.LongestEntry && _windows.TryRead(dpa, destination))
        {
            return;
        }

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
        if (source.Length > MediaWindows.LongestEntry || !_windows.TryWrite(dpa, source))
        {
            RandomAccess.Write(_file, source, dpa);
        }
    }

    /// <summary>Zeroes take no room.</summary>
    public void Zero(long dpa, long length)
    {
        _isDirty = true;
        if (length >= 4096 && Libc.TryPunchHole(_file, dpa, length))
        {
            _windows.ForgetRoom();
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

    /// <summary>Changes the error lists; on the disk, with a new version, when something did change.</summary>
    public bool Change(params ReadOnlySpan<ErrorChange> changes) => Change(null, changes);

    /// <summary>Changes attributes, and the lists with them, in one.</summary>
    public bool Change(DimmAttributes? attributes, params ReadOnlySpan<ErrorChange> changes)
    {
        var altering = new List<ErrorChange>();
        foreach (var change in changes)
        {
            if (change.Alters(_state.Poison, _state.Known))
            {
                altering.Add(change);
            }
        }

        if (attributes == _state.Attributes)
        {
            attributes = null;
        }

        if (altering.Count == 0 && attributes is null)
        {
            return false;
        }

        _journal.Append(_state, attributes, CollectionsMarshal.AsSpan(altering));
        lock (_stateLock)
        {
            foreach (var change in altering)
            {
                change.Apply(_state.Poison, _state.Known);
            }

            _state.Attributes = attributes ?? _state.Attributes;
            _state.Version++;
        }

        _journal.CompactWhenLong(_state);
        return true;
    }

    /// <summary>Power was lost before the DIMM was told of a shutdown, that many times in all.</summary>
    public void SetDirtyShutdownCount(long count) =>
        Change(_state.Attributes with { DirtyShutdownCount = count, IsShutdownDirty = count > _state.Attributes.DirtyShutdownCount || _state.Attributes.IsShutdownDirty });

    /// <summary>Scrub passes of the bus, in all.</summary>
    public void SetScrubCount(long count) => Change(_state.Attributes with { ScrubCount = count });

    /// <summary>Empties the media and forgets its errors.</summary>
    public void Wipe()
    {
        Fence.Demand();
        _windows.Dispose();
        RandomAccess.SetLength(_file, 0);
        RandomAccess.SetLength(_file, Layout.Capacity);
        _windows = new MediaWindows(_file, Layout.Capacity);
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
        Dispose();
    }

    /// <summary>The state as the Api is told of it; may be asked for by any thread.</summary>
    public DimmObservation Observe(long epoch)
    {
        lock (_stateLock)
        {
            if (_observed is null || _observed.Version != _state.Version)
            {
                _observed = DimmObserving.Observe(_hostId, Layout, _state);
            }

            return _observed with { Epoch = epoch };
        }
    }

    public void Dispose()
    {
        _windows.Dispose();
        _file.Dispose();
        _journal.Dispose();
    }

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

    private void TakeImage()
    {
        Fence.Demand();
        ForgetErrors();
        File.Move(_path + ImageEnding, _path, overwrite: true);
        Libc.SyncFolder(Path.GetDirectoryName(_path)!);
        _windows.Dispose();
        _file.Dispose();
        _file = OpenFile(_path, Layout.Capacity);
        _windows = new MediaWindows(_file, Layout.Capacity);
        _isDirty = false;
    }

    private void ForgetErrors() => Change(ErrorChange.Heal(0, Layout.Capacity), ErrorChange.Forget(0, Layout.Capacity));
}
