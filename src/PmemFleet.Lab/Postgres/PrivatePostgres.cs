using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Lab.Postgres;

/// <summary>
/// A PostgreSQL of the lab's own: found or obtained, initialised, started on a free port of the loopback address under an
/// unprivileged account, and stopped with the lab. Durability is on, as it is what the product promises.
/// </summary>
internal sealed class PrivatePostgres : IAsyncDisposable
{
    private const string Superuser = "pmemfleet";
    private const int PortAttempts = 5;

    private readonly ChildProcess _server;
    private readonly string _password;
    private readonly int _port;

    private PrivatePostgres(ChildProcess server, int port, string password) => (_server, _port, _password) = (server, port, password);

    /// <summary>The postmaster's pid.</summary>
    public int Pid => _server.Pid;

    /// <summary>Starts a server on a data folder, which is initialised if it is new.</summary>
    /// <param name="data">The data folder.</param>
    /// <param name="configuredBin"><c>PMEMFLEET__POSTGRES__BIN</c>, if set.</param>
    /// <param name="report">Told of what takes time.</param>
    /// <param name="cancellation">Stops the start.</param>
    public static async Task<PrivatePostgres> StartAsync(string data, string? configuredBin, Action<string> report, CancellationToken cancellation)
    {
        var binaries = await PostgresBinaries.FindOrObtainAsync(configuredBin, report, cancellation);
        var account = ServerAccount.Choose();
        var password = await InitialiseAsync(binaries, account, data, cancellation);
        for (var attempt = 1; ; attempt++)
        {
            var port = FreePort();
            var server = Serve(binaries, account, data, port);
            if (await AnswersAsync(server, port, password, cancellation))
            {
                return new PrivatePostgres(server, port, password);
            }

            await server.DisposeAsync();
            if (attempt == PortAttempts)
            {
                throw new InvalidOperationException($"PostgreSQL did not start in {data}:{Environment.NewLine}{server.Tail}");
            }
        }
    }

    /// <summary>Reaches a database of this server.</summary>
    public string ConnectionString(string database) => ConnectionString(database, _port, _password);

    /// <summary>Makes a database, from a template if one is named.</summary>
    public async Task CreateDatabaseAsync(string name, string? template, CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync(cancellation);
        await using var exists = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", connection) { Parameters = { new() { Value = name } } };
        if (await exists.ExecuteScalarAsync(cancellation) is null)
        {
            var quoted = name.Replace("\"", "\"\"", StringComparison.Ordinal);
            var from = template is null ? string.Empty : $" TEMPLATE \"{template.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
#pragma warning disable CA2100 // names cannot be parameters; they are quoted
            await using var create = new NpgsqlCommand($"CREATE DATABASE \"{quoted}\"{from}", connection);
#pragma warning restore CA2100
            await create.ExecuteNonQueryAsync(cancellation);
        }
    }

    public ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        return _server.DisposeAsync();
    }

    private static string ConnectionString(string database, int port, string password) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = port,
        Username = Superuser,
        Password = password,
        Database = database,
        IncludeErrorDetail = true,
    }.ConnectionString;

    private static async Task<string> InitialiseAsync(PostgresBinaries binaries, ServerAccount? account, string data, CancellationToken cancellation)
    {
        var passwordFile = data + ".password";
        if (File.Exists(Path.Combine(data, "PG_VERSION")) && File.Exists(passwordFile))
        {
            return await File.ReadAllTextAsync(passwordFile, cancellation);
        }

        // a lab that was killed in the middle of its initdb left half a folder
        if (Directory.Exists(data))
        {
            Directory.Delete(data, recursive: true);
        }

        Directory.CreateDirectory(data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        await using (var file = new FileStream(passwordFile, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            await file.WriteAsync(System.Text.Encoding.ASCII.GetBytes(password), cancellation);
        }

        account?.Own(data);
        account?.Own(passwordFile);
        await using var initdb = ChildProcess.Start(
            [binaries.InitDb, "-D", data, "-U", Superuser, "--pwfile", passwordFile, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"],
            account, null, Libc.SigKill, null);
        await initdb.WaitForExitAsync(cancellation);
        return initdb.ExitCode == 0
            ? password
            : throw new InvalidOperationException($"initdb failed in {data} (exit code {initdb.ExitCode}; the account {account?.Name ?? "of this user"} must be able to reach it):{Environment.NewLine}{initdb.Tail}");
    }

    private static ChildProcess Serve(PostgresBinaries binaries, ServerAccount? account, string data, int port) => ChildProcess.Start(
        [
            binaries.Server, "-D", data, "-p", port.ToString(CultureInfo.InvariantCulture),
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200",
            "-c", "shared_buffers=128MB", "-c", "max_wal_size=1GB", "-c", "log_statement=none",
        ],
        account, null, Libc.SigInt, null);

    private static async Task<bool> AnswersAsync(ChildProcess server, int port, string password, CancellationToken cancellation)
    {
        while (!server.HasExited)
        {
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString("postgres", port, password) + ";Pooling=false;Timeout=5");
                await connection.OpenAsync(cancellation);
                return true;
            }
            catch (NpgsqlException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(40), cancellation);
            }
        }

        return false;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
