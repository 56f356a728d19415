using Npgsql;
using PmemFleet.Lab.Postgres;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Lab.Tests.Postgres;

/// <summary>A server of the lab's own, on a machine as it is found.</summary>
public sealed class PrivatePostgresTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Start_Twice_GivesTwoServersThatDoNotSeeEachOther()
    {
        using var folders = new TwoFolders();
        var starts = await Task.WhenAll(StartAsync(folders.First), StartAsync(folders.Second));
        await using var first = starts[0];
        await using var second = starts[1];

        await first.CreateDatabaseAsync("only_here", null, None);

        Assert.NotEqual(first.Pid, second.Pid);
        Assert.Equal(1L, await ScalarAsync(first, "SELECT count(*) FROM pg_database WHERE datname = 'only_here'"));
        Assert.Equal(0L, await ScalarAsync(second, "SELECT count(*) FROM pg_database WHERE datname = 'only_here'"));
    }

    [Fact]
    public async Task Start_AfterTheServerWasKilled_FindsWhatWasCommitted()
    {
        using var folder = LabFolder.Open(null);
        var killed = await StartAsync(folder);
        await ScalarAsync(killed, "CREATE TABLE kept AS SELECT 42::bigint AS n");
        Assert.Equal(0, Libc.Kill(killed.Pid, Libc.SigKill));
        await killed.DisposeAsync();

        await using var again = await StartAsync(folder);

        Assert.Equal(42L, await ScalarAsync(again, "SELECT n FROM kept"));
    }

    [Fact]
    public async Task CreateDatabase_FromTemplate_CarriesItsTables()
    {
        using var folder = LabFolder.Open(null);
        await using var server = await StartAsync(folder);
        await server.CreateDatabaseAsync("model", null, None);
        await ScalarAsync(server, "CREATE TABLE t AS SELECT 7::bigint AS n", "model");
        NpgsqlConnection.ClearAllPools();

        await server.CreateDatabaseAsync("copy", "model", None);

        Assert.Equal(7L, await ScalarAsync(server, "SELECT n FROM t", "copy"));
    }

    [Fact]
    public async Task Obtain_ThroughNpm_GivesAServerThatRuns()
    {
        var binaries = await NpmPostgres.ObtainAsync(_ => { }, None);
        using var folder = LabFolder.Open(null);
        await using var server = await PrivatePostgres.StartAsync(folder.PostgresData, binaries.Folder, _ => { }, None);

        await ScalarAsync(server, "CREATE EXTENSION btree_gist");

        Assert.Equal(1L, await ScalarAsync(server, "SELECT count(*) FROM pg_extension WHERE extname = 'btree_gist'"));
    }

    [Fact]
    public async Task Start_BinThatIsNoPostgres_SaysSo()
    {
        using var folder = LabFolder.Open(null);

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => PrivatePostgres.StartAsync(folder.PostgresData, "/usr/share", _ => { }, None));

        Assert.Contains("PMEMFLEET__POSTGRES__BIN", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FolderOfALivingLab_IsRefused()
    {
        var path = Directory.CreateTempSubdirectory("pmemfleet-test-").FullName;
        using var held = LabFolder.Open(path);

        Assert.Throws<InvalidOperationException>(() => LabFolder.Open(path));

        held.Dispose();
        Directory.Delete(path, recursive: true);
    }

    [Fact]
    public void Dispose_TemporaryFolder_IsRemoved()
    {
        var folder = LabFolder.Open(null);
        File.WriteAllText(Path.Combine(folder.Root, "something"), "x");

        folder.Dispose();

        Assert.False(Directory.Exists(folder.Root));
    }

    [Fact]
    public void Open_AfterALabThatDied_RemovesWhatItLeft()
    {
        var left = Directory.CreateTempSubdirectory("pmemfleet-lab-").FullName;
        File.WriteAllText(Path.Combine(left, "lab.lock"), string.Empty);
        Directory.CreateDirectory(Path.Combine(left, "media", "hosts"));

        using var next = LabFolder.Open(null);

        Assert.False(Directory.Exists(left));
        Assert.True(Directory.Exists(next.Root));
    }

    private static Task<PrivatePostgres> StartAsync(LabFolder folder) => PrivatePostgres.StartAsync(folder.PostgresData, null, _ => { }, None);

    private static async Task<object?> ScalarAsync(PrivatePostgres server, string sql, string database = "postgres")
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString(database));
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // the test's own text
        command.CommandText = sql;
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync();
    }

    private sealed class TwoFolders : IDisposable
    {
        public LabFolder First { get; } = LabFolder.Open(null);

        public LabFolder Second { get; } = LabFolder.Open(null);

        public void Dispose()
        {
            First.Dispose();
            Second.Dispose();
        }
    }
}
