using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.Media;

/// <summary>
/// Images that were uploaded and are complete, each beside the media it is to replace. The task that replaces it is committed with the labels of the
/// image, so that a DIMM never has the labels of one image and the data of another.
/// </summary>
internal static class StagedImages
{
    private const string Ending = ".staged";

    /// <summary>Nobody wants an image any more whose task did not come for so long.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(7);

    public static string PathOf(string folder, Guid dimmId, Guid stage) => Path.Combine(folder, $"{dimmId:N}.{stage:N}{Ending}");

    /// <summary>Puts a staged image in the place of the media; one that is gone was put there before.</summary>
    public static StepResult Take(LiveHost host, TakeImageStep step)
    {
        var path = PathOf(host.Store.Folder, step.DimmId, step.Stage);
        if (File.Exists(path) && host.Memory.FindDimm(step.DimmId) is { } dimm)
        {
            dimm.ReplaceWith(path);
            host.Memory.NoteChanged(dimm);
        }

        return new StepDone();
    }

    /// <summary>Removes what was staged long ago.</summary>
    public static void RemoveForgotten(string folder, DateTime utcNow)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*" + Ending).Where(path => File.GetLastWriteTimeUtc(path) < utcNow - Forgotten).ToList())
        {
            File.Delete(path);
        }
    }
}
