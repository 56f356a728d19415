using System.Diagnostics;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Operations;

/// <summary>
/// Applies finished tasks: completions by kind, then one statement for all tasks, operations and their events. The hosts are locked.
/// </summary>
public sealed class TaskResults(IEnumerable<ITaskCompletion> completions, TimeProvider time)
{
    private const string End = """
        WITH ended AS (
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6) AS ended(task_id, operation_id, state, result, etag, refusal)
        ), done AS (
            UPDATE tasks SET done = true FROM ended WHERE tasks.id = ended.task_id
        ), operation AS (
            UPDATE operations o
            SET state = ended.state, result = ended.result::json, result_etag = ended.etag, refusal = ended.refusal::json, version = o.version + 1,
                progress = CASE WHEN ended.state = 'succeeded' THEN 1 ELSE o.progress END,
                ended_at = CASE WHEN ended.state = 'running' THEN NULL ELSE $7 END
            FROM ended WHERE o.id = ended.operation_id
            RETURNING o.*
        ), told AS (
            INSERT INTO events (type, host, subject, actor, data, at)
            SELECT 'operation.' || state, host_name, subject, actor,
                   jsonb_strip_nulls(jsonb_build_object('id', id, 'kind', kind, 'refusal', refusal::jsonb)), $7
            FROM operation WHERE state <> 'running' ORDER BY id
        )
        SELECT id, version, progress, state, result::text, result_etag, refusal::text, host_id, cancel_requested FROM operation
        """;

    private const string Find = """
        SELECT t.id, t.operation_id, t.host_id, t.sequence, t.kind, t.steps::text, t.trace_parent, t.delivered_epoch, t.created_at,
               o.kind, o.host_id, o.host_name, o.subject, o.state, o.progress, o.resource_location, o.success_status, o.cancel_requested, o.actor, o.created_at, o.version
        FROM tasks t JOIN operations o ON o.id = t.operation_id WHERE t.id = ANY($1) AND NOT t.done
        """;

    private readonly Dictionary<string, ITaskCompletion> _byKind = ByKind(completions);

    /// <param name="db">The transaction's context.</param>
    /// <param name="hosts">Locked and tracked.</param>
    /// <param name="results">Results that are to be applied; those of tasks that ended before change nothing.</param>
    /// <param name="cancellationToken">Stops it; the caller rolls back.</param>
    public async Task ApplyAsync(
        FleetDbContext db, IReadOnlyDictionary<Guid, HostRow> hosts, IReadOnlyList<TaskResult> results, CancellationToken cancellationToken)
    {
        foreach (var operation in await CompleteAsync(db, hosts, results, cancellationToken))
        {
            db.WakeAfterCommit(WakeUps.Operation(operation.Id));
        }
    }

    /// <summary>
    /// Does the same, and gives the operations as they are now: the caller wakes those who wait for them once it is committed, and may show them what they
    /// wait for (<see cref="EndedOperations"/>).
    /// </summary>
    internal async Task<IReadOnlyList<OperationRow>> CompleteAsync(
        FleetDbContext db, IReadOnlyDictionary<Guid, HostRow> hosts, IReadOnlyList<TaskResult> results, CancellationToken cancellationToken)
    {
        // what another host's worker says of a task is not its result
        var resultOf = results.DistinctBy(Key).ToDictionary(Key);
        var (tasks, operations) = await FindAsync(db, [.. results.Select(result => result.TaskId)], cancellationToken);
        tasks.RemoveAll(task => !resultOf.ContainsKey(Key(task)));
        if (tasks.Count == 0)
        {
            return [];
        }

        var finished = Finish(tasks, operations, hosts, task => resultOf[Key(task)]);
        Guid[] gone = [.. finished.Where(task => task.RemovesHost).Select(task => task.Host.Id)];
        if (gone.Length > 0)
        {
            // tasks of operations over many hosts: nobody will ever bring their results
            Guid[] known = [.. tasks.Select(task => task.Id)];
            var stranded = await SharedTasks(db, gone).Where(task => !known.Contains(task.Id)).ToListAsync(cancellationToken);
            Guid[] theirs = [.. stranded.Select(task => task.OperationId)];
            await foreach (var row in db.Operations.AsNoTracking().Where(row => theirs.Contains(row.Id)).AsAsyncEnumerable().WithCancellation(cancellationToken))
            {
                operations.TryAdd(row.Id, row);
            }

            finished.AddRange(Finish(stranded, operations, hosts, task => HostGone(task, hosts[task.HostId].Epoch)));
        }

        finished = [.. finished.OrderBy(task => task.Host.Id).ThenBy(task => task.Task.Kind == OperationKinds.DeleteHost).ThenBy(task => task.Task.Sequence)];
        // an operation over many hosts is completed with all that came of it at once: the last of its tasks has to know that it is the last
        var shared = finished.Where(task => task.Operation.HostId is null).GroupBy(task => task.Operation.Kind).Select(kind => kind.ToList());
        foreach (var batch in shared.Concat(Batches(finished.Where(task => task.Operation.HostId is not null))))
        {
            if (_byKind.TryGetValue(batch[0].Operation.Kind, out var completion))
            {
                await completion.CompleteAsync(db, batch, cancellationToken);
            }
        }

        return await EndAsync(db, finished, cancellationToken);
    }

