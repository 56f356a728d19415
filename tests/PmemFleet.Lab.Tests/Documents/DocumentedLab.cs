using System.Diagnostics;
using System.Text.RegularExpressions;
using PmemFleet.Lab.Processes;
using PmemFleet.Lab.Tests.Repository;

namespace PmemFleet.Lab.Tests.Documents;

/// <summary>The lab as the README starts it, once for all documents, and the shells in which their commands run.</summary>
public sealed partial class DocumentedLab : IAsyncLifetime
{
    public const string Start = "dotnet run --project src/PmemFleet.Lab";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("pmemfleet-docs-");
    private readonly Dictionary<string, string> _exports = [];
    private Process _lab = null!;

    /// <summary>An empty folder that is outside the repository.</summary>
    public string Scratch => _scratch.FullName;

    public async Task InitializeAsync()
    {
        // a server under another account has to pass through
        File.SetUnixFileMode(Scratch, File.GetUnixFileMode(Scratch) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        _lab = Begin(Start, Checkout.Root);
        using var patience = new CancellationTokenSource(Patience);
        var errors = _lab.StandardError.ReadToEndAsync(patience.Token);
        try
        {
            while (_exports.Count < 2)
            {
                var line = await _lab.StandardOutput.ReadLineAsync(patience.Token);
                Assert.True(line is not null, $"the lab ended: {(_lab.HasExited ? await errors : string.Empty)}");
                if (Export().Match(line) is { Success: true } export)
                {
                    _exports[export.Groups[1].Value] = export.Groups[2].Value;
                }
            }
        }
        catch
        {
            // a fixture that fails to begin is not disposed of
            _lab.Kill(entireProcessTree: true);
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        // as Ctrl+C does: the whole foreground group of the terminal gets the signal, dotnet run and the lab
        foreach (var child in Children(_lab.Id).Prepend(_lab.Id))
        {
            _ = Libc.Kill(child, Libc.SigInt);
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await _lab.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _lab.Kill(entireProcessTree: true);
        }

        _lab.Dispose();
        _scratch.Delete(recursive: true);
    }

    /// <summary>Runs a script in a shell that has the lab's two exports, as a user pastes it.</summary>
    public async Task<(int ExitCode, string Output)> RunAsync(string script, string folder)
    {
        using var shell = Begin("exec 2>&1\n" + script, folder);
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var output = await shell.StandardOutput.ReadToEndAsync(patience.Token);
            await shell.WaitForExitAsync(patience.Token);
            return (shell.ExitCode, output);
        }
        catch (OperationCanceledException)
        {
            shell.Kill(entireProcessTree: true);
            throw new TimeoutException($"no end within {Patience}: {script}");
        }
    }

    private Process Begin(string script, string folder)
    {
        var info = new ProcessStartInfo("bash", ["-c", script])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.Environment["PWD"] = folder;
        info.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        foreach (var name in info.Environment.Keys.Where(name => name.StartsWith("MSBuild", StringComparison.Ordinal) || name.StartsWith("PMEMFLEET_", StringComparison.Ordinal)).ToList())
        {
            info.Environment.Remove(name);
        }

        foreach (var (name, value) in _exports)
        {
            info.Environment[name] = value;
        }

        var process = Process.Start(info)!;
        process.StandardInput.Close();
        return process;
    }

    private static IEnumerable<int> Children(int pid)
    {
        var path = $"/proc/{pid}/task/{pid}/children";
        foreach (var child in File.Exists(path) ? File.ReadAllText(path).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse) : [])
        {
            yield return child;
            foreach (var below in Children(child))
            {
                yield return below;
            }
        }
    }

    [GeneratedRegex("^export (PMEMFLEET_[A-Z]+)=(.+)$")]
    private static partial Regex Export();
}
