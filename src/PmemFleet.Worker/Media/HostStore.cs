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

    private HostStore(string folder, Guid hostId, long epoch)
    {
        (Folder, HostId, Epoch) = (folder, hostId, epoch);
        _epochPath = EpochPath(folder);
        _results = Path.Combine(folder, "results");
    }

    public string Folder { get; }

    public Guid HostId { get; }

    public long Epoch { get; }

    /// <summary>True while no newer epoch has opened the store. Asked before anything is written or acknowledged.</summary>
    public bool IsCurrent => ReadEpoch(_epochPath) == Epoch;

    /// <summary>Opens the store under an epoch; null where a newer one has it: this worker is fenced.</summary>
    public static HostStore? TryOpen(string dataDirectory, Guid hostId, long epoch)
    {
        var folder = Path.Combine(dataDirectory, "hosts", hostId.ToString("N"));
        Directory.CreateDirectory(Path.Combine(folder, "results"));
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

    /// <summary>Results not acknowledged yet, in the order of their tasks.</summary>
    public IReadOnlyList<TaskResult> Results() =>
        [.. Directory.EnumerateFiles(_results, "*.result").Order(StringComparer.Ordinal).Select(Read).OfType<TaskResult>()];

    /// <summary>The result of a task, if it was executed already; behind a new boot the same task has another sequence.</summary>
    public TaskResult? FindResult(WorkerTask task) =>
        Directory.EnumerateFiles(_results, $"*-{task.TaskId:N}.result").Select(Read).FirstOrDefault();

    /// <summary>Keeps a result until it is acknowledged; on return it is on the disk.</summary>
    public void Keep(WorkerTask task, TaskResult result) =>
        DurableFile.Replace(ResultPath(task), JsonSerializer.SerializeToUtf8Bytes(result, FleetJsonContext.Default.TaskResult));

    /// <summary>The Api has committed a result.</summary>
    public void Forget(Guid taskId)
    {
        foreach (var path in Directory.EnumerateFiles(_results, $"*-{taskId:N}.result"))
        {
            File.Delete(path);
        }
    }

    private static string EpochPath(string folder) => Path.Combine(folder, "epoch");

    private static long ReadEpoch(string path) =>
        DurableFile.Read(path) is { } bytes ? long.Parse(Encoding.ASCII.GetString(bytes), CultureInfo.InvariantCulture) : 0;

    private static TaskResult? Read(string path) =>
        DurableFile.Read(path) is { } bytes ? JsonSerializer.Deserialize(bytes, FleetJsonContext.Default.TaskResult) : null;

    private string ResultPath(WorkerTask task) =>
        Path.Combine(_results, string.Create(CultureInfo.InvariantCulture, $"{task.Sequence:D19}-{task.TaskId:N}.result"));
}
