using Npgsql;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Gives tasks out in the transaction that makes them, to workers whose requests wait here. It is what <see cref="SyncLook"/> does, of these tasks only: to a worker
/// whose lease holds and whose hosts are those it knows, and of a host in whose queue nothing older waits, for that has to come first. It is all looked at here, under the hosts'
/// locks: a statement that waits for a lock has an older picture of everything else.
/// </summary>
/// <param name="to">Requests that were taken (<see cref="WaitingSyncs"/>).</param>
/// <param name="tasks">New tasks, all that this transaction makes, with their hosts, which are locked.</param>
internal sealed class HandOut(IReadOnlyList<WaitingSync> to, IReadOnlyList<(TaskRow Task, HostRow Host)> tasks)
{
    private const string Give = $"""
        WITH served AS MATERIALIZED ({ServedWorkers.Sql}), given AS (
            UPDATE tasks t SET delivered_epoch = n.epoch FROM unnest($5, $6, $7, $8, $9, $10) AS n(id, host_id, epoch, worker, instance, first)
            JOIN served ON served.worker = n.worker AND served.instance = n.instance
            WHERE t.id = n.id AND (SELECT count(*) FROM tasks o WHERE o.host_id = n.host_id AND NOT o.done AND o.sequence < n.first) = 0
            RETURNING t.id, t.operation_id
        ), running AS (
            UPDATE operations o SET state = 'running', version = o.version + 1 FROM given WHERE o.id = given.operation_id AND o.state = 'pending'
        )
        SELECT id FROM given
        """;

    private readonly HashSet<Guid> _given = [];

    /// <summary>Adds the statement, behind those that save the tasks.</summary>
    public void AddTo(RoundTrip trip)
    {
        var first = tasks.GroupBy(one => one.Host.Id).ToDictionary(host => host.Key, host => host.Min(one => one.Task.Sequence));
        var command = ServedWorkers.Command(Give, [.. to.Select(sync => (sync.Worker, sync.Request))]);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. tasks.Select(one => one.Task.Id)] });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. tasks.Select(one => one.Host.Id)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. tasks.Select(one => one.Host.Epoch)] });
        command.Parameters.Add(new NpgsqlParameter<Guid?[]> { TypedValue = [.. tasks.Select(one => one.Host.WorkerId)] });
        command.Parameters.Add(new NpgsqlParameter<Guid?[]> { TypedValue = [.. tasks.Select(one => one.Host.WorkerInstanceId)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. tasks.Select(one => first[one.Host.Id])] });
        trip.Add(command, reader => _given.Add(reader.GetGuid(0)));
    }

    /// <summary>What a worker is answered once this is committed; null where it was given nothing.</summary>
    public SyncResponse? AnswerTo(WaitingSync sync)
    {
        var given = tasks.Where(one => _given.Contains(one.Task.Id) && one.Host.WorkerId == sync.Worker.WorkerId && one.Host.WorkerInstanceId == sync.Worker.InstanceId).ToList();
        foreach (var kind in given.GroupBy(one => one.Task.Kind))
        {
            Telemetry.TasksGiven.Add(kind.Count(), new KeyValuePair<string, object?>("kind", kind.Key));
        }

        return given.Count == 0 ? null : new SyncResponse
        {
            LeaseSeconds = sync.LeaseSeconds,
            AcknowledgedResults = [],
            AcknowledgedObservations = [],
            Hosts =
            [
                .. given.GroupBy(one => one.Host).Select(ofHost => new HostAssignment
                {
                    HostId = ofHost.Key.Id,
                    Epoch = ofHost.Key.Epoch,
                    Generation = ofHost.Key.Generation,
                    Tasks = [.. ofHost.Select(one => TaskOf(one.Task)).OrderBy(task => task.Sequence)],
                }),
            ],
            Partial = true,
            HostsDigest = sync.Request.HostsDigest,
            CancelledTasks = [],
        };
    }

    private static WorkerTask TaskOf(TaskRow task) => new()
    {
        TaskId = task.Id,
        Sequence = task.Sequence,
        Kind = task.Kind,
        Steps = task.ReadSteps(),
        TraceParent = task.TraceParent,
    };
}
