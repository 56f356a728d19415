using Microsoft.Extensions.Options;
using Npgsql;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>What is to be done about a sync that brings nothing.</summary>
public enum IdleVerdict
{
    /// <summary>Its lease is renewed, and there is nothing to take along.</summary>
    Nothing,

    /// <summary>Something may wait for the worker, or its lease is in use: a transaction of its own tells.</summary>
    Ask,

    /// <summary>Its lease is over.</summary>
    Fenced,
}

/// <summary>
/// Syncs that bring nothing, which are nearly all of a large fleet's: their leases are renewed, and it is seen whether anything waits for them, by
/// two statements for all that came within a twentieth to a quarter of a second. A lone worker is served at once.
/// </summary>
public sealed class IdleSyncs(NpgsqlDataSource database, FleetTransactions transactions, IOptions<WorkersOptions> options, TimeProvider time)
{
    private const int Most = 2000;
    private const int LeastGatherMilliseconds = 50;
    private const int MostGatherMilliseconds = 250;
    private const int GatherMillisecondsForEach = 5;

    private readonly Lock _gate = new();
    private readonly Queue<Waiting> _waiting = [];
    private bool _isServing;

    /// <param name="worker">Who asks.</param>
    /// <param name="request">What it holds.</param>
    /// <param name="wakeUp">Whoever is woken has something to fetch, and does not wait for the others.</param>
    /// <param name="cancellationToken">The worker left.</param>
    public Task<IdleVerdict> AskAsync(WorkerIdentity worker, SyncRequest request, WakeUpSubscription wakeUp, CancellationToken cancellationToken)
    {
        var waiting = new Waiting(worker, request.Hosts!, HostsDigest.Of(request));
        lock (_gate)
        {
            _waiting.Enqueue(waiting);
            if (!_isServing)
            {
                _isServing = true;
                _ = Task.Run(ServeAsync, CancellationToken.None);
            }
        }

        wakeUp.Tell(waiting);
        return waiting.Answer.Task.WaitAsync(cancellationToken);
    }

    private async Task ServeAsync()
    {
        while (Take() is { Count: > 0 } batch)
        {
            try
            {
                var verdicts = await transactions.RepeatAsync(() => JudgeAsync(batch), CancellationToken.None);
                batch.ForEach(waiting => waiting.Answer.TrySetResult(verdicts.GetValueOrDefault(waiting.Worker.InstanceId, IdleVerdict.Nothing)));
            }
#pragma warning disable CA1031 // whatever it is, each of the requests answers it
            catch (Exception failure)
#pragma warning restore CA1031
            {
                batch.ForEach(waiting => waiting.Answer.TrySetException(failure));
            }

            // the more come, the longer they are gathered: what a batch costs does not grow with it, and a quarter of a second is nothing to who waits for ten
            var gather = Math.Clamp(batch.Count * GatherMillisecondsForEach, LeastGatherMilliseconds, MostGatherMilliseconds);
            await Task.Delay(TimeSpan.FromMilliseconds(gather), time);
        }
    }

    private List<Waiting> Take()
    {
        lock (_gate)
        {
            var batch = new List<Waiting>();
            while (batch.Count < Most && _waiting.TryDequeue(out var next))
            {
                batch.Add(next);
            }

            _isServing = batch.Count > 0;
            return batch;
        }
    }

    /// <summary>One round trip: leases renewed, then looked for what waits; the batch is a transaction. By instance, those of whom there is something to say.</summary>
    private async Task<Dictionary<Guid, IdleVerdict>> JudgeAsync(List<Waiting> waiting)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(RenewalOf(waiting));
        batch.BatchCommands.Add(LookOf(waiting));
        await using var reader = await batch.ExecuteReaderAsync();
        var verdicts = new Dictionary<Guid, IdleVerdict>();
        while (await reader.ReadAsync())
        {
            verdicts[reader.GetGuid(0)] = reader.GetBoolean(1) ? IdleVerdict.Ask : IdleVerdict.Fenced;
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            verdicts.TryAdd(reader.GetGuid(0), IdleVerdict.Ask);
        }

