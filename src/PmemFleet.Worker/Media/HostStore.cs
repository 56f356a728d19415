using System.Collections.Concurrent;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Worker.Media;

/// <summary>
/// A host's folder in the media pool: its fence, its DIMMs, and the results of its tasks. Workers of a pool share it, so a task that one
/// of them finished is not done again by the next.
/// </summary>
internal sealed class HostStore
{
    private const string FenceName = "epoch";

    private readonly ResultFiles _results;
    private readonly ConcurrentDictionary<Guid, TaskResult> _pending = [];

    private HostStore(string folder, Guid hostId, MediaFence fence, bool isAdopted, MediaRoom? room)
    {
        (Folder, HostId, Fence, IsAdopted, Room) = (folder, hostId, fence, isAdopted, room);
        _results = new ResultFiles(folder);
        foreach (var result in _results.ReadPending().Where(result => result.Epoch == fence.Epoch))
        {
            _pending[result.TaskId] = result;
        }
    }

    public string Folder { get; }

    public Guid HostId { get; }

    public MediaFence Fence { get; }

    public long Epoch => Fence.Epoch;

    /// <summary>A version without manifests made the folder: the media files of its layout are all there, or the host fails.</summary>
    public bool IsAdopted { get; }

    /// <summary>The room of the pool's file system; null where it is not limited.</summary>
    public MediaRoom? Room { get; }

    /// <summary>True while no newer epoch has opened the store. Asked before anything is written or acknowledged.</summary>
    public bool IsCurrent => Fence.Holds;

    /// <summary>Results of this epoch that are not acknowledged yet.</summary>
    public IReadOnlyList<TaskResult> Results => [.. _pending.Values];

    /// <summary>Results wait for their acknowledgement.</summary>
    public bool HasResults => !_pending.IsEmpty;

    /// <summary>Opens the store under an epoch; null where a newer one has it: this worker is fenced.</summary>
    /// <param name="dataDirectory">The pool's folder.</param>
    /// <param name="hostId">The host.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="mayCreate">The host was never up: its folder is made where it is not there.</param>
    /// <param name="room">The room of the pool's file system.</param>
    /// <exception cref="MediaFailureException">The folder is not there.</exception>
    /// <exception cref="IOException">The folder cannot be used, or another worker opens it just now.</exception>
    /// <exception cref="InvalidDataException">The fence is damaged.</exception>
    public static HostStore? TryOpen(string dataDirectory, Guid hostId, long epoch, bool mayCreate = true, MediaRoom? room = null)
    {
        var folder = FolderOf(dataDirectory, hostId);
        if (!mayCreate && !IsThere(dataDirectory, hostId))
        {
            throw new MediaFailureException(
                MediaFailureException.Missing,
                $"The host was up before, and its folder {folder} has no media. They are not made again, as their bytes would be zeroes: mount the right volume, or restore it from a backup.");
        }

        ResultFiles.Prepare(folder);
        using var gate = new FileStream(Path.Combine(folder, "open.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        gate.Lock(0, 1);
        var isAdopted = !MediaManifest.Exists(folder) && File.Exists(Path.Combine(folder, FenceName));
        if (!isAdopted && !MediaManifest.Exists(folder))
        {
            // before the fence: a folder that has a fence and no manifest is of a former version
            MediaManifest.Create(folder);
        }

        if (MediaFence.TryRaise(Path.Combine(folder, FenceName), epoch) is not { } fence)
        {
            return null;
        }

        RemoveUnfinished(folder);
        Libc.SyncFolder(folder);
        return new HostStore(folder, hostId, fence, isAdopted, room);
    }

    /// <summary>The host's folder has a fence: it was opened before.</summary>
    public static bool IsThere(string dataDirectory, Guid hostId) => File.Exists(Path.Combine(FolderOf(dataDirectory, hostId), FenceName));

    /// <summary>True where a task's result waits for its acknowledgement.</summary>
    public bool IsPending(Guid taskId) => _pending.ContainsKey(taskId);

    /// <summary>
    /// The result of a task that was executed before, under whatever epoch and by whichever worker of the pool: its effect is on the media,
    /// so it counts without being done again.
    /// </summary>
    public TaskResult? FindFormer(Guid taskId) => _pending.GetValueOrDefault(taskId) ?? _results.Find(taskId);

    /// <summary>Keeps a result until it is acknowledged; on return it is on the disk.</summary>
    /// <exception cref="FencedException">The epoch is over.</exception>
    public void Keep(TaskResult result)
    {
        Fence.Demand();
        _results.Write(result);
        _pending[result.TaskId] = result;
    }

    /// <summary>The Api has committed a result of this epoch.</summary>
    public void Forget(Guid taskId)
    {
        if (_pending.TryRemove(taskId, out _))
        {
            try
            {
                _results.SetAside(taskId);
            }
            catch (IOException)
            {
                // the next holder reports it once more, which changes nothing
            }
        }
    }

    private static string FolderOf(string dataDirectory, Guid hostId) => Path.Combine(dataDirectory, "hosts", hostId.ToString("N"));

    /// <summary>What a crash left half written means nothing, and a worker that still writes it is fenced.</summary>
    private static void RemoveUnfinished(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*" + DurableFile.Unfinished, SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(folder, "*" + StagedImages.Unfinished)).ToList())
        {
            File.Delete(path);
        }
    }
}