    /// <summary>A host that no worker ever held goes at once: what operations over many hosts still wanted of it ends.</summary>
    public async Task LeaveAsync(FleetDbContext db, HostRow host, CancellationToken cancellationToken)
    {
        var tasks = await SharedTasks(db, [host.Id]).ToListAsync(cancellationToken);
        await ApplyAsync(db, new Dictionary<Guid, HostRow> { [host.Id] = host }, tasks.ConvertAll(task => HostGone(task, host.Epoch)), cancellationToken);
    }

    private static List<FinishedTask> Finish(
        List<TaskRow> tasks, Dictionary<Guid, OperationRow> operations, IReadOnlyDictionary<Guid, HostRow> hosts, Func<TaskRow, TaskResult> resultOf) =>
        tasks.ConvertAll(task => new FinishedTask(task, operations[task.OperationId], hosts[task.HostId], resultOf(task)));

    private static (Guid Task, Guid Host) Key(TaskResult result) => (result.TaskId, result.HostId);

    private static (Guid Task, Guid Host) Key(TaskRow task) => (task.Id, task.HostId);

    private static IQueryable<TaskRow> SharedTasks(FleetDbContext db, Guid[] hosts) => db.Tasks.AsNoTracking()
        .Where(task => hosts.Contains(task.HostId) && !task.Done && db.Operations.Any(operation => operation.Id == task.OperationId && operation.HostId == null));

    private static TaskResult HostGone(TaskRow task, long epoch) => new()
    {
        TaskId = task.Id,
        HostId = task.HostId,
        Epoch = epoch,
        Steps = [new StepRefused { Refusal = new Contracts.Problems.RefusalDto { Errno = "ENODEV", Code = "host-deleted", Message = "The host was deleted." } }],
    };

    /// <summary>
    /// Batches of one kind each, such that each host's tasks stay in order: round by round the next run of one kind of every host.
    /// </summary>
    internal static IEnumerable<List<FinishedTask>> Batches(IEnumerable<FinishedTask> inHostOrder)
    {
        var queues = inHostOrder.GroupBy(task => task.Host.Id).Select(group => new Queue<FinishedTask>(group)).ToList();
        while (queues.Count > 0)
        {
            var round = new Dictionary<string, List<FinishedTask>>();
            foreach (var queue in queues)
            {
                var kind = queue.Peek().Operation.Kind;
                if (!round.TryGetValue(kind, out var batch))
                {
                    round[kind] = batch = [];
                }

                while (queue.TryPeek(out var next) && next.Operation.Kind == kind)
                {
                    batch.Add(queue.Dequeue());
                }
            }

            queues.RemoveAll(queue => queue.Count == 0);
            foreach (var batch in round.Values)
            {
                yield return batch;
            }
        }
    }

