using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace PmemFleet.Worker.Media.Errors;

/// <summary>
/// Where a DIMM's error state is kept: one file for each epoch, so that a worker whose epoch is over can overwrite nothing of its successor's,
/// whenever it goes on. The file of the newest epoch counts. It begins with a checkpoint that was renamed into its place; changes are appended, each
/// on the disk before anyone is told of it. A crash can only cut the last record short: that change was never told, and the next open drops it.
/// </summary>
internal sealed class ErrorJournal : IDisposable
{
    private const long SmallestCompacted = 1 << 20;

    private readonly string _folder;
    private readonly Guid _dimmId;
    private readonly MediaFence _fence;
    private readonly string _own;
    private SafeFileHandle? _file;
    private long _checkpointBytes;
    private long _length;

    /// <summary>The file may end with a part of a record that could not be taken back: it is written anew before anything is appended.</summary>
    private bool _isBroken;

    private ErrorJournal(string folder, Guid dimmId, MediaFence fence)
    {
        (_folder, _dimmId, _fence) = (folder, dimmId, fence);
        _own = Path.Combine(folder, $"{dimmId:N}.{fence.Epoch.ToString(CultureInfo.InvariantCulture)}.state");
    }

    /// <summary>Opens the journal of an epoch; a former epoch's newest state goes on in it.</summary>
    /// <exception cref="InvalidDataException">It is damaged in a way that no crash leaves behind.</exception>
    public static ErrorJournal Open(string folder, Guid dimmId, MediaFence fence, out DimmErrorState state)
    {
        var journal = new ErrorJournal(folder, dimmId, fence);
        state = new DimmErrorState();
        try
        {
            journal.Begin(state);
        }
        catch
        {
            journal.Dispose();
            throw;
        }

        return journal;
    }

    /// <summary>Removes a DIMM's journals of all epochs.</summary>
    public static void RemoveFiles(string folder, Guid dimmId, MediaFence fence)
    {
        foreach (var file in new ErrorJournal(folder, dimmId, fence).All().ToList())
        {
            File.Delete(file.Path);
        }
    }

    /// <summary>Appends a change; on return it is on the disk. The state is the one before it.</summary>
    /// <exception cref="FencedException">The epoch is over.</exception>
    /// <exception cref="IOException">The disk refused; nothing is changed.</exception>
    public void Append(DimmErrorState before, DimmAttributes? attributes, ReadOnlySpan<ErrorChange> changes)
    {
        _fence.Demand();
        if (_file is null || _isBroken)
        {
            Checkpoint(before);
        }

        var record = ErrorRecord.Changes(before.Version + 1, attributes, changes);
        try
        {
            RandomAccess.Write(_file!, record, _length);
            Libc.SyncData(_file!);
        }
        catch (IOException)
        {
            _isBroken = true;
            throw;
        }

        _length += record.Length;
    }

    /// <summary>Writes the journal anew where its changes have outgrown its checkpoint. A disk that refuses leaves it as it is.</summary>
    public void CompactWhenLong(DimmErrorState state)
    {
        if (_length - _checkpointBytes < Math.Max(SmallestCompacted, 2 * _checkpointBytes))
        {
            return;
        }

        try
        {
            Checkpoint(state);
        }
        catch (IOException)
        {
            // every change is in the file; the next one tries again
        }
    }

    /// <summary>Replaces the journal by one record of the whole state; on return it is on the disk.</summary>
    public void Checkpoint(DimmErrorState state)
    {
        _fence.Demand();
        var record = ErrorRecord.Checkpoint(state.Version, state.Attributes, state.Poison, state.Known);

        // until this is through, the open file may be the one that is replaced: nothing may be appended to it
        _isBroken = true;
        DurableFile.ReplaceRaw(_own, record);
        OpenFile();
        (_checkpointBytes, _isBroken) = (record.Length, false);
    }

    public void Dispose() => _file?.Dispose();

    private void Begin(DimmErrorState state)
    {
        var newest = All().Where(file => file.Epoch <= _fence.Epoch).DefaultIfEmpty().MaxBy(file => file.Epoch);
        if (newest.Path is null)
        {
            return;
        }

        var isTorn = Replay(newest.Path, state);
        if (newest.Epoch < _fence.Epoch || isTorn)
        {
            state.Version++;
            Checkpoint(state);
            ForgetFormer();
        }
        else
        {
            OpenFile();
        }
    }

    /// <summary>Reads a journal into a state; true where its last record is cut short.</summary>
    private static bool Replay(string path, DimmErrorState state)
    {
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(path);
        for (var at = 0; at < bytes.Length;)
        {
            var length = ErrorRecord.Measure(bytes[at..]);
            if (at == 0 ? length <= 0 || ErrorRecord.KindOf(bytes) != ErrorRecordKind.Checkpoint : length < 0 && !ErrorRecord.IsCutShort(bytes[at..]))
            {
                throw new InvalidDataException($"{path} is damaged at byte {at}");
            }

            if (length <= 0)
            {
                return true;
            }

            var record = bytes.Slice(at, length);
            var before = state.Version;
            ErrorRecord.Replay(record, state);
            if (at > 0 && state.Version != before + 1)
            {
                throw new InvalidDataException($"{path} is damaged at byte {at}: version {state.Version} follows {before}");
            }

            at += length;
        }

        return bytes.Length == 0 ? throw new InvalidDataException($"{path} is empty") : false;
    }

    private void OpenFile()
    {
        var file = File.OpenHandle(_own, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        _file?.Dispose();
        _file = file;
        _length = RandomAccess.GetLength(file);
        _checkpointBytes = _checkpointBytes == 0 ? _length : _checkpointBytes;
    }

    /// <summary>Former epochs mean nothing once this one has a state of its own.</summary>
    private void ForgetFormer()
    {
        foreach (var former in All().Where(file => file.Epoch < _fence.Epoch).ToList())
        {
            File.Delete(former.Path);
        }
    }

    private IEnumerable<(string Path, long Epoch)> All()
    {
        foreach (var path in Directory.EnumerateFiles(_folder, $"{_dimmId:N}.*.state"))
        {
            var epoch = Path.GetFileName(path).AsSpan()[33..^".state".Length];
            if (long.TryParse(epoch, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                yield return (path, number);
            }
        }
    }
}
