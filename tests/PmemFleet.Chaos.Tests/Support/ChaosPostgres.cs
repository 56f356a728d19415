using System.Globalization;
using Npgsql;
using PmemFleet.Lab.Postgres;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Chaos.Tests.Support;

/// <summary>
/// A PostgreSQL of the tests' own, made as the lab makes its own; it is stopped at once (SIGQUIT, as <c>pg_ctl stop -m immediate</c>) and started
/// again on the same port and data, and its backends are killed.
/// </summary>
internal sealed class ChaosPostgres : IAsyncDisposable
{
    private readonly LabFolder _folder;
    private readonly PostgresBinaries _binaries;
    private readonly string _password;
    private ChildProcess _server;

    private ChaosPostgres(LabFolder folder, PostgresBinaries binaries, string password, int port) =>
        (_folder, _binaries, _password, Port, _server) = (folder, binaries, password, port, Serve(folder, binaries, port));

    public int Port { get; }

    /// <summary>The folder of its programs; the client tools may be beside them.</summary>
    public string BinFolder => _binaries.Folder;

    public static async Task<ChaosPostgres> StartAsync()
    {
        var folder = LabFolder.Open(null);
        var bin = Environment.GetEnvironmentVariable("PMEMFLEET__POSTGRES__BIN");
        await using (await PrivatePostgres.StartAsync(folder.PostgresData, bin, _ => { }, CancellationToken.None))
        {
            // it initialises the data folder; from here on the server is this class's
        }

        var binaries = await PostgresBinaries.FindOrObtainAsync(bin, _ => { }, CancellationToken.None);
        var server = new ChaosPostgres(folder, binaries, (await File.ReadAllTextAsync(folder.PostgresData + ".password")).Trim(), Ports.Free());
        await server.WaitAsync();
        return server;
    }

    /// <summary>Reaches a database, through another port where a proxy stands in between.</summary>
    public string ConnectionString(string database, int? port = null) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = port ?? Port,
        Username = "pmemfleet",
        Password = _password,
        Database = database,
        MaxPoolSize = 30,
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
        Timeout = 5,
        IncludeErrorDetail = true,
    }.ConnectionString;

    /// <summary>An immediate stop and a new start, which recovers from the log.</summary>
    public async Task CrashAsync()
    {
        _ = Libc.Kill(_server.Pid, Libc.SigQuit);
        await _server.WaitForExitAsync(CancellationToken.None);
        await _server.DisposeAsync();
        _server = Serve(_folder, _binaries, Port);
        await WaitAsync();
    }

    public async Task ExecuteAsync(string sql, string database = "postgres")
    {
        await using var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false");
        await connection.OpenAsync();
#pragma warning disable CA2100 // the tests' own text
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The server processes of a database's connections.</summary>
    public async Task<IReadOnlyList<int>> BackendsAsync(string database)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT pid FROM pg_stat_activity WHERE datname = $1 ORDER BY pid", connection) { Parameters = { new() { Value = database } } };
        await using var reader = await command.ExecuteReaderAsync();
        var pids = new List<int>();
        while (await reader.ReadAsync())
        {
            pids.Add(reader.GetInt32(0));
        }

        return pids;
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        _ = Libc.Kill(_server.Pid, Libc.SigQuit);
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    private static ChildProcess Serve(LabFolder folder, PostgresBinaries binaries, int port) => ChildProcess.Start(
        [
            binaries.Server, "-D", folder.PostgresData, "-p", port.ToString(CultureInfo.InvariantCulture),
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "shared_buffers=64MB",
        ],
        ServerAccount.Choose(), null, Libc.SigQuit, null);

    /// <summary>Also after a backend was killed, when the server starts itself anew.</summary>
    public async Task WaitAsync()
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await ExecuteAsync("SELECT 1");
                return;
            }
            catch (NpgsqlException) when (attempt < 600)
            {
                Assert.False(_server.HasExited, _server.Tail);
                await Task.Delay(50);
            }
        }
    }
}
