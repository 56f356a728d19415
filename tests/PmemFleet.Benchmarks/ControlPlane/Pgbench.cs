using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using PmemFleet.Lab.Postgres;

namespace PmemFleet.Benchmarks.ControlPlane;

/// <summary>PostgreSQL's own benchmark on the server under test, as it comes: transactions of five small statements ("TPC-B, sort of"), planned each time.</summary>
internal sealed partial class Pgbench
{
    private readonly string _program;
    private readonly NpgsqlConnectionStringBuilder _database;
    private readonly int _clients;

    private Pgbench(string program, NpgsqlConnectionStringBuilder database, int clients) => (_program, _database, _clients) = (program, database, clients);

    /// <summary>Makes its database, with a branch for each client; null where this installation has no pgbench.</summary>
    public static async Task<Pgbench?> PrepareAsync(string connectionString, int clients, CancellationToken token)
    {
        var binaries = await PostgresBinaries.FindOrObtainAsync(Environment.GetEnvironmentVariable("PMEMFLEET__POSTGRES__BIN"), _ => { }, token);
        string[] candidates = [Path.Combine(binaries.Folder, "pgbench"), "/usr/bin/pgbench"];
        if (candidates.FirstOrDefault(File.Exists) is not { } program)
        {
            return null;
        }

        await using (var source = NpgsqlDataSource.Create(connectionString))
        {
            await using var create = source.CreateCommand("CREATE DATABASE pgbench");
            await create.ExecuteNonQueryAsync(token);
        }

        var made = new Pgbench(program, new NpgsqlConnectionStringBuilder(connectionString) { Database = "pgbench" }, clients);
        await made.RunAsync(["-i", "-q", "-s", clients.ToString(CultureInfo.InvariantCulture)], token);
        return made;
    }

    /// <summary>Transactions a second.</summary>
    public async Task<double> RateAsync(TimeSpan duration, CancellationToken token)
    {
        var clients = _clients.ToString(CultureInfo.InvariantCulture);
        var output = await RunAsync(["-n", "-c", clients, "-j", "2", "-T", ((int)duration.TotalSeconds).ToString(CultureInfo.InvariantCulture)], token);
        return double.Parse(Rate().Match(output).Groups[1].ValueSpan, CultureInfo.InvariantCulture);
    }

    private async Task<string> RunAsync(string[] arguments, CancellationToken token)
    {
        var start = new ProcessStartInfo(_program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["PGHOST"] = _database.Host,
                ["PGPORT"] = _database.Port.ToString(CultureInfo.InvariantCulture),
                ["PGUSER"] = _database.Username,
                ["PGPASSWORD"] = _database.Password,
                ["PGDATABASE"] = _database.Database,
            },
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(token), process.StandardError.ReadToEndAsync(token));
        await process.WaitForExitAsync(token);
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException(await error);
    }

    [GeneratedRegex(@"tps = ([0-9.]+)")]
    private static partial Regex Rate();
}
