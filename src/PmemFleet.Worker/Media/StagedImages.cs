namespace PmemFleet.Worker.Media;

/// <summary>
/// Images of a DIMM that were uploaded whole and wait for their task. Nothing of the DIMM changes before the task takes one; a task that is
/// done again, by whichever worker of the pool, finds that its image was taken.
/// </summary>
/// <param name="folder">The host's folder.</param>
/// <param name="dimmId">The DIMM.</param>
/// <param name="fence">Asked before anything is renamed.</param>
internal sealed class StagedImages(string folder, Guid dimmId, MediaFence fence)
{
    /// <summary>An upload that did not end; means nothing to anyone, and the next open of the store removes it.</summary>
    public const string Unfinished = ".upload";

    private const string Ending = ".staged";

    /// <summary>One that no task came for within this time was given up by the Api.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    /// <summary>The image that was taken last.</summary>
    private readonly string _taken = Path.Combine(folder, $"{dimmId:N}.taken");

    /// <summary>Where an upload goes until it is whole.</summary>
    public string UploadPath(Guid image) => Path.Combine(folder, $"{dimmId:N}.{image:N}{Unfinished}");

    /// <summary>The upload is whole and on the disk.</summary>
    /// <exception cref="FencedException">A newer epoch has the store.</exception>
    public void Stage(Guid image)
    {
        fence.Demand();
        File.Move(UploadPath(image), PathOf(image), overwrite: true);
        Libc.SyncFolder(folder);
    }

    /// <summary>Nobody will come for it.</summary>
    public void Drop(Guid image) => File.Delete(PathOf(image));

    /// <summary>Puts the image in the place of the media; false where there is none and it was not the one taken last.</summary>
    public bool TryTake(DimmMedia dimm, Guid image)
    {
        // an attempt before this one may have failed behind the rename, where the file has its next name already
        dimm.CompleteImage();
        var path = PathOf(image);
        if (!File.Exists(path))
        {
            return DurableFile.Read(_taken) is { } last && last.AsSpan().SequenceEqual(image.ToByteArray());
        }

        // noted first: a crash after the rename then finds it noted, one before it finds the file still there
        fence.Demand();
        DurableFile.Replace(_taken, image.ToByteArray());
        dimm.ReplaceWith(path);
        RemoveForgotten();
        return true;
    }

    /// <summary>The DIMM is gone for good.</summary>
    public void Remove()
    {
        foreach (var path in All().ToList())
        {
            File.Delete(path);
        }

        File.Delete(_taken);
    }

    private string PathOf(Guid image) => Path.Combine(folder, $"{dimmId:N}.{image:N}{Ending}");

    private IEnumerable<string> All() => Directory.EnumerateFiles(folder, $"{dimmId:N}.*{Ending}");

    private void RemoveForgotten()
    {
        var newest = File.GetLastWriteTimeUtc(_taken);
        foreach (var path in All().Where(path => newest - File.GetLastWriteTimeUtc(path) > Kept).ToList())
        {
            DurableFile.TryDelete(path);
        }
    }
}
