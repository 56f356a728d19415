using System.Globalization;
using System.Text;

namespace PmemFleet.Worker.Media;

/// <summary>
/// The media files of a host and their lengths, in a file of its folder. A file that is named here is never made, shortened or lengthened again: where it is
/// missing or has another length, the host fails. Each media file of a host is named, whatever it holds the bytes of.
/// </summary>
internal static class MediaManifest
{
    private const string Name = "media";

    /// <summary>The host's folder has a manifest.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, Name));

    /// <summary>A manifest without files, for the folder of a new host.</summary>
    public static void Create(string folder) => Write(folder, []);

    /// <summary>Makes sure that a media file is there with its length; makes it where it was never there.</summary>
    /// <exception cref="MediaFailureException">It was there, and is missing or has another length now.</exception>
    public static void Prepare(string folder, string fileName, long length)
    {
        var path = Path.Combine(folder, fileName);
        var files = Read(folder);
        var isKnown = files.TryGetValue(fileName, out var written);
        if (!File.Exists(path))
        {
            if (isKnown)
            {
                throw Missing(path);
            }

            MakeEmpty(path, length);
        }

        Demand(path, isKnown ? written : length);
        if (!isKnown)
        {
            files[fileName] = length;
            Write(folder, files);
        }
    }

    /// <summary>Refuses a media file that is missing or has another length.</summary>
    /// <exception cref="MediaFailureException">It is.</exception>
    public static void Demand(string path, long length)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw Missing(path);
        }

        if (file.Length != length)
        {
            throw new MediaFailureException(
                MediaFailureException.WrongSize,
                $"The media file {path} has {file.Length} bytes and had {length}. Nothing of it is changed: restore it from a backup.");
        }
    }

    /// <summary>The file is gone for good.</summary>
    public static void Forget(string folder, string fileName)
    {
        var files = Read(folder);
        if (files.Remove(fileName))
        {
            Write(folder, files);
        }
    }

    /// <summary>A sparse file of zeroes; under its name it has its length from the start.</summary>
    public static void MakeEmpty(string path, long length)
    {
        var temporary = path + DurableFile.Unfinished;
        using (var file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.SetLength(file, length);
            RandomAccess.FlushToDisk(file);
        }

        File.Move(temporary, path, overwrite: true);
        Libc.SyncFolder(Path.GetDirectoryName(path)!);
    }

    private static MediaFailureException Missing(string path) => new(
        MediaFailureException.Missing,
        $"The media file {path} is missing. It is not made again, as its bytes would be zeroes: mount the right volume, or restore it from a backup.");

    private static SortedDictionary<string, long> Read(string folder)
    {
        var files = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var line in Encoding.UTF8.GetString(DurableFile.ReadWhole(Path.Combine(folder, Name)) ?? []).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            files[line[(space + 1)..]] = long.Parse(line.AsSpan(0, space), CultureInfo.InvariantCulture);
        }

        return files;
    }

    private static void Write(string folder, SortedDictionary<string, long> files) => DurableFile.Replace(
        Path.Combine(folder, Name),
        Encoding.UTF8.GetBytes(string.Concat(files.Select(file => string.Create(CultureInfo.InvariantCulture, $"{file.Value} {file.Key}\n")))));
}
