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
    private readonly MediaRoom? _room;
    private SafeFileHandle _file;
    private DimmObservation? _observed;
    private volatile bool _isDirty;

    /// <summary>A new image has its name of <see cref="ImageEnding"/>, or had it: the rest of the taking comes before anything else is stored.</summary>
    private volatile bool _isImagePending;

    private DimmMedia(Guid hostId, DimmLayout layout, string path, MediaFence fence, ErrorJournal journal, DimmErrorState state, MediaRoom? room)
    {
        (_hostId, Layout, _path, Fence, _journal, _state, _room) = (hostId, layout, path, fence, journal, state, room);
        _file = OpenFile(path, layout.Capacity);
        _isImagePending = File.Exists(path + ImageEnding);
    }

    public DimmLayout Layout { get; }

    /// <summary>Asked before a batch of stores.</summary>
    public MediaFence Fence { get; }

    /// <summary>What is poisoned, by DPA. Only looked at; changes go through <see cref="Change(ReadOnlySpan{ErrorChange})"/>.</summary>
    public PoisonList Poison => _state.Poison;

    /// <summary>What the bus lists, by DPA; likewise.</summary>
    public PoisonList Known => _state.Known;

    /// <summary>A flush failed: nothing of the file is believed any more, and its host has to be opened again from the disk.</summary>
    public bool IsLost { get; private set; }

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

    /// <summary>Opens a DIMM's files; they are made where they never were (<see cref="MediaManifest"/>). What a crash left half done is completed.</summary>
    /// <exception cref="MediaFailureException">They were there, and are missing or have another length now.</exception>
    /// <exception cref="InvalidDataException">Its state is damaged.</exception>
    public static DimmMedia Open(string folder, Guid hostId, DimmLayout layout, MediaFence fence, MediaRoom? room = null)
    {
        MediaManifest.Prepare(folder, FileName(layout.DimmId), layout.Capacity);
        var path = MediaPath(folder, layout.DimmId);
        var journal = ErrorJournal.Open(folder, layout.DimmId, fence, out var state);
        DimmMedia? dimm = null;
        try
        {
            dimm = new DimmMedia(hostId, layout, path, fence, journal, state, room);
            dimm.CompleteImage();
            return dimm;
        }
        catch
        {
            dimm?._file.Dispose();
            journal.Dispose();
            throw;
        }
    }

    /// <summary>Refuses a DIMM whose media file is missing or has another length.</summary>
    /// <exception cref="MediaFailureException">It is.</exception>
    public static void Demand(string folder, DimmLayout layout) => MediaManifest.Demand(MediaPath(folder, layout.DimmId), layout.Capacity);

    /// <summary>Removes a DIMM's files for good, plugged or not.</summary>
    public static void RemoveFiles(string folder, Guid dimmId, MediaFence fence)
    {
        fence.Demand();
        File.Delete(MediaPath(folder, dimmId) + ImageEnding);
        ErrorJournal.RemoveFiles(folder, dimmId, fence);

        // forgotten first: a crash between the two leaves a file that nothing names, and not a name without a file
        MediaManifest.Forget(folder, FileName(dimmId));
        File.Delete(MediaPath(folder, dimmId));
    }

    public void Read(long dpa, Span<byte> destination)
    {
        DemandWhole();
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
        CompleteImage();
        _room?.Demand(_file, dpa, source.Length);
        _isDirty = true;
        RandomAccess.Write(_file, source, dpa);
    }

    /// <summary>Zeroes take no room.</summary>
    public void Zero(long dpa, long length)
    {
        CompleteImage();
        _isDirty = true;
        if (length >= 4096 && Libc.TryPunchHole(_file, dpa, length))
        {
            return;
        }

        _room?.Demand(_file, dpa, length);
        var zeroes = new byte[Math.Min(length, 1 << 16)];
        for (; length > 0; length -= zeroes.Length, dpa += zeroes.Length)
        {
            RandomAccess.Write(_file, zeroes.AsSpan(0, (int)Math.Min(length, zeroes.Length)), dpa);
        }
    }

    /// <summary>What was stored is on the disk on return.</summary>
    /// <exception cref="MediaFailureException">The disk refused. The pages that it lost count as clean from now on, so a later flush proves nothing of them.</exception>
    public void Flush()
    {
        DemandWhole();
        if (!_isDirty)
        {
            return;
        }

        // cleared first: a store that comes in between is flushed by the next call
        _isDirty = false;
        try
        {
            Libc.SyncData(_file);
        }
        catch (IOException failure)
        {
            IsLost = true;
            Libc.ForgetCached(_file);
            throw Lost(failure);
        }
    }

    /// <summary>Changes the error lists; on the disk, with a new version, when something did change.</summary>
    public bool Change(params ReadOnlySpan<ErrorChange> changes) => Change(null, changes);

    /// <summary>Changes attributes, and the lists with them, in one.</summary>
    public bool Change(DimmAttributes? attributes, params ReadOnlySpan<ErrorChange> changes)
    {
        CompleteImage();
        return Store(attributes, changes);
    }

    private bool Store(DimmAttributes? attributes, params ReadOnlySpan<ErrorChange> changes)
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

    /// <summary>Empties the media and forgets its errors: an image without a stored byte takes the place of the media.</summary>
    public void Wipe()
    {
        Fence.Demand();
        CompleteImage();
        _isImagePending = true;
        MediaManifest.MakeEmpty(_path + ImageEnding, Layout.Capacity);
        CompleteImage();
    }

    /// <summary>
    /// Puts a whole new image, complete on the disk, in the place of the media. The rename is the moment it counts: whatever happens after it, the next
    /// store, the next attempt or the next open completes it.
    /// </summary>
    public void ReplaceWith(string imagePath)
    {
        Fence.Demand();
        CompleteImage();
        _isImagePending = true;
        File.Move(imagePath, _path + ImageEnding, overwrite: true);
        CompleteImage();
    }

    /// <summary>Completes the taking of an image that was begun. Each step may fail and be made again.</summary>
    public void CompleteImage()
    {
        DemandWhole();
        if (!_isImagePending)
        {
            return;
        }

        Fence.Demand();
        var folder = Path.GetDirectoryName(_path)!;
        if (File.Exists(_path + ImageEnding))
        {
            // the image's name is durable before the errors of the old bytes are forgotten
            Libc.SyncFolder(folder);
            MediaManifest.Demand(_path + ImageEnding, Layout.Capacity);
            _ = Store(null, ErrorChange.Heal(0, Layout.Capacity), ErrorChange.Forget(0, Layout.Capacity));
            File.Move(_path + ImageEnding, _path, overwrite: true);
        }

        Libc.SyncFolder(folder);
        var taken = OpenFile(_path, Layout.Capacity);
        _file.Dispose();
        (_file, _isDirty, _isImagePending) = (taken, false, false);
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
        _file.Dispose();
        _journal.Dispose();
    }

    private static string FileName(Guid dimmId) => $"{dimmId:N}.dimm";

    private static string MediaPath(string folder, Guid dimmId) => Path.Combine(folder, FileName(dimmId));

    /// <summary>
    /// Opens the media file. What a former process wrote is flushed first: where that fails, the pages are dropped, and the next attempt reads what the disk has.
    /// </summary>
    private static SafeFileHandle OpenFile(string path, long capacity)
    {
        MediaManifest.Demand(path, capacity);
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            Libc.SyncData(file);
            return file;
        }
        catch (IOException failure)
        {
            Libc.ForgetCached(file);
            file.Dispose();
            throw Lost(failure);
        }
    }

    private static MediaFailureException Lost(IOException failure) =>
        new(MediaFailureException.FlushFailed, $"The disk did not take what was written: {failure.Message}", failure);

    private void DemandWhole()
    {
        if (IsLost)
        {
            throw new MediaFailureException(MediaFailureException.FlushFailed, $"A flush of {_path} failed; the host is opened again from the disk.");
        }
    }
}
