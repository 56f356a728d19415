using System.Collections.Concurrent;
using System.Diagnostics;

namespace PmemFleet.Lab.Processes;

/// <summary>
/// A process that dies with the lab. Its last lines of output are kept, for the message when it fails.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int LinesKept = 40;

    private readonly Process _process;
    private readonly int _stopSignal;
    private readonly ConcurrentQueue<string> _tail = new();

    private ChildProcess(Process process, int stopSignal) => (_process, _stopSignal) = (process, stopSignal);

    /// <summary>Its pid; kept, so that it can be asked for after the end too.</summary>
    public int Pid { get; private init; }

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>The last lines it wrote.</summary>
    public string Tail => string.Join(Environment.NewLine, _tail);

    /// <summary>Starts a command; it gets <paramref name="stopSignal"/> when the lab dies, however the lab dies.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <param name="account">The account it runs under; null for the lab's own.</param>
    /// <param name="environment">Variables set on top of the lab's own.</param>
    /// <param name="stopSignal">The signal that asks it to stop.</param>
    /// <param name="line">Called with each line of its output; null to drop them.</param>
    public static ChildProcess Start(
        IReadOnlyList<string> command, ServerAccount? account, IReadOnlyDictionary<string, string?>? environment, int stopSignal, Action<string>? line)
    {
        var full = ParentDeath.Wrap(command, account, stopSignal);
        var info = new ProcessStartInfo(full[0], full.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = "/",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            info.Environment[name] = value;
        }

        var process = new Process { StartInfo = info };
        ParentDeath.OnLastingThread(() => process.Start());
        var child = new ChildProcess(process, stopSignal) { Pid = process.Id };
        process.OutputDataReceived += (_, data) => child.Keep(data.Data, line);
        process.ErrorDataReceived += (_, data) => child.Keep(data.Data, line);
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return child;
    }

    public Task WaitForExitAsync(CancellationToken cancellation) => _process.WaitForExitAsync(cancellation);

    /// <summary>Asks it to stop, and ends it when it has not stopped in time.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        if (!_process.HasExited)
        {
            _ = Libc.Kill(_process.Id, _stopSignal);
            using var limit = new CancellationTokenSource(patience);
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.FromSeconds(15));
        _process.Dispose();
    }

    private void Keep(string? text, Action<string>? line)
    {
        if (text is null)
        {
            return;
        }

        _tail.Enqueue(text);
        while (_tail.Count > LinesKept)
        {
            _tail.TryDequeue(out _);
        }

        line?.Invoke(text);
    }
}
