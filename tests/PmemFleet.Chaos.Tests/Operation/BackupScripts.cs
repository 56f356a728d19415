using System.Diagnostics;
using Npgsql;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Operation;

/// <summary>
/// deploy/scripts/backup.sh and restore.sh. They need PostgreSQL's client programs; the server that npm brings comes without. There the database
/// is copied by the server itself, and the scripts' other steps are done as they do them.
/// </summary>
internal sealed class BackupScripts(ChaosServer server)
{
    private static string Scripts { get; } = Path.Combine(FindRoot(), "deploy", "scripts");

    private bool HasClients => File.Exists(Path.Combine(server.Postgres.BinFolder, "pg_dump"));

    public async Task<(int Code, string Text)> BackupAsync(string database, string media, string target, int patienceSeconds)
    {
        if (HasClients)
        {
            return await RunAsync("backup.sh", [media, target], database, patienceSeconds);
        }

        NpgsqlConnection.ClearAllPools();
        await server.Postgres.ExecuteAsync($"CREATE DATABASE {database}_backup TEMPLATE {database}");
        return await ExecuteAsync("tar", ["--create", "--sparse", $"--file={target}/media.tar", $"--directory={media}", "."], []);
    }

    public async Task<(int Code, string Text)> RestoreAsync(string source, string database, string media, string former)
    {
        if (HasClients)
        {
            await server.Postgres.ExecuteAsync($"CREATE DATABASE {database}");
            return await RunAsync("restore.sh", [source, media], database, 0);
        }

        await server.Postgres.ExecuteAsync($"CREATE DATABASE {database} TEMPLATE {former}_backup");
        await server.Postgres.ExecuteAsync("DELETE FROM worker_leases; UPDATE hosts SET epoch = epoch + 1000000", database);
        return await ExecuteAsync("tar", ["--extract", "--sparse", $"--file={source}/media.tar", $"--directory={media}"], []);
    }

    private Task<(int Code, string Text)> RunAsync(string script, string[] arguments, string database, int patienceSeconds)
    {
        var connection = new NpgsqlConnectionStringBuilder(server.Postgres.ConnectionString(database));
        return ExecuteAsync("bash", [Path.Combine(Scripts, script), .. arguments], new()
        {
            ["PGHOST"] = connection.Host!,
            ["PGPORT"] = connection.Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["PGUSER"] = connection.Username!,
            ["PGPASSWORD"] = connection.Password ?? string.Empty,
            ["PGDATABASE"] = database,
            ["PATH"] = $"{server.Postgres.BinFolder}:{Environment.GetEnvironmentVariable("PATH")}",
            ["PMEMFLEET_BACKUP_PATIENCE"] = patienceSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture),
        });
    }

    private static async Task<(int Code, string Text)> ExecuteAsync(string program, IEnumerable<string> arguments, Dictionary<string, string> variables)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "PmemFleet.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("the tests do not run inside the repository");
        }

        return folder.FullName;
    }
}
