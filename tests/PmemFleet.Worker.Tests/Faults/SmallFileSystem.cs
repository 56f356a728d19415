using System.Diagnostics;

namespace PmemFleet.Worker.Tests.Faults;

/// <summary>A small tmpfs of a test's own.</summary>
internal sealed class SmallFileSystem : IDisposable
{
    public SmallFileSystem(string size)
    {
        Path = Directory.CreateTempSubdirectory("pmemfleet-small-").FullName;
        Assert.True(Run("mount", "-t", "tmpfs", "-o", $"size={size}", "pmemfleet-test", Path));
    }

    public string Path { get; }

    private string Filler => System.IO.Path.Combine(Path, "filler");

    /// <summary>Another user of the file system leaves so many bytes free.</summary>
    public void FillUpTo(long left)
    {
        using var file = File.OpenHandle(Filler, FileMode.OpenOrCreate, FileAccess.Write);
        var free = new DriveInfo(Path).AvailableFreeSpace;
        var piece = new byte[4096];
        try
        {
            for (var at = RandomAccess.GetLength(file); free > left; free -= piece.Length, at += piece.Length)
            {
                RandomAccess.Write(file, piece, at);
            }
        }
        catch (IOException)
        {
            // the others were faster
        }
    }

    /// <summary>The other user is gone.</summary>
    public void Empty() => File.Delete(Filler);

    public void Dispose()
    {
        Run("umount", "-l", Path);
        Directory.Delete(Path);
    }

    public static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>A test that mounts a file system.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MountFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> CanMount = new(() =>
    {
        var folder = Directory.CreateTempSubdirectory("pmemfleet-mount-").FullName;
        var isMounted = SmallFileSystem.Run("mount", "-t", "tmpfs", "-o", "size=1m", "pmemfleet-test", folder);
        _ = isMounted && SmallFileSystem.Run("umount", folder);
        Directory.Delete(folder);
        return isMounted;
    });

    public MountFactAttribute()
    {
        if (!CanMount.Value)
        {
            Skip = "This process may not mount a tmpfs: a full disk cannot be made.";
        }
    }
}
