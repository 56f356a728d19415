using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using PmemFleet.Api.Access;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// The statements that see what waits for workers, and their rows. Giving a task out is noted on it, so that a cancellation knows whether a worker may
/// have begun. A worker that shows a digest which is not its hosts' is given nothing: it has to name them first. So is one whose lease is over.
/// </summary>
internal sealed class SyncLook(IReadOnlyList<(WorkerIdentity Worker, SyncRequest Request)> asking)
{
    /// <summary>Tasks of one worker that a look gives; the next one gives the rest.</summary>
    public const int MostTasks = 250;

    /// <summary>While no more than this many tasks of the fleet wait, all of them are looked at, and not the queue of each host.</summary>
    internal const int Few = 500;

    /// <summary>
    /// For each worker that is answered a row, the tasks it is given, and those it has to stop, which have no host. What waits in the whole fleet is little, or the
    /// workers' hosts are asked one by one: either way the cost is not that of all hosts of the fleet, nor that of a long queue. What was accepted is looked up by key and
    /// not joined: of arrays the planner believes that they are short, and walks all of them for every task. It is parsed once, in a query of its own. An operation is found by
    /// its key: with what it is to be in the same query, the planner walks all that are open, for every task. So are tasks: where none was open when statistics were made, one
    /// seems to be, and the queue's index is walked whole for each host and each task. LATERAL with OFFSET leaves the host's part of it alone, IS NOT TRUE the index.
    /// </summary>
    internal const string Give = $"""
        WITH served AS MATERIALIZED (
            SELECT w.worker, w.instance FROM unnest($1, $2, $3, $4) AS w(worker, instance, hosts, mix) CROSS JOIN LATERAL ({HostsDigest.OfProcess} AND w.mix IS NOT NULL) AS have
            JOIN worker_leases l ON l.worker_id = w.worker AND l.instance_id = w.instance AND l.expires_at > now()
            WHERE w.mix IS NULL OR (w.hosts = have.hosts AND w.mix = have.mix)
        ), few AS MATERIALIZED (
            SELECT t.id, t.host_id FROM tasks t WHERE NOT t.done ORDER BY t.host_id, t.sequence LIMIT $7
        ), undone AS MATERIALIZED (
            SELECT t.id, h.id AS host_id, h.worker_id AS worker, h.worker_instance_id AS instance, h.epoch, h.generation, t.sequence, t.kind, t.operation_id, t.delivered_epoch
            FROM few JOIN tasks t ON t.id = few.id JOIN hosts h ON h.id = few.host_id
            WHERE (SELECT count(*) FROM few) < $7 AND (h.worker_id, h.worker_instance_id) IN (SELECT worker, instance FROM served)
            UNION ALL
            SELECT t.id, h.id, h.worker_id, h.worker_instance_id, h.epoch, h.generation, t.sequence, t.kind, t.operation_id, t.delivered_epoch
            FROM served JOIN hosts h ON h.worker_id = served.worker AND h.worker_instance_id = served.instance
            CROSS JOIN LATERAL (SELECT * FROM tasks t WHERE t.host_id = h.id AND NOT t.done OFFSET 0) AS t
            WHERE (SELECT count(*) FROM few) = $7
        ), fresh AS MATERIALIZED (
            SELECT q.id, q.worker, q.epoch, q.generation, q.operation_id, row_number() OVER (PARTITION BY q.worker ORDER BY q.host_id, q.sequence) AS place
            FROM (SELECT undone.*, min(sequence) FILTER (WHERE kind = '{OperationKinds.Evacuate}') OVER (PARTITION BY host_id) AS leaves_at FROM undone) AS q
            WHERE q.sequence > COALESCE(((SELECT $5::jsonb) ->> (q.instance::text || q.host_id::text || q.epoch::text))::bigint, 0) AND (q.leaves_at IS NULL OR q.sequence <= q.leaves_at)
        ), due AS MATERIALIZED (
            SELECT fresh.* FROM fresh JOIN tasks t ON t.id = fresh.id AND t.done IS NOT TRUE WHERE fresh.place <= $6 ORDER BY t.host_id, t.sequence FOR UPDATE OF t
        ), given AS (
            UPDATE tasks t SET delivered_epoch = due.epoch FROM due WHERE t.id = due.id AND t.done IS NOT TRUE
            RETURNING due.worker, due.epoch, due.generation, t.host_id, t.id, t.sequence, t.kind, t.steps, t.trace_parent, t.operation_id
        ), running AS (
            UPDATE operations o SET state = 'running', version = o.version + 1 FROM given WHERE o.id = given.operation_id AND o.state = 'pending'
        )
        SELECT worker, NULL AS host_id, NULL AS epoch, NULL AS generation, NULL AS id, NULL AS sequence, NULL AS kind, NULL AS steps, NULL AS trace_parent FROM served
        UNION ALL
        SELECT worker, host_id, epoch, generation, id, sequence, kind, steps, trace_parent FROM given
        UNION ALL
        SELECT u.worker, NULL, NULL, NULL, u.id, NULL, NULL, NULL, NULL FROM undone u
        CROSS JOIN LATERAL (SELECT o.ended_at, o.cancel_requested FROM operations o WHERE o.id = u.operation_id OFFSET 0) AS o
        WHERE o.ended_at IS NULL AND o.cancel_requested AND (u.delivered_epoch IS NOT NULL OR u.id IN (SELECT id FROM due))
        """;

