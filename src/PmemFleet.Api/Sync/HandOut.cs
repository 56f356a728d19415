using Npgsql;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Gives tasks out in the transaction that makes them, to workers that sync at this replica (<see cref="Inboxes"/>). It gives only what <see cref="SyncLook"/> would give: to a worker
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
    private readonly List<(Inbox Inbox, GivenTask Given)> _given = [];

    /// <summary>Adds the look, behind the statement that locks the hosts. A transaction that is repeated begins anew.</summary>
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

    /// <summary>Marks the new tasks as given for which there is an inbox. Call it before the changes are saved.</summary>
    /// <param name="inboxes">Those of this replica.</param>
    /// <param name="changes">All that this transaction does.</param>
    /// <param name="locked">The hosts.</param>
    public void Give(Inboxes inboxes, RowChanges changes, IReadOnlyList<HostRow> locked)
    {
        var hosts = locked.ToDictionary(host => host.Id);
        var operations = changes.Added<OperationRow>().ToDictionary(operation => operation.Id);

        // what a worker knows of its hosts is what they were before this transaction
        var astray = locked.Where(host => Assignment(host) != Assignment(changes.FormerOf(host)))
            .SelectMany(host => new[] { host.WorkerInstanceId, changes.FormerOf(host).WorkerInstanceId }).ToHashSet();
        foreach (var ofProcess in changes.Added<TaskRow>().GroupBy(task => (hosts.GetValueOrDefault(task.HostId)?.WorkerId, hosts.GetValueOrDefault(task.HostId)?.WorkerInstanceId)))
        {
            if (ofProcess.Key is not ({ } worker, { } instance) || astray.Contains(instance) || inboxes.Find(worker, instance) is not { } inbox)
            {
                continue;
            }

            var shown = HostsDigest.Parse(inbox.Digest);
            var isAll = true;
            foreach (var task in ofProcess)
            {
                var host = hosts[task.HostId];
                if (_ready.TryGetValue(host.Id, out var digest) && digest == shown && operations.TryGetValue(task.OperationId, out var operation))
                {
                    (task.DeliveredEpoch, operation.State) = (host.Epoch, OperationRow.Running);
                    _given.Add((inbox, new GivenTask(worker, new Assigned(host.Id, host.Epoch, host.Generation, 0), TaskOf(task))));
                }
                else
                {
                    isAll = false;
                }
            }

            if (isAll)
            {
                // elsewhere they look all the same: the worker may come to another replica next
                changes.WakeOnlyElsewhere(WakeUps.Worker(worker));
            }
        }
    }

    /// <summary>It is committed.</summary>
    public void Deliver(WakeUps wakeUps)
    {
        foreach (var mail in _given.GroupBy(one => one.Inbox))
        {
            if (mail.Key.Put(mail.Select(one => one.Given)))
            {
                foreach (var kind in mail.GroupBy(one => one.Given.Task.Kind))
                {
                    Telemetry.TasksGiven.Add(kind.Count(), new KeyValuePair<string, object?>("kind", kind.Key));
                }
            }
            else
            {
                wakeUps.RaiseHere(WakeUps.Worker(mail.First().Given.Worker));
            }
        }
    }

    /// <summary>Nobody knows whether it is committed: the workers look for themselves.</summary>
    public void Doubt(WakeUps wakeUps)
    {
        foreach (var worker in _given.Select(one => one.Given.Worker).Distinct())
        {
            wakeUps.RaiseHere(WakeUps.Worker(worker));
        }
    }

    private static (long Epoch, long Generation, Guid? Worker, Guid? Process) Assignment(HostRow host) => (host.Epoch, host.Generation, host.WorkerId, host.WorkerInstanceId);

    private static WorkerTask TaskOf(TaskRow task) => new()
    {
        TaskId = task.Id,
        Sequence = task.Sequence,
        Kind = task.Kind,
        Steps = task.ReadSteps(),
        TraceParent = task.TraceParent,
    };
}
