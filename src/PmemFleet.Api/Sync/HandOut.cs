using Npgsql;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Gives tasks out in the transaction that makes them, to workers whose requests wait here. It gives only what <see cref="SyncLook"/> would give: to a worker
/// whose lease holds and whose hosts are those it knows, and of a host in whose queue nothing older waits, for that has to come first. All of it is looked at under the hosts'
/// locks, in the round trip that takes them but by a statement behind it: the one that waits for a lock has an older picture of everything else. So the rows of what is given are new
/// rows already, and nothing is written twice.
/// </summary>
internal sealed class HandOut
{
    private const string Look = $"""
        WITH named AS MATERIALIZED (
            SELECT h.id, h.worker_id AS worker, h.worker_instance_id AS instance FROM hosts h WHERE h.name = ANY($1)
        ), known AS MATERIALIZED (
            SELECT w.worker, w.instance, have.hosts, have.mix FROM (SELECT DISTINCT worker, instance FROM named) AS w
            JOIN worker_leases l ON l.worker_id = w.worker AND l.instance_id = w.instance AND l.expires_at > now()
            CROSS JOIN LATERAL ({HostsDigest.OfProcess}) AS have
        )
        SELECT named.id, known.hosts, known.mix FROM named JOIN known ON known.worker = named.worker AND known.instance = named.instance
        WHERE (SELECT true FROM tasks t WHERE t.host_id = named.id AND NOT t.done LIMIT 1) IS NULL
        """;

    private readonly Dictionary<Guid, HostsDigest> _ready = [];
    private readonly List<WaitingSync> _taken = [];
    private readonly List<(TaskRow Task, HostRow Host)> _given = [];

    /// <summary>Adds the look, behind the statement that locks the hosts. A transaction that is repeated begins anew; requests that it took before stay taken.</summary>
    /// <param name="trip">Brings it.</param>
    /// <param name="names">The hosts' names.</param>
    public void AddTo(RoundTrip trip, string[] names)
    {
        _ready.Clear();
        _given.Clear();
        trip.Add(
            new NpgsqlBatchCommand(Look) { Parameters = { new NpgsqlParameter<string[]> { TypedValue = names } } },
            reader => _ready[reader.GetGuid(0)] = new HostsDigest(reader.GetInt64(1), reader.GetInt64(2)));
    }

    /// <summary>Takes the requests for which there is something new, and marks their tasks as given. Call it before the changes are saved, and answer whatever becomes of them.</summary>
    /// <param name="syncs">Who waits here.</param>
    /// <param name="changes">All that this transaction does.</param>
    /// <param name="locked">The hosts.</param>
    public void Give(WaitingSyncs syncs, RowChanges changes, IEnumerable<HostRow> locked)
    {
        var hosts = locked.Where(host => host.WorkerId is not null).ToDictionary(host => host.Id);
        var tasks = changes.Added<TaskRow>().Where(task => hosts.ContainsKey(task.HostId)).Select(task => (Task: task, Host: hosts[task.HostId])).ToList();
        _taken.AddRange(syncs.Take(tasks.Select(one => one.Host.WorkerId!.Value).Distinct()));
        if (_taken.Count == 0)
        {
            return;
        }

        // what the worker knows of its hosts is what they were before this transaction
        var unknown = hosts.Values.Where(host => changes.FormerOf(host) is var former && (former.Epoch, former.Generation, former.WorkerId, former.WorkerInstanceId)
            != (host.Epoch, host.Generation, host.WorkerId, host.WorkerInstanceId)).SelectMany(host => new[] { host.WorkerId, changes.FormerOf(host).WorkerId }).ToHashSet();
        var digests = _taken.Where(sync => !unknown.Contains(sync.Worker.WorkerId)).ToDictionary(sync => (sync.Worker.WorkerId, sync.Worker.InstanceId), sync => HostsDigest.Of(sync.Request));
        var operations = changes.Added<OperationRow>().ToDictionary(operation => operation.Id);
        foreach (var (task, host) in tasks)
        {
            if (host.WorkerInstanceId is { } instance && digests.TryGetValue((host.WorkerId!.Value, instance), out var shown)
                && _ready.TryGetValue(host.Id, out var digest) && digest == shown && operations.TryGetValue(task.OperationId, out var operation))
            {
                (task.DeliveredEpoch, operation.State) = (host.Epoch, OperationRow.Running);
                _given.Add((task, host));
            }
        }
    }

    /// <summary>Answers the requests that were taken.</summary>
    /// <param name="isCommitted">False: they look for themselves.</param>
    public void Answer(bool isCommitted) => _taken.ForEach(sync => sync.Answer(isCommitted ? AnswerTo(sync) : null));

    /// <summary>What a worker is answered once this is committed; null where it was given nothing.</summary>
    private SyncResponse? AnswerTo(WaitingSync sync)
    {
        var given = _given.Where(one => one.Host.WorkerId == sync.Worker.WorkerId && one.Host.WorkerInstanceId == sync.Worker.InstanceId).ToList();
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
