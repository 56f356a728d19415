using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using PmemFleet.Lab.Postgres;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Benchmarks.ControlPlane;

/// <summary>A PostgreSQL of the benchmark's own and one Api in a process of its own, with its CPU time and memory.</summary>
internal sealed class ControlPlaneUnderTest : IAsyncDisposable
{
    public const string Key = "pmf_bench_0123456789abcdef0123456789abcdef";
    public const string JoinToken = "join-token-of-the-benchmark";

    private readonly LabFolder _folder;
    private readonly PrivatePostgres _postgres;
    private readonly ChildProcess _api;

    private ControlPlaneUnderTest(LabFolder folder, PrivatePostgres postgres, ChildProcess api, Uri url) => (_folder, _postgres, _api, Url) = (folder, postgres, api, url);

    public Uri Url { get; }

    public string ConnectionString => _postgres.ConnectionString("bench");

    public static async Task<ControlPlaneUnderTest> StartAsync(Action<string> say, CancellationToken token)
    {
        var folder = LabFolder.Open(null);
        var postgres = await PrivatePostgres.StartAsync(folder.PostgresData, Environment.GetEnvironmentVariable("PMEMFLEET__POSTGRES__BIN"), say, token);
        await postgres.CreateDatabaseAsync("bench", null, token);
        var url = new Uri($"http://127.0.0.1:{FreePort()}");
        Dictionary<string, string?> variables = new()
        {
            ["PMEMFLEET__DATABASE__CONNECTIONSTRING"] = postgres.ConnectionString("bench"),
            ["PMEMFLEET__AUTH__BOOTSTRAPADMINKEY"] = Key,
            ["PMEMFLEET__WORKERS__JOINTOKEN"] = JoinToken,
            ["PMEMFLEET__API__URLS"] = url.ToString().TrimEnd('/'),
            ["PMEMFLEET__API__REQUESTSPERSECOND"] = "1000000",
            ["PMEMFLEET__API__REQUESTBURST"] = "1000000",
            ["Logging__LogLevel__Default"] = "Warning",
        };
        string[] program = ["dotnet", Path.Combine(AppContext.BaseDirectory, "PmemFleet.Api.dll")];
        await using (var migration = ChildProcess.Start([.. program, "--migrate"], null, variables, Libc.SigKill, null))
        {
            await migration.WaitForExitAsync(token);
        }

        var started = new ControlPlaneUnderTest(folder, postgres, ChildProcess.Start(program, null, variables, Libc.SigKill, null), url);
        using var http = started.NewClient(null);
        while (!await AnswersAsync(http, token))
        {
            if (started._api.HasExited)
            {
                throw new InvalidOperationException(started._api.Tail);
            }

            await Task.Delay(100, token);
        }

        return started;
    }

    /// <summary>A client with as many connections as it wants.</summary>
    public HttpClient NewClient(string? bearer = Key) => new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5) })
    {
        BaseAddress = Url,
        Timeout = TimeSpan.FromMinutes(10),
        DefaultRequestHeaders = { Authorization = bearer is null ? null : new AuthenticationHeaderValue("Bearer", bearer) },
    };

    /// <summary>CPU seconds of the Api so far.</summary>
    public double ApiSeconds => ProcFiles.CpuSeconds(_api.Pid);

    /// <summary>CPU seconds of the server and all its backends that live.</summary>
    public double PostgresSeconds => ProcFiles.CpuSeconds(_postgres.Pid) + ProcFiles.ChildrenOf(_postgres.Pid).Sum(ProcFiles.CpuSeconds);

    /// <summary>The most memory the Api ever had resident.</summary>
    public long ApiPeakBytes => ProcFiles.PeakBytes(_api.Pid);

    public async ValueTask DisposeAsync()
    {
        await _api.StopAsync(TimeSpan.FromSeconds(10));
        await _api.DisposeAsync();
        await _postgres.DisposeAsync();
        _folder.Dispose();
    }

    private static async Task<bool> AnswersAsync(HttpClient http, CancellationToken token)
    {
        try
        {
            using var answer = await http.GetAsync("/readyz", token);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}

/// <summary>What Linux tells of processes.</summary>
internal static class ProcFiles
{
    private const double TicksPerSecond = 100;

    public static double CpuSeconds(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    public static IEnumerable<int> ChildrenOf(int pid) =>
        File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(child => int.Parse(child, CultureInfo.InvariantCulture));

    public static long PeakBytes(int pid) =>
        long.Parse(File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
}
