using System.Diagnostics;
using Npgsql;

namespace PmemFleet.Benchmarks.ControlPlane;

/// <summary>What heartbeats would cost as plain statements.</summary>
internal static class LeaseYardstick
{
    /// <summary>PostgreSQL's share of a core while that many leases are renewed in ten seconds, one by one.</summary>
    public static async Task<double> MeasureAsync(ControlPlaneUnderTest fleet, int count, CancellationToken token)
    {
        await using var source = NpgsqlDataSource.Create(fleet.ConnectionString);
        var workers = new List<Guid>();
        await using (var all = source.CreateCommand("SELECT worker_id FROM worker_leases"))
        await using (var reader = await all.ExecuteReaderAsync(token))
        {
            while (await reader.ReadAsync(token))
            {
                workers.Add(reader.GetGuid(0));
            }
        }

        var (before, start) = (fleet.PostgresSeconds, Stopwatch.GetTimestamp());
        for (var number = 0; number < count; number++)
        {
            await using var renew = source.CreateCommand("UPDATE worker_leases SET expires_at = now() + interval '30 s' WHERE worker_id = $1");
            renew.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = workers[number % workers.Count] });
            await renew.ExecuteNonQueryAsync(token);
            var early = TimeSpan.FromSeconds(10.0 * (number + 1) / count) - Stopwatch.GetElapsedTime(start);
            if (early > TimeSpan.FromMilliseconds(20))
            {
                await Task.Delay(early, token);
            }
        }

        return (fleet.PostgresSeconds - before) / Stopwatch.GetElapsedTime(start).TotalSeconds * 100;
    }
}
