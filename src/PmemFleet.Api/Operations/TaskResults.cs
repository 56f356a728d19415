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
/// Applies finished tasks: completions by kind, then one statement that deletes all tasks, ends operations and adds their events. The hosts are locked.
/// </summary>
public sealed class TaskResults(IEnumerable<ITaskCompletion> completions, TimeProvider time)
{
    /// <summary>Tasks are deleted by their keys and not by a join, for which an index is walked whole where no task was open when statistics were made.</summary>
    internal static string EndStatement(string columns) => $"""
        WITH ended AS (
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6) AS ended(task_id, operation_id, state, result, etag, refusal)
        ), done AS (
            DELETE FROM tasks WHERE id = ANY($1)
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
        SELECT {columns} FROM operation
        """;

    private readonly Dictionary<string, ITaskCompletion> _byKind = ByKind(completions);

    /// <param name="db">The transaction's context.</param>
    /// <param name="hosts">Locked and tracked.</param>
    /// <param name="results">Results that are to be applied; those of tasks that ended before change nothing.</param>
    /// <param name="cancellationToken">Stops it; the caller rolls back.</param>
    public async Task ApplyAsync(
        FleetDbContext db, IReadOnlyDictionary<Guid, HostRow> hosts, IReadOnlyList<TaskResult> results, CancellationToken cancellationToken)
    {
        var (open, find, end) = (new OpenTasks(), db.NewTrip(), db.NewTrip());
        open.Find(db, [.. results.Select(result => result.TaskId)], find);
        await find.RunAsync(cancellationToken);
        var operations = await CompleteAsync(db, hosts, results, open, new HashSet<Guid>(), end, cancellationToken);
        await end.RunAsync(cancellationToken);
        foreach (var operation in operations)
        {
            db.WakeAfterCommit(WakeUps.Operation(operation.Id));
        }
    }

    /// <summary>
    /// Does the same, and gives the operations as they are then: the caller wakes those who wait for them once it is committed, and may show them what they
    /// wait for (<see cref="EndedOperations"/>).
    /// </summary>
    /// <param name="db">The transaction's context.</param>
    /// <param name="hosts">Locked and tracked.</param>
    /// <param name="results">Results that are to be applied; those of tasks that ended before change nothing.</param>
    /// <param name="open">The tasks of these results that have not ended.</param>
    /// <param name="withoutErrors">Hosts that are known to have no media errors.</param>
    /// <param name="trip">Takes the statement that ends the tasks, and what was not saved before it. The caller runs it.</param>
    /// <param name="cancellationToken">Stops it; the caller rolls back.</param>
    /// <returns>The operations, once the trip is back.</returns>
    internal async Task<IReadOnlyList<OperationRow>> CompleteAsync(
        FleetDbContext db,
        IReadOnlyDictionary<Guid, HostRow> hosts,
        IReadOnlyList<TaskResult> results,
        OpenTasks open,
        IReadOnlySet<Guid> withoutErrors,
        RoundTrip trip,
        CancellationToken cancellationToken)
    {
        // what another host's worker says of a task is not its result
        var resultOf = results.DistinctBy(Key).ToDictionary(Key);
        var (tasks, operations) = (open.Tasks.FindAll(task => resultOf.ContainsKey(Key(task))), open.Operations);
        if (tasks.Count == 0)
        {
            return [];
        }

        var finished = Finish(tasks, operations, hosts, task => resultOf[Key(task)]);
        finished.ForEach(task => task.HostMayHaveErrors = !withoutErrors.Contains(task.Host.Id));
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
                await SaveTrackedAsync(db, cancellationToken);
                await completion.CompleteAsync(db, batch, cancellationToken);
            }
        }

        await SaveTrackedAsync(db, cancellationToken);
        db.Changes.SaveWith(trip);
        return End(db, finished, trip);
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

    /// <summary>What a completion made of rows that EF tracks; it need not save them itself. The others are saved with what ends.</summary>
    private static Task SaveTrackedAsync(FleetDbContext db, CancellationToken cancellationToken) =>
        db.ChangeTracker.HasChanges() ? db.SaveChangesAsync(cancellationToken) : Task.CompletedTask;

    private List<OperationRow> End(FleetDbContext db, List<FinishedTask> finished, RoundTrip trip)
    {
        // as precise as PostgreSQL keeps it
        var now = time.GetUtcNow();
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        var verdicts = finished.ConvertAll(task => task.Conclude());
        var (rows, operations) = (RowTables.Of(db).Reader<OperationRow>(), new List<OperationRow>());
        trip.Add(
            new NpgsqlBatchCommand(EndStatement(rows.Columns("operation")))
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid[]> { TypedValue = [.. finished.Select(task => task.Task.Id)] },
                    new NpgsqlParameter<Guid[]> { TypedValue = [.. finished.Select(task => task.Operation.Id)] },
                    Texts(verdicts.Select(verdict => verdict.State)),
                    Texts(ResourcesOf(verdicts)),
                    Texts(verdicts.Select(verdict => verdict.Etag)),
                    Texts(verdicts.Select(verdict => verdict.Refusal is null ? null : JsonSerializer.Serialize(verdict.Refusal, FleetJsonContext.Default.RefusalDto))),
                    new NpgsqlParameter<DateTimeOffset> { TypedValue = now },
                },
            },
            reader => operations.Add(rows.Read(reader)));
        trip.AtEnd(() => Report(finished, verdicts, now));
        db.WakeAfterCommit(WakeUps.EventsCommitted);
        return operations;
    }

    private static void Report(List<FinishedTask> finished, List<TaskVerdict> verdicts, DateTimeOffset now)
    {
        foreach (var (task, verdict) in finished.Zip(verdicts))
        {
            Report(task, verdict.State);
            if (verdict.State != OperationRow.Running)
            {
                Telemetry.OperationsEnded.Add(1, new("kind", task.Operation.Kind), new("state", verdict.State));
                Telemetry.OperationSeconds.Record((now - task.Operation.CreatedAt).TotalSeconds, new KeyValuePair<string, object?>("kind", task.Operation.Kind));
            }
        }
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
