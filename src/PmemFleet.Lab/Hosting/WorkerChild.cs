using System.Net;
using System.Net.Sockets;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Lab.Hosting;

/// <summary>The lab's worker: a process of its own, which is started again when it dies, however it dies.</summary>
internal sealed class WorkerChild : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _stopping = new();
    private readonly IReadOnlyDictionary<string, string?> _environment;
    private readonly Action<string>? _log;
    private readonly Task _supervision;
    private ChildProcess _process;

    private WorkerChild(IReadOnlyDictionary<string, string?> environment, Action<string>? log)
    {
        (_environment, _log) = (environment, log);
        _process = Launch();
        _supervision = SuperviseAsync();
    }

    /// <summary>The worker's pid now.</summary>
    public int Pid => Volatile.Read(ref _process).Pid;

    /// <summary>How often it was started again.</summary>
    public int Restarts { get; private set; }

    /// <summary>Starts the worker.</summary>
    public static WorkerChild Start(Uri api, string joinToken, string dataFolder, Action<string>? log, string workerName = "lab-worker")
    {
        var port = FreePort();
        var variables = Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(name => name.StartsWith("PMEMFLEET__", StringComparison.Ordinal))
            .ToDictionary(name => name, _ => (string?)null);
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["NAME"] = workerName,
            ["APIURL"] = api.ToString(),
            ["JOINTOKEN"] = joinToken,
            ["DATADIRECTORY"] = dataFolder,
            ["URLS"] = $"http://127.0.0.1:{port}",
        })
        {
            variables[$"PMEMFLEET__WORKER__{name}"] = value;
        }

        return new WorkerChild(variables, log);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _supervision;
        await _process.DisposeAsync();
        _stopping.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private ChildProcess Launch()
    {
        var assembly = Path.Combine(AppContext.BaseDirectory, "PmemFleet.Worker.dll");
        return ChildProcess.Start([Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet", assembly], null, _environment, Libc.SigTerm, _log);
    }

    private async Task SuperviseAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _process.WaitForExitAsync(_stopping.Token);
                _log?.Invoke($"the worker exited with {_process.ExitCode} and is started again");
                await Task.Delay(Pause, _stopping.Token);
                var dead = _process;
                Volatile.Write(ref _process, Launch());
                await dead.DisposeAsync();
                Restarts++;
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