        return verdicts;
    }

    /// <summary>Renews leases, and tells those it did not renew: whether the lease is in use by somebody, or over.</summary>
    private NpgsqlBatchCommand RenewalOf(List<Waiting> waiting) => new(
        """
        WITH asked AS MATERIALIZED (SELECT * FROM unnest($1, $2) AS asked(worker, instance)),
        mine AS (
            -- a lease that somebody holds locked is not waited for: nobody else's would be renewed meanwhile
            SELECT l.worker_id FROM worker_leases l JOIN asked ON l.worker_id = asked.worker AND l.instance_id = asked.instance
            WHERE l.expires_at > now() ORDER BY l.worker_id FOR UPDATE OF l SKIP LOCKED
        ),
        renewed AS (UPDATE worker_leases l SET expires_at = now() + $3 FROM mine WHERE l.worker_id = mine.worker_id RETURNING l.instance_id)
        SELECT asked.instance, EXISTS (SELECT FROM worker_leases l WHERE l.worker_id = asked.worker AND l.instance_id = asked.instance AND l.expires_at > now())
        FROM asked LEFT JOIN renewed ON renewed.instance_id = asked.instance WHERE renewed.instance_id IS NULL
        """)
    {
        Parameters =
        {
            new NpgsqlParameter<Guid[]> { TypedValue = [.. waiting.Select(one => one.Worker.WorkerId)] },
            new NpgsqlParameter<Guid[]> { TypedValue = [.. waiting.Select(one => one.Worker.InstanceId)] },
            new NpgsqlParameter<TimeSpan> { TypedValue = TimeSpan.FromSeconds(options.Value.LeaseSeconds) },
        },
    };

    /// <summary>Tells the instances for which something waits: a host more or less, an epoch, a layout, a task, a cancellation.</summary>
    private static NpgsqlBatchCommand LookOf(List<Waiting> waiting)
    {
        var held = waiting.SelectMany(one => one.Held.Select(host => (one.Worker.InstanceId, Host: host))).ToList();
        return new NpgsqlBatchCommand(
            $"""
            WITH held AS MATERIALIZED (SELECT * FROM unnest($5, $6, $7, $8, $9) AS held(instance, host_id, epoch, generation, accepted)),
            mine AS MATERIALIZED (
                SELECT h.id, h.epoch, h.generation, w.instance, w.mix IS NULL AS is_listed, {HostsDigest.OfHost} AS hash FROM unnest($1, $2, $4) AS w(id, instance, mix)
                JOIN hosts h ON h.worker_id = w.id AND h.worker_instance_id = w.instance
            )
            SELECT w.instance FROM unnest($2, $3, $4) AS w(instance, hosts, mix)
            LEFT JOIN (SELECT instance, count(*) AS hosts, bit_xor(hash) AS mix FROM mine GROUP BY instance) AS have ON have.instance = w.instance
            WHERE w.hosts <> COALESCE(have.hosts, 0) OR w.mix <> COALESCE(have.mix, 0)
            UNION
            SELECT mine.instance FROM mine LEFT JOIN held ON held.instance = mine.instance AND held.host_id = mine.id
            WHERE mine.is_listed AND (held.host_id IS NULL OR held.epoch <> mine.epoch OR held.generation < mine.generation)
            UNION
            SELECT mine.instance FROM mine JOIN tasks t ON t.host_id = mine.id AND NOT t.done JOIN operations o ON o.id = t.operation_id
            LEFT JOIN held ON held.instance = mine.instance AND held.host_id = mine.id AND held.epoch = mine.epoch
            WHERE t.sequence > COALESCE(held.accepted, 0) OR (o.ended_at IS NULL AND o.cancel_requested)
            """)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid[]> { TypedValue = [.. waiting.Select(one => one.Worker.WorkerId)] },
                new NpgsqlParameter<Guid[]> { TypedValue = [.. waiting.Select(one => one.Worker.InstanceId)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. waiting.Select(one => one.Digest?.Count ?? one.Held.Count)] },
                new NpgsqlParameter<long?[]> { TypedValue = [.. waiting.Select(one => one.Digest?.Mix)] },
                new NpgsqlParameter<Guid[]> { TypedValue = [.. held.Select(pair => pair.InstanceId)] },
                new NpgsqlParameter<Guid[]> { TypedValue = [.. held.Select(pair => pair.Host.HostId)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. held.Select(pair => pair.Host.Epoch)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. held.Select(pair => pair.Host.ObservedGeneration)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. held.Select(pair => pair.Host.AcceptedSequence)] },
            },
        };
    }

    private sealed record Waiting(WorkerIdentity Worker, IReadOnlyList<HeldHost> Held, HostsDigest? Digest) : IWoken
    {
        public void Wake() => Answer.TrySetResult(IdleVerdict.Ask);

        public TaskCompletionSource<IdleVerdict> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
