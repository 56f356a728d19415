using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace PmemFleet.Api.Tests.Support;

/// <summary>One real PostgreSQL for the test process: PMEMFLEET_TEST_PG, or a private one of the machine's own program.</summary>
public sealed class TestPostgres
{
    private static readonly Lazy<Task<TestPostgres>> Shared = new(StartAsync);
    private static readonly SemaphoreSlim OneAtATime = new(1, 1);
    private int _databases;

    private TestPostgres(string adminConnectionString) => AdminConnectionString = adminConnectionString;

    public string AdminConnectionString { get; }

    public static Task<TestPostgres> GetAsync() => Shared.Value;

    public string ConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder(AdminConnectionString) { Database = database, MaxPoolSize = 30 }.ConnectionString;

    /// <summary>A database of its own: a copy of the migrated template.</summary>
    public async Task<string> CreateDatabaseAsync(string? template)
    {
        await OneAtATime.WaitAsync();
        try
        {
            var name = $"t{Environment.ProcessId}_{Interlocked.Increment(ref _databases)}";
            await ExecuteAsync($"CREATE DATABASE {name}{(template is null ? string.Empty : $" TEMPLATE {template}")}");
            return name;
        }
        finally
        {
            OneAtATime.Release();
        }
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(AdminConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<TestPostgres> StartAsync()
    {
        if (Environment.GetEnvironmentVariable("PMEMFLEET_TEST_PG") is { Length: > 0 } given)
        {
            return new TestPostgres(given);
        }

        var bin = Directory.GetDirectories("/usr/lib/postgresql").Order().Last() + "/bin";
        var data = Directory.CreateTempSubdirectory("pmemfleet-api-tests-").FullName;
        var port = FreePort();
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            Run(bin, "pg_ctl", "-D", data, "-m", "immediate", "stop");
            Directory.Delete(data, recursive: true);
        };
        if (Environment.UserName == "root")
        {
            Start("chown", ["postgres", data]).WaitForExit();
        }

        Run(bin, "initdb", "-D", data, "-U", "pmemfleet", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C");
        Run(bin, "pg_ctl", "-D", data, "-w", "-l", $"{data}/log", "-o",
            $"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data} -c fsync=off -c max_connections=300", "start");
        var postgres = new TestPostgres($"Host=127.0.0.1;Port={port};Username=pmemfleet;Database=postgres");
        await postgres.ExecuteAsync("SELECT 1");
        return postgres;
    }

    private static void Run(string bin, string program, params string[] arguments)
    {
        string[] whole = Environment.UserName == "root"
            ? ["runuser", "-u", "postgres", "--", $"{bin}/{program}", .. arguments]
            : [$"{bin}/{program}", .. arguments];
        using var process = Start(whole[0], whole[1..]);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}");
        }
    }

    private static Process Start(string program, string[] arguments) =>
        Process.Start(new ProcessStartInfo("sh", ["-c", "exec \"$@\" >/dev/null 2>&1", "sh", program, .. arguments]))!;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
