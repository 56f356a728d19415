using System.Text;
using Npgsql;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>All that a refused request may not change: every row of every table but leases and the events' numbers, and the DIMMs' media.</summary>
internal sealed class FleetDigest(ChaosFleet fleet) : IAsyncDisposable
{
    private static readonly string[] Moving = ["worker_leases", "event_counter", "__EFMigrationsHistory"];

    private readonly NpgsqlConnection _connection = new(fleet.ConnectionString + ";Pooling=false");
    private string? _query;

    /// <summary>Table by table, so that a difference has a name.</summary>
    public async Task<Dictionary<string, string>> TakeAsync()
    {
        var digest = Directory.EnumerateFiles(fleet.Media, "*.dimm", SearchOption.AllDirectories)
            .ToDictionary(path => Path.GetFileName(path), path => $"{File.GetLastWriteTimeUtc(path).Ticks} {new FileInfo(path).Length}");
        await using var command = new NpgsqlCommand(await QueryAsync(), _connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            digest[reader.GetString(0)] = reader.GetString(1);
        }

        return digest;
    }

    public static string Difference(Dictionary<string, string> before, Dictionary<string, string> after) =>
        string.Join(", ", before.Keys.Union(after.Keys).Where(key => before.GetValueOrDefault(key) != after.GetValueOrDefault(key)));

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task<string> QueryAsync()
    {
        if (_query is null)
        {
            await _connection.OpenAsync();
            await using var command = new NpgsqlCommand("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1", _connection);
            await using var reader = await command.ExecuteReaderAsync();
            var text = new StringBuilder();
            while (await reader.ReadAsync())
            {
                var table = reader.GetString(0);
                if (!Moving.Contains(table))
                {
                    text.Append(text.Length > 0 ? " UNION ALL " : string.Empty)
                        .Append($"SELECT '{table}', coalesce(md5(string_agg(x, '' ORDER BY x)), '') FROM (SELECT (to_jsonb(t) - 'seq')::text AS x FROM \"{table}\" t) AS rows");
                }
            }

            _query = text.ToString();
        }

        return _query;
    }
}