    /// <summary>Tasks that have not ended, with their operations.</summary>
    private static async Task<(List<TaskRow> Tasks, Dictionary<Guid, OperationRow> Operations)> FindAsync(FleetDbContext db, Guid[] ids, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Find, (NpgsqlConnection)db.Database.GetDbConnection());
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = ids });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (tasks, operations) = (new List<TaskRow>(), new Dictionary<Guid, OperationRow>());
        while (await reader.ReadAsync(cancellationToken))
        {
            var task = new TaskRow
            {
                Id = reader.GetGuid(0),
                OperationId = reader.GetGuid(1),
                HostId = reader.GetGuid(2),
                Sequence = reader.GetInt64(3),
                Kind = reader.GetString(4),
                Steps = reader.GetString(5),
                TraceParent = reader.IsDBNull(6) ? null : reader.GetString(6),
                DeliveredEpoch = reader.IsDBNull(7) ? null : reader.GetInt64(7),
                CreatedAt = reader.GetFieldValue<DateTimeOffset>(8),
            };
            tasks.Add(task);
            operations.TryAdd(task.OperationId, new OperationRow
            {
                Id = task.OperationId,
                Kind = reader.GetString(9),
                HostId = reader.IsDBNull(10) ? null : reader.GetGuid(10),
                HostName = reader.IsDBNull(11) ? null : reader.GetString(11),
                Subject = reader.IsDBNull(12) ? null : reader.GetString(12),
                State = reader.GetString(13),
                Progress = reader.GetDouble(14),
                ResourceLocation = reader.IsDBNull(15) ? null : reader.GetString(15),
                SuccessStatus = reader.GetInt32(16),
                CancelRequested = reader.GetBoolean(17),
                Actor = reader.GetString(18),
                CreatedAt = reader.GetFieldValue<DateTimeOffset>(19),
                Version = reader.GetInt64(20),
            });
        }

        return (tasks, operations);
    }

    private async Task<IReadOnlyList<OperationRow>> EndAsync(FleetDbContext db, List<FinishedTask> finished, CancellationToken cancellationToken)
    {
        // as precise as PostgreSQL keeps it
        var now = time.GetUtcNow();
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        var verdicts = finished.ConvertAll(task => task.Conclude());
        await using var command = new NpgsqlCommand(End, (NpgsqlConnection)db.Database.GetDbConnection());
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. finished.Select(task => task.Task.Id)] });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. finished.Select(task => task.Operation.Id)] });
        command.Parameters.Add(Texts(verdicts.Select(verdict => verdict.State)));
        command.Parameters.Add(Texts(ResourcesOf(verdicts)));
        command.Parameters.Add(Texts(verdicts.Select(verdict => verdict.Etag)));
        command.Parameters.Add(Texts(verdicts.Select(verdict => verdict.Refusal is null ? null : JsonSerializer.Serialize(verdict.Refusal, FleetJsonContext.Default.RefusalDto))));
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        var former = finished.Select(task => task.Operation).DistinctBy(operation => operation.Id).ToDictionary(operation => operation.Id);
        var operations = new List<OperationRow>();
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                operations.Add(EndedRow(former[reader.GetGuid(0)], now, reader));
            }
        }

        db.WakeAfterCommit(WakeUps.EventsCommitted);
        foreach (var (task, verdict) in finished.Zip(verdicts))
        {
            Report(task, verdict.State);
            if (verdict.State != OperationRow.Running)
            {
                Telemetry.OperationsEnded.Add(1, new("kind", task.Operation.Kind), new("state", verdict.State));
                Telemetry.OperationSeconds.Record((now - task.Operation.CreatedAt).TotalSeconds, new KeyValuePair<string, object?>("kind", task.Operation.Kind));
            }
        }

        return operations;
    }

    private static OperationRow EndedRow(OperationRow former, DateTimeOffset now, NpgsqlDataReader reader)
    {
        var row = new OperationRow
        {
            Id = former.Id,
            Kind = former.Kind,
            HostId = reader.IsDBNull(7) ? null : reader.GetGuid(7),
            HostName = former.HostName,
            Subject = former.Subject,
            Version = reader.GetInt64(1),
            Progress = reader.GetDouble(2),
            State = reader.GetString(3),
            Result = reader.IsDBNull(4) ? null : reader.GetString(4),
            ResultEtag = reader.IsDBNull(5) ? null : reader.GetString(5),
            Refusal = reader.IsDBNull(6) ? null : reader.GetString(6),
            ResourceLocation = former.ResourceLocation,
            SuccessStatus = former.SuccessStatus,
            CancelRequested = reader.GetBoolean(8),
            Actor = former.Actor,
            CreatedAt = former.CreatedAt,
        };
        row.EndedAt = row.HasEnded ? now : null;
        return row;
    }

    /// <summary>As JSON; one that several tasks share is written once.</summary>
    private static IEnumerable<string?> ResourcesOf(List<TaskVerdict> verdicts)
    {
        var written = new Dictionary<object, string>(ReferenceEqualityComparer.Instance);
        foreach (var resource in verdicts.Select(verdict => verdict.Resource))
        {
            if (resource is null)
            {
                yield return null;
                continue;
            }

            if (!written.TryGetValue(resource, out var json))
            {
                written[resource] = json = JsonSerializer.Serialize(resource, resource.GetType(), FleetJson.Options);
            }

            yield return json;
        }
    }

    /// <summary>The last span of the request's trace; the sync that brought the result has a trace of its own and is linked.</summary>
    private static void Report(FinishedTask task, string state)
    {
        var outcome = task.IsDamaged ? "damaged" : task.IsCancelled ? "cancelled" : task.Given is [.., StepRefused] ? "refused" : "done";
        Telemetry.TasksEnded.Add(1, new("kind", task.Operation.Kind), new("outcome", outcome));
        if (ActivityContext.TryParse(task.Task.TraceParent, null, isRemote: true, out var request))
        {
            using var span = Telemetry.Spans.StartActivity(
                ActivityKind.Consumer, request, links: Activity.Current is { } sync ? [new ActivityLink(sync.Context)] : [], name: $"report {task.Operation.Kind}");
            span?.SetTag("pmemfleet.task", task.Task.Id).SetTag("pmemfleet.operation", task.Operation.Id).SetTag("pmemfleet.state", state);
        }
    }

    private static NpgsqlParameter Texts(IEnumerable<string?> values) =>
        new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    private static Dictionary<string, ITaskCompletion> ByKind(IEnumerable<ITaskCompletion> completions)
    {
        var byKind = new Dictionary<string, ITaskCompletion>();
        foreach (var completion in completions)
        {
            foreach (var kind in completion.Kinds)
            {
                byKind[kind] = completion;
            }
        }

        return byKind;
    }
}
