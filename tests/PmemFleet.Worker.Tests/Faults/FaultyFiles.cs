using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Text;

namespace PmemFleet.Worker.Tests.Faults;

/// <summary>Which operations fail; may be combined.</summary>
[Flags]
internal enum FileOperations
{
    Writes = 1,
    Flushes = 2,
    FolderFlushes = 4,
    Renames = 8,
    All = 15,
}

/// <summary>
/// Lets file operations of a worker's process fail, by number, at the C library: <c>faults.c</c> is built with the machine's compiler and loaded before it.
/// </summary>
internal sealed class FaultyFiles : IDisposable
{
    public const int NoSpace = 28;
    public const int InputOutput = 5;

    private readonly string _folder = Directory.CreateTempSubdirectory("pmemfleet-faults-").FullName;
    private readonly MemoryMappedFile _control;
    private readonly MemoryMappedViewAccessor _view;

    public FaultyFiles()
    {
        var control = Path.Combine(_folder, "control");
        File.WriteAllBytes(control, new byte[4096]);
        _control = MemoryMappedFile.CreateFromFile(control);
        _view = _control.CreateViewAccessor(0, 4096);
        Disarm();
        var library = Path.Combine(_folder, "faults.so");
        using var compiler = Process.Start("cc", ["-shared", "-fPIC", "-O1", "-o", library, Path.Combine(AppContext.BaseDirectory, "Faults", "faults.c"), "-ldl"]);
        compiler.WaitForExit();
        Assert.Equal(0, compiler.ExitCode);
        Environment = new Dictionary<string, string> { ["LD_PRELOAD"] = library, ["FAULTS"] = control };
    }

    /// <summary>For the worker's process.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>Operations since the last <see cref="Arm"/>.</summary>
    public long Count => _view.ReadInt64(16);

    /// <summary>Those that failed since then.</summary>
    public long Failed => _view.ReadInt64(24);

    /// <summary>The operations from one number to another fail, of files whose path has a part.</summary>
    public void Arm(int error, long first, long last, FileOperations kinds = FileOperations.All, string path = "")
    {
        _view.Write(0, -1L);
        var name = new byte[64];
        Encoding.UTF8.GetBytes(path, name);
        _view.WriteArray(48, name, 0, name.Length);
        _view.Write(8, last);
        _view.Write(16, 0L);
        _view.Write(24, 0L);
        _view.Write(32, (long)error);
        _view.Write(40, (long)kinds);
        _view.Write(0, first);
    }

    public void Disarm() => _view.Write(0, -1L);

    public void Dispose()
    {
        _view.Dispose();
        _control.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>A test that needs a C compiler.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CompilerFactAttribute : FactAttribute
{
    public CompilerFactAttribute()
    {
        if (!(System.Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':').Any(folder => File.Exists(Path.Combine(folder, "cc"))))
        {
            Skip = "There is no C compiler (cc): failing file operations cannot be made.";
        }
    }
}
