using System.Text.Json;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Worker.Media;

/// <summary>
/// The results of a host's tasks, one file each: <c>.result</c> until the Api has committed it, then <c>.applied</c> for a while, for the
/// case that the task comes once more.
/// </summary>
internal sealed class ResultFiles(string hostFolder)
{
    private const int KeptApplied = 64;
    private const string Pending = ".result";
    private const string Applied = ".applied";

    private readonly string _folder = FolderOf(hostFolder);
    private readonly Queue<string> _applied = new(Directory.EnumerateFiles(FolderOf(hostFolder), "*" + Applied).OrderBy(File.GetLastWriteTimeUtc));

    public static void Prepare(string hostFolder) => Directory.CreateDirectory(FolderOf(hostFolder));

    /// <summary>Results that were not acknowledged to the worker that made them; a damaged one is none, and its task is done again.</summary>
    public IEnumerable<TaskResult> ReadPending() => Directory.EnumerateFiles(_folder, "*" + Pending).Select(Read).OfType<TaskResult>();

    public TaskResult? Find(Guid taskId) => Read(PathOf(taskId, Pending)) ?? Read(PathOf(taskId, Applied));

    /// <summary>On return the result is on the disk.</summary>
    public void Write(TaskResult result) =>
        DurableFile.Replace(PathOf(result.TaskId, Pending), JsonSerializer.SerializeToUtf8Bytes(result, FleetJsonContext.Default.TaskResult));

    /// <summary>A crash may undo it; then the result is reported once more, which changes nothing.</summary>
    public void SetAside(Guid taskId)
    {
        var path = PathOf(taskId, Applied);
        File.Move(PathOf(taskId, Pending), path, overwrite: true);
        lock (_applied)
        {
            _applied.Enqueue(path);
            while (_applied.Count > KeptApplied)
            {
                File.Delete(_applied.Dequeue());
            }
        }
    }

    private static string FolderOf(string hostFolder) => Path.Combine(hostFolder, "results");

    private static TaskResult? Read(string path) =>
        DurableFile.Read(path) is { } bytes ? JsonSerializer.Deserialize(bytes, FleetJsonContext.Default.TaskResult) : null;

    private string PathOf(Guid taskId, string ending) => Path.Combine(_folder, $"{taskId:N}{ending}");
}
