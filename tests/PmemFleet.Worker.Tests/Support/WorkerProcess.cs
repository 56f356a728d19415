using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace PmemFleet.Worker.Tests.Support;

/// <summary>A worker in a process of its own, which can be killed and stopped.</summary>
internal sealed partial class WorkerProcess : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;

    private readonly ScriptedFleetApi _api;
    private readonly string _name;
    private readonly string _data;
    private readonly IReadOnlyDictionary<string, string>? _more;
    private readonly StringBuilder _log = new();
    private Process _process;

    private WorkerProcess(ScriptedFleetApi api, string name, string data, IReadOnlyDictionary<string, string>? more)
    {
        (_api, _name, _data, _more) = (api, name, data, more);
        Url = FreePort.Url();
        _process = Launch();
    }

    public Uri Url { get; }

    /// <summary>What it printed so far, for a failing test's message.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    public static WorkerProcess Start(ScriptedFleetApi api, string data, string name = "worker-1", IReadOnlyDictionary<string, string>? more = null) =>
        new(api, name, data, more);

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (_process.HasExited)
        {
            return;
        }

        Signal(SigKill);
        await _process.WaitForExitAsync().WaitAsync(Deadlines.Long);
    }

    /// <summary>kill -9, and a new process of the same name.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        _process.Dispose();
        _process = Launch();
    }

    /// <summary>SIGTERM; its exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        Signal(SigTerm);
        await _process.WaitForExitAsync().WaitAsync(Deadlines.Long);
        return _process.ExitCode;
    }

    public void Pause() => Signal(SigStop);

    public void Continue() => Signal(SigCont);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);

    private void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    private Process Launch()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "PmemFleet.Worker.dll")]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PMEMFLEET__", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in WorkerEnvironment.Of(_api, _name, Url, _data).Concat(_more ?? new Dictionary<string, string>()))
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Keep(string? line)
    {
        lock (_log)
        {
            _log.AppendLine(line);
        }
    }
}
