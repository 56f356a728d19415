using System.Collections.Concurrent;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Worker.Media;

/// <summary>
/// A host's folder in the media pool: its fence, its DIMMs, and the results of its tasks. Workers of a pool share it, so a task that one
/// of them finished is not done again by the next.
/// </summary>
internal sealed class HostStore
{
    private readonly ResultFiles _results;
    private readonly ConcurrentDictionary<Guid, TaskResult> _pending = [];

    private HostStore(string folder, Guid hostId, MediaFence fence)
    {
        (Folder, HostId, Fence) = (folder, hostId, fence);
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

    /// <summary>True while no newer epoch has opened the store. Asked before anything is written or acknowledged.</summary>
    public bool IsCurrent => Fence.Holds;

    /// <summary>Results of this epoch that are not acknowledged yet.</summary>
    public IReadOnlyList<TaskResult> Results => [.. _pending.Values];

    /// <summary>Results wait for their acknowledgement.</summary>
    public bool HasResults => !_pending.IsEmpty;

    /// <summary>Opens the store under an epoch; null where a newer one has it: this worker is fenced.</summary>
    /// <exception cref="IOException">The folder cannot be used, or another worker opens it just now.</exception>
    /// <exception cref="InvalidDataException">The fence is damaged.</exception>
    public static HostStore? TryOpen(string dataDirectory, Guid hostId, long epoch)
    {
        var folder = Path.Combine(dataDirectory, "hosts", hostId.ToString("N"));
        ResultFiles.Prepare(folder);
        using var gate = new FileStream(Path.Combine(folder, "open.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        gate.Lock(0, 1);
        if (MediaFence.TryRaise(Path.Combine(folder, "epoch"), epoch) is not { } fence)
        {
            return null;
        }

        RemoveUnfinished(folder);
        return new HostStore(folder, hostId, fence);
    }

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
            _results.SetAside(taskId);
        }
    }

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
