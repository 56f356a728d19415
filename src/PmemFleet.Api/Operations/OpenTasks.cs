using Npgsql;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Operations;

/// <summary>Tasks that have not ended, with their operations.</summary>
internal sealed class OpenTasks
{
    /// <summary>By their keys: where no task was open when statistics were made, one seems to be, and an index that is walked whole as good as a key (OFFSET leaves it no choice).</summary>
    internal static string Statement(string tasks, string operations) =>
        $"SELECT {tasks}, {operations} FROM (SELECT * FROM tasks WHERE id = ANY($1) OFFSET 0) t JOIN operations o ON o.id = t.operation_id WHERE NOT t.done";

    public List<TaskRow> Tasks { get; } = [];

    public Dictionary<Guid, OperationRow> Operations { get; } = [];

    /// <summary>Finds them; they are here when the trip is back. Lock their hosts before.</summary>
    public void Find(FleetDbContext db, Guid[] ids, RoundTrip trip)
    {
        var (tasks, operations) = (RowTables.Of(db).Reader<TaskRow>(), RowTables.Of(db).Reader<OperationRow>());
        trip.Add(
            new NpgsqlBatchCommand(Statement(tasks.Columns("t"), operations.Columns("o")))
            {
                Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = ids } },
            },
            reader =>
            {
                var task = tasks.Read(reader);
                Tasks.Add(task);
                if (!Operations.ContainsKey(task.OperationId))
                {
                    Operations.Add(task.OperationId, operations.Read(reader, tasks.Count));
                }
            });
    }
}