    private const string List = $"""
        SELECT h.worker_id, h.id, h.epoch, h.generation, {HostsDigest.OfHost}
        FROM hosts h JOIN unnest($1, $2) AS a(worker, instance) ON h.worker_id = a.worker AND h.worker_instance_id = a.instance
        """;

    private readonly List<(WorkerIdentity Worker, SyncRequest Request)> _listing = [.. asking.Where(one => !HostsDigest.IsIn(one.Request))];
    private readonly HashSet<Guid> _served = [];
    private readonly List<GivenTask> _given = [];
    private readonly List<(Guid Worker, Guid Task)> _cancelled = [];
    private readonly List<(Guid Worker, Assigned Host)> _assigned = [];

    /// <summary>Tasks that are given out, in no order.</summary>
    public IReadOnlyList<GivenTask> Given => _given;

    /// <summary>Adds the statements.</summary>
    public void AddTo(RoundTrip trip)
    {
        if (asking.Count == 0)
        {
            return;
        }

        var digests = asking.Select(one => HostsDigest.Of(one.Request)).ToList();
        trip.Add(
            new NpgsqlBatchCommand(Give)
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid[]> { TypedValue = [.. asking.Select(one => one.Worker.WorkerId)] },
                    new NpgsqlParameter<Guid[]> { TypedValue = [.. asking.Select(one => one.Worker.InstanceId)] },
                    new NpgsqlParameter<long?[]> { TypedValue = [.. digests.Select(digest => digest?.Count)] },
                    new NpgsqlParameter<long?[]> { TypedValue = [.. digests.Select(digest => digest?.Mix)] },
                    new NpgsqlParameter<string> { TypedValue = Accepted(), NpgsqlDbType = NpgsqlDbType.Text },
                    new NpgsqlParameter<int> { TypedValue = MostTasks },
                    new NpgsqlParameter<int> { TypedValue = Few },
                },
            },
            ReadGiven);
        if (_listing.Count > 0)
        {
            trip.Add(
                new NpgsqlBatchCommand(List)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<Guid[]> { TypedValue = [.. _listing.Select(one => one.Worker.WorkerId)] },
                        new NpgsqlParameter<Guid[]> { TypedValue = [.. _listing.Select(one => one.Worker.InstanceId)] },
                    },
                },
                reader => _assigned.Add((reader.GetGuid(0), new Assigned(reader.GetGuid(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4)))));
        }
    }

    /// <summary>Hosts whose layouts their workers do not have.</summary>
    public List<Guid> LackingLayouts()
    {
        var assigned = _assigned.ToLookup(one => one.Worker, one => one.Host);
        var lacking = new List<Guid>();
        foreach (var (worker, request) in _listing)
        {
            var held = request.Hosts!.DistinctBy(host => host.HostId).ToDictionary(host => host.HostId);
            lacking.AddRange(assigned[worker.WorkerId]
                .Where(host => !held.TryGetValue(host.Id, out var seen) || seen.Epoch != host.Epoch || seen.ObservedGeneration < host.Generation)
                .Select(host => host.Id));
        }

        return lacking;
    }

    /// <summary>What one of the workers has to know.</summary>
    public SyncNews NewsOf(WorkerIdentity worker, SyncRequest request, IReadOnlyDictionary<Guid, HostLayout> layoutOf)
    {
        if (!asking.Any(one => one.Worker.WorkerId == worker.WorkerId))
        {
            // it was looked for a moment ago
            return new SyncNews([], Partial: true, request.HostsDigest!, []);
        }

        if (!_served.Contains(worker.WorkerId))
        {
            return new SyncNews([], Partial: true, Digest: string.Empty, []);
        }

        var tasks = _given.Where(given => given.Worker == worker.WorkerId).ToLookup(given => (given.Host.Id, given.Host.Epoch));
        Guid[] cancelled = [.. _cancelled.Where(one => one.Worker == worker.WorkerId).Select(one => one.Task)];
        HostAssignment Assignment(Assigned host) => new()
        {
            HostId = host.Id,
            Epoch = host.Epoch,
            Generation = host.Generation,
            Layout = layoutOf.GetValueOrDefault(host.Id),
            Tasks = [.. tasks[(host.Id, host.Epoch)].Select(given => given.Task).OrderBy(task => task.Sequence)],
        };
        if (HostsDigest.IsIn(request))
        {
            return new SyncNews([.. tasks.Select(ofHost => Assignment(ofHost.First().Host))], Partial: true, request.HostsDigest!, cancelled);
        }

        // the digest is that of these rows, whatever another statement saw
        List<Assigned> all = [.. _assigned.Where(one => one.Worker == worker.WorkerId).Select(one => one.Host).OrderBy(host => host.Id)];
        return new SyncNews([.. all.Select(Assignment)], Partial: false, all.Aggregate(default(HostsDigest), (digest, host) => digest.With(host.Hash)).ToString(), cancelled);
    }

    private void ReadGiven(NpgsqlDataReader reader)
    {
        var worker = reader.GetGuid(0);
        if (reader.IsDBNull(4))
        {
            _served.Add(worker);
        }
        else if (reader.IsDBNull(1))
        {
            _cancelled.Add((worker, reader.GetGuid(4)));
        }
        else
        {
            _given.Add(new GivenTask(worker, new Assigned(reader.GetGuid(1), reader.GetInt64(2), reader.GetInt64(3), 0), TaskOf(reader)));
        }
    }

    private static WorkerTask TaskOf(NpgsqlDataReader reader) => new()
    {
        TaskId = reader.GetGuid(4),
        Sequence = reader.GetInt64(5),
        Kind = reader.GetString(6),
        Steps = JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(7), FleetJsonContext.Default.IReadOnlyListTaskStep)!,
        TraceParent = reader.IsDBNull(8) ? null : reader.GetString(8),
    };

    private string Accepted() => JsonSerializer.Serialize(
        asking.SelectMany(one => one.Request.Hosts!.Where(host => host.AcceptedSequence > 0).Select(host => (Key: $"{one.Worker.InstanceId}{host.HostId}{host.Epoch}", host.AcceptedSequence)))
            .DistinctBy(host => host.Key).ToDictionary(host => host.Key, host => host.AcceptedSequence),
        FleetJsonContext.Default.IReadOnlyDictionaryStringInt64);
}

/// <summary>A host as a statement saw it.</summary>
internal sealed record Assigned(Guid Id, long Epoch, long Generation, long Hash);

/// <summary>A task that a worker is given.</summary>
internal sealed record GivenTask(Guid Worker, Assigned Host, WorkerTask Task);
