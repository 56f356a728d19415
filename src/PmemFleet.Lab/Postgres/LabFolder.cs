using System.Globalization;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Lab.Postgres;

/// <summary>
/// Where a lab keeps everything: the server's data and the workers' media. Locked while the lab lives; a temporary one is removed
/// at the end, and one that a killed lab left behind is removed by the next.
/// </summary>
internal sealed class LabFolder : IDisposable
{
    private const string TemporaryPrefix = "pmemfleet-lab-";

    private readonly FileStream _lock;
    private readonly bool _temporary;

    private LabFolder(string path, FileStream @lock, bool temporary) => (Root, _lock, _temporary) = (path, @lock, temporary);

    public string Root { get; }

    public string PostgresData => Path.Combine(Root, "postgres");

    public string Media => Path.Combine(Root, "media");

    /// <summary>Opens a folder of the user's choice, or makes a temporary one.</summary>
    /// <exception cref="InvalidOperationException">Another lab that lives holds the folder.</exception>
    public static LabFolder Open(string? chosen)
    {
        if (chosen is not null)
        {
            var path = Path.GetFullPath(chosen);
            Directory.CreateDirectory(path);
            var held = TryLock(path) ?? throw new InvalidOperationException($"another lab is running in {path}");
            StopOrphan(path);
            return new LabFolder(path, held, temporary: false);
        }

        SweepTemporary();
        var fresh = Directory.CreateTempSubdirectory(TemporaryPrefix).FullName;
        // the server's account must be able to pass through
        File.SetUnixFileMode(fresh, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        return new LabFolder(fresh, TryLock(fresh)!, temporary: true);
    }

    public void Dispose()
    {
        if (_temporary && Directory.Exists(Root))
        {
            Remove(Root);
        }

        _lock.Dispose();
    }

    /// <summary>The lock goes last: a process that ends in the middle leaves a folder that the next lab knows for one of its kind.</summary>
    private static void Remove(string root)
    {
        foreach (var folder in Directory.EnumerateDirectories(root))
        {
            Directory.Delete(folder, recursive: true);
        }

        Directory.Delete(root, recursive: true);
    }

    private static FileStream? TryLock(string folder)
    {
        try
        {
            return new FileStream(Path.Combine(folder, "lab.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static void SweepTemporary()
    {
        foreach (var folder in Directory.EnumerateDirectories(Path.GetTempPath(), TemporaryPrefix + "*"))
        {
            try
            {
                if (File.Exists(Path.Combine(folder, "lab.lock")) && TryLock(folder) is { } dead)
                {
                    StopOrphan(folder);
                    Remove(folder);
                    dead.Dispose();
                }
            }
            catch (Exception foreign) when (foreign is UnauthorizedAccessException or IOException)
            {
                // another user's
            }
        }
    }

    /// <summary>A lab that was killed may leave its server behind where setpriv was missing.</summary>
    private static void StopOrphan(string folder)
    {
        var pidFile = Path.Combine(folder, "postgres", "postmaster.pid");
        if (!File.Exists(pidFile) || !int.TryParse(File.ReadLines(pidFile).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
        {
            return;
        }

        var commandLine = $"/proc/{pid}/cmdline";
        if (File.Exists(commandLine) && File.ReadAllText(commandLine).Contains(folder, StringComparison.Ordinal))
        {
            _ = Libc.Kill(pid, Libc.SigQuit);
            for (var wait = 0; wait < 100 && File.Exists(commandLine); wait++)
            {
                SpinWait.SpinUntil(() => !File.Exists(commandLine), TimeSpan.FromMilliseconds(50));
            }
        }
    }
}
