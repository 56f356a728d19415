using Npgsql;
using PmemFleet.Lab.Postgres;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Api.Tests.Support;

/// <summary>One real PostgreSQL for the test process, got as the lab gets it; PMEMFLEET_TEST_PG names another one.</summary>
public sealed class TestPostgres
{
    private static readonly Lazy<Task<TestPostgres>> Shared = new(StartAsync);
    private static readonly SemaphoreSlim OneAtATime = new(1, 1);
    private static int _databases;

    private TestPostgres(string adminConnectionString) => AdminConnectionString = adminConnectionString;

    public string AdminConnectionString { get; }

    public static Task<TestPostgres> GetAsync() => Shared.Value;

    /// <summary>Small pools: many Apis run at once against one server.</summary>
    public string ConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder(AdminConnectionString) { Database = database, MaxPoolSize = 12, IncludeErrorDetail = false }.ConnectionString;

    /// <summary>A database of its own: a copy of the template, or an empty one.</summary>
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

        var folder = LabFolder.Open(null);
        var server = await PrivatePostgres.StartAsync(folder.PostgresData, Environment.GetEnvironmentVariable("PMEMFLEET__POSTGRES__BIN"), _ => { }, CancellationToken.None);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            // nothing is worth keeping
            _ = Libc.Kill(server.Pid, Libc.SigQuit);
            folder.Dispose();
        };
        return new TestPostgres(server.ConnectionString("postgres"));
    }
}
