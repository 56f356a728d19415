using System.Text.Json;
using Npgsql;
using PmemFleet.Api.Access;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Sync;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>
/// A queue that filled since statistics were made, which saw none: no look may compare each task with each other one (6,000 took 1.9 s, 6,000 times over).
/// </summary>
public sealed class LookPlanTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const int Waiting = 2 * SyncLook.Few;

    [Fact]
    public async Task Looks_OfAQueueThatStatisticsDidNotSee_VisitEachTaskOnce()
    {
        var (worker, host) = await api.ReadyAsync("plan");
        await api.EnqueueAsync(host.Name);
        await using var connection = await api.ConnectAsync();
        await MultiplyAsync(connection, host.Id, 5000, isDone: true);
        await api.ExecuteAsync("UPDATE tasks SET done = true");
        await api.ExecuteAsync("ANALYZE tasks");
        await api.ExecuteAsync("ANALYZE operations");
        await MultiplyAsync(connection, host.Id, Waiting, isDone: false);

        await using var give = new NpgsqlCommand(SyncLook.Give, connection)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid[]> { TypedValue = [worker.WorkerId] },
                new NpgsqlParameter<Guid[]> { TypedValue = [worker.InstanceId] },
                new NpgsqlParameter<long?[]> { TypedValue = [null] },
                new NpgsqlParameter<long?[]> { TypedValue = [null] },
                new NpgsqlParameter<string> { TypedValue = "{}" },
                new NpgsqlParameter<int> { TypedValue = SyncLook.MostTasks },
                new NpgsqlParameter<int> { TypedValue = SyncLook.Few },
            },
        };
        Assert.InRange(await MostVisitsAsync(give), SyncLook.MostTasks, 2 * Waiting);

        using var wakeUp = new WakeUps().Subscribe("nobody");
        var look = IdleSyncs.LookOf([new IdleWatch(null!, wakeUp, new WorkerIdentity(worker.WorkerId, worker.InstanceId, "plan"), worker.Request(), 1, 0)]);
        await using var idle = new NpgsqlCommand(look.CommandText, connection);
        idle.Parameters.AddRange(look.Parameters.Select(parameter => parameter.Clone()).ToArray());
        Assert.InRange(await MostVisitsAsync(idle), IdleSyncs.Few, 2 * Waiting);
    }

    /// <summary>Plans are kept: those that were made while no task was open, and statistics knew of none, meet the queue that came later.</summary>
    [Fact]
    public async Task Results_WhosePlansWereMadeWithoutTasks_VisitTheirOwnTasksOnly()
    {
        var (_, host) = await api.ReadyAsync("empty");
        await api.EnqueueAsync(host.Name);
        await using var connection = await api.ConnectAsync();
        await api.ExecuteAsync("CREATE TABLE put_aside AS SELECT * FROM tasks");
        await api.ExecuteAsync("DELETE FROM tasks");
        await api.ExecuteAsync("VACUUM ANALYZE tasks");
        await ApiFixture.ExecuteAsync(connection, "SET enable_seqscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan");
        await ApiFixture.ExecuteAsync(connection, $"PREPARE found(uuid[]) AS {OpenTasks.Statement("t.*", "o.*")}");
        await ApiFixture.ExecuteAsync(connection, $"PREPARE ended(uuid[], uuid[], text[], text[], text[], text[], timestamptz) AS {TaskResults.EndStatement("*")}");
        const string Found = "EXECUTE found(ARRAY[gen_random_uuid()])";
        const string Ended = "EXECUTE ended(ARRAY[gen_random_uuid()], ARRAY[gen_random_uuid()], ARRAY['succeeded'], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], now())";
        await ApiFixture.ExecuteAsync(connection, $"EXPLAIN {Found}; EXPLAIN {Ended}");
        await api.ExecuteAsync("INSERT INTO tasks SELECT * FROM put_aside");
        await MultiplyAsync(connection, host.Id, Waiting, isDone: false);
        foreach (var statement in new[] { Found, Ended })
        {
            await using var command = new NpgsqlCommand(statement, connection);
            Assert.InRange(await MostVisitsAsync(command), 0, 2);
        }

        await api.ExecuteAsync("DROP TABLE put_aside");
    }

    /// <summary>The most rows that one node of the plan gave or threw away, all its loops together.</summary>
    private static async Task<double> MostVisitsAsync(NpgsqlCommand command)
    {
        await using var transaction = await command.Connection!.BeginTransactionAsync();
        command.CommandText = $"EXPLAIN (ANALYZE, FORMAT JSON) {command.CommandText}";
        await using var reader = await command.ExecuteReaderAsync();
        Assert.True(await reader.ReadAsync());
        using var plan = JsonDocument.Parse(reader.GetString(0));
        return Nodes(plan.RootElement[0].GetProperty("Plan")).Max(Visits);
    }

    private static double Visits(JsonElement node) => node.GetProperty("Actual Loops").GetDouble()
        * (node.GetProperty("Actual Rows").GetDouble() + Removed(node, "Rows Removed by Join Filter") + Removed(node, "Rows Removed by Filter"));

    private static double Removed(JsonElement node, string by) => node.TryGetProperty(by, out var removed) ? removed.GetDouble() : 0;

    private static IEnumerable<JsonElement> Nodes(JsonElement node) =>
        node.TryGetProperty("Plans", out var plans) ? [node, .. plans.EnumerateArray().SelectMany(Nodes)] : [node];

    private static async Task MultiplyAsync(NpgsqlConnection connection, Guid host, int times, bool isDone)
    {
        await using var command = new NpgsqlCommand(
            """
            WITH one AS (SELECT t, o FROM tasks t JOIN operations o ON o.id = t.operation_id WHERE t.host_id = $1 ORDER BY t.sequence DESC LIMIT 1),
            copies AS MATERIALIZED (SELECT gen_random_uuid() AS task, gen_random_uuid() AS operation, n FROM generate_series(1, $2) AS n),
            of_operations AS (INSERT INTO operations SELECT (jsonb_populate_record(one.o, jsonb_build_object('id', copies.operation))).* FROM one CROSS JOIN copies)
            INSERT INTO tasks SELECT (jsonb_populate_record(one.t, jsonb_build_object('id', copies.task, 'operation_id', copies.operation, 'sequence', (one.t).sequence + copies.n, 'done', $3::boolean))).*
            FROM one CROSS JOIN copies
            """,
            connection)
        {
            Parameters = { new() { Value = host }, new() { Value = times }, new() { Value = isDone } },
        };
        Assert.Equal(times, await command.ExecuteNonQueryAsync());
    }
}
