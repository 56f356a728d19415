using Npgsql;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Operations;

/// <summary>Tasks that have not ended, with their operations.</summary>
internal sealed class OpenTasks
{
    public List<TaskRow> Tasks { get; } = [];

    public Dictionary<Guid, OperationRow> Operations { get; } = [];

    /// <summary>Finds them; they are here when the trip is back. Lock their hosts before.</summary>
    public void Find(FleetDbContext db, Guid[] ids, RoundTrip trip)
    {
        var (tasks, operations) = (RowTables.Of(db).Reader<TaskRow>(), RowTables.Of(db).Reader<OperationRow>());
        trip.Add(
            new NpgsqlBatchCommand($"SELECT {tasks.Columns("t")}, {operations.Columns("o")} FROM tasks t JOIN operations o ON o.id = t.operation_id WHERE t.id = ANY($1) AND NOT t.done")
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
