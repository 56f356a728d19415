using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Worker.Media;

/// <summary>
/// A host's folder in the media pool: its epoch, its DIMMs, and the results of tasks that the Api has not acknowledged yet. Workers of
/// a pool share it, so a task that one of them finished is not done again by the next.
/// </summary>
internal sealed class HostStore
{
    private readonly string _epochPath;
    private readonly string _results;
    private readonly ConcurrentDictionary<Guid, TaskResult> _pending = [];
    private readonly ConcurrentDictionary<Guid, TaskResult> _former = [];

    private HostStore(string folder, Guid hostId, long epoch)
    {
        (Folder, HostId, Epoch) = (folder, hostId, epoch);
        _epochPath = EpochPath(folder);
        _results = ResultsPath(folder);
        foreach (var result in Directory.EnumerateFiles(_results, "*.result").Select(Read).OfType<TaskResult>())
        {
            (result.Epoch == epoch ? _pending : _former)[result.TaskId] = result;
        }
    }

    public string Folder { get; }

    public Guid HostId { get; }

    public long Epoch { get; }

    /// <summary>True while no newer epoch has opened the store. Asked before anything is written or acknowledged.</summary>
    public bool IsCurrent => ReadEpoch(_epochPath) == Epoch;

    /// <summary>Results of this epoch that are not acknowledged yet.</summary>
    public IReadOnlyList<TaskResult> Results => [.. _pending.Values];

    /// <summary>Opens the store under an epoch; null where a newer one has it: this worker is fenced.</summary>
    public static HostStore? TryOpen(string dataDirectory, Guid hostId, long epoch)
    {
        var folder = Path.Combine(dataDirectory, "hosts", hostId.ToString("N"));
        Directory.CreateDirectory(ResultsPath(folder));
        using var gate = new FileStream(Path.Combine(folder, "open.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        gate.Lock(0, 1);
        var held = ReadEpoch(EpochPath(folder));
        if (held > epoch)
        {
            return null;
        }

        if (held < epoch)
        {
            DurableFile.Replace(EpochPath(folder), Encoding.ASCII.GetBytes(epoch.ToString(CultureInfo.InvariantCulture)));
        }

        return new HostStore(folder, hostId, epoch);
    }

    /// <summary>True where a task's result waits for its acknowledgement.</summary>
    public bool IsPending(Guid taskId) => _pending.ContainsKey(taskId);

    /// <summary>
    /// The result of a task that was executed under a former epoch and never acknowledged: its effect is on the media, so it counts
    /// for this epoch without being done again.
    /// </summary>
    public TaskResult? FindFormer(Guid taskId) => _former.GetValueOrDefault(taskId);

    /// <summary>Keeps a result until it is acknowledged; on return it is on the disk.</summary>
    public void Keep(TaskResult result)
    {
        DurableFile.Replace(ResultPath(result.TaskId), JsonSerializer.SerializeToUtf8Bytes(result, FleetJsonContext.Default.TaskResult));
        _former.TryRemove(result.TaskId, out _);
        _pending[result.TaskId] = result;
    }

    /// <summary>The Api has committed a result of this epoch.</summary>
    public void Forget(Guid taskId)
    {
        if (_pending.TryRemove(taskId, out _))
        {
            File.Delete(ResultPath(taskId));
        }
    }

    private static string EpochPath(string folder) => Path.Combine(folder, "epoch");

    private static string ResultsPath(string folder) => Path.Combine(folder, "results");

    private static long ReadEpoch(string path) =>
        DurableFile.Read(path) is { } bytes ? long.Parse(Encoding.ASCII.GetString(bytes), CultureInfo.InvariantCulture) : 0;

    private static TaskResult? Read(string path) =>
        DurableFile.Read(path) is { } bytes ? JsonSerializer.Deserialize(bytes, FleetJsonContext.Default.TaskResult) : null;

    private string ResultPath(Guid taskId) => Path.Combine(_results, $"{taskId:N}.result");
}
