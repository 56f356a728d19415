using System.Collections.Concurrent;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Chaos.Tests.Support;

/// <summary>One of the product's programs in a process of its own, that is killed, stopped, continued and started again.</summary>
internal sealed class ServiceProcess(string name, string assembly, IReadOnlyDictionary<string, string> environment) : IAsyncDisposable
{
    private const int SigTerm = 15;
    private const int SigStop = 19;
    private const int SigCont = 18;

    private readonly ConcurrentQueue<string> _log = new();
    private readonly ConcurrentQueue<string> _endedByItself = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private ChildProcess? _process;
    private bool _toldToEnd;

    public string Name => name;

    public int LinesKept { get; init; } = 4000;

    public int Pid => _process?.Pid ?? 0;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>How it ended, each time that nobody had killed it or told it to end: a finding, whatever else went well.</summary>
    public IReadOnlyList<string> EndedByItself()
    {
        if (_process is { HasExited: true } process && !_toldToEnd)
        {
            _toldToEnd = true;
            _endedByItself.Enqueue($"{name} ended by itself ({process.ExitCode}): {process.Tail}");
        }

        return [.. _endedByItself];
    }

    /// <summary>Times it was started.</summary>
    public int Starts { get; private set; }

    /// <summary>What it printed, for a failing test's message.</summary>
    public IReadOnlyList<string> Log => [.. _log];

    public void Start()
    {
        var variables = Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(variable => variable.StartsWith("PMEMFLEET_", StringComparison.Ordinal))
            .ToDictionary(variable => variable, _ => (string?)null);
        foreach (var (key, value) in environment)
        {
            variables[key] = value;
        }

        _toldToEnd = false;
        _process = ChildProcess.Start(["dotnet", Path.Combine(ChaosRun.Programs, assembly)], null, variables, Libc.SigKill, Keep);
        Starts++;
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task RunAsync(string assembly, string argument, IReadOnlyDictionary<string, string> environment)
    {
        var variables = environment.ToDictionary(pair => pair.Key, pair => (string?)pair.Value);
        await using var process = ChildProcess.Start(["dotnet", Path.Combine(ChaosRun.Programs, assembly), argument], null, variables, Libc.SigKill, null);
        await process.WaitForExitAsync(CancellationToken.None);
        Assert.True(process.ExitCode == 0, process.Tail);
    }

    /// <summary>kill -9, from any thread and also when it is gone already.</summary>
    public void Kill() => Signal(Libc.SigKill);

    public async Task RestartAsync()
    {
        Kill();
        await EnsureRunningAsync();
    }

    /// <summary>Starts it again where it has ended; whoever comes first does.</summary>
    public async Task EnsureRunningAsync()
    {
        await _turn.WaitAsync();
        try
        {
            if (_process is { } process)
            {
                // killed a moment ago, perhaps: then it is about to end
                await Task.WhenAny(process.WaitForExitAsync(CancellationToken.None), Task.Delay(50));
            }

            if (!IsRunning)
            {
                EndedByItself();
                await EndAsync();
                Start();
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>SIGTERM, as an orchestrator ends a process.</summary>
    public void Terminate() => Signal(SigTerm);

    /// <summary>Its exit code, once it has ended.</summary>
    public async Task<int> ExitAsync()
    {
        await _process!.WaitForExitAsync(CancellationToken.None);
        return _process.ExitCode;
    }

    public void Pause() => Signal(SigStop);

    public void Continue() => Signal(SigCont);

    public async ValueTask DisposeAsync()
    {
        Kill();
        await EndAsync();
        _turn.Dispose();
    }

    private async Task EndAsync()
    {
        if (_process is { } process)
        {
            await process.WaitForExitAsync(CancellationToken.None);
            await process.DisposeAsync();
        }
    }

    private void Signal(int signal)
    {
        if (_process is { HasExited: false } process)
        {
            _toldToEnd |= signal is Libc.SigKill or SigTerm;
            _ = Libc.Kill(process.Pid, signal);
        }
    }

    private void Keep(string line)
    {
        _log.Enqueue(line);
        while (_log.Count > LinesKept)
        {
            _log.TryDequeue(out _);
        }
    }
}
