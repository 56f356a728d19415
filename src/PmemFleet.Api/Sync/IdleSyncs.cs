using Microsoft.Extensions.Options;
using Npgsql;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Syncs that bring nothing, which are nearly all of a large fleet's: their leases are renewed, and it is seen whether anything waits for them, by
/// two statements for all that came within a twentieth to a quarter of a second. A lone worker is served at once. For whom nothing waits is looked
/// again after a while, until his time is up; all of them wait for one clock.
/// </summary>
public sealed class IdleSyncs : IDisposable
{
    private const int Most = 2000;
    private const int LeastGatherMilliseconds = 50;
    private const int MostGatherMilliseconds = 250;
    private const int GatherMillisecondsForEach = 5;

    /// <summary>While fewer tasks of the fleet wait, they are looked at, and not the queue of each host.</summary>
    internal const int Few = 100;

    /// <summary>The slow poll behind the wake-ups.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly NpgsqlDataSource _database;
    private readonly FleetTransactions _transactions;
    private readonly TimeSpan _lease;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Queue<IdleWatch> _toLook = [];
    private readonly SortedSet<IdleWatch> _later = new(IdleWatch.ByDue);
    private readonly ITimer _clock;
    private bool _isServing;
    private bool _isTicking;
    private long _number;

    public IdleSyncs(NpgsqlDataSource database, FleetTransactions transactions, IOptions<WorkersOptions> options, IHostApplicationLifetime lifetime, TimeProvider time)
    {
        (_database, _transactions, _lease, _lifetime, _time) = (database, transactions, TimeSpan.FromSeconds(options.Value.LeaseSeconds), lifetime, time);

        // the first worker's request makes this, and no poll belongs to its trace
        using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
        {
            _clock = time.CreateTimer(static idle => ((IdleSyncs)idle!).Ticks(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Watches what there is for an idle worker; dispose of the watch when it has ended.</summary>
    /// <param name="worker">Who asks.</param>
    /// <param name="request">What it holds.</param>
    /// <param name="lookedAt">When it was last looked for him, where that need not be done again at once.</param>
    /// <param name="atMost">How long he waits. The first look is awaited in any case.</param>
    /// <param name="wakeUp">Whoever is woken has something to fetch, and does not wait for the others.</param>
    /// <param name="cancellationToken">The worker left.</param>
    internal IdleWatch Watch(WorkerIdentity worker, SyncRequest request, long? lookedAt, TimeSpan atMost, WakeUpSubscription wakeUp, CancellationToken cancellationToken)
    {
        var watch = new IdleWatch(this, wakeUp, worker, request, Interlocked.Increment(ref _number), After(atMost)) { LookedAt = lookedAt };
        lock (_gate)
        {
            if (lookedAt is null)
            {
                LookAt(watch);
            }
            else
            {
                Wait(watch);
            }
        }

        watch.Start(cancellationToken);
        return watch;
    }

    /// <summary>A request of this process waits, and was looked at; for tests.</summary>
    internal bool Waits(Guid instance)
    {
        lock (_gate)
        {
            return _later.Any(watch => watch.Worker.InstanceId == instance);
        }
    }

    /// <summary>It is waited for no more.</summary>
    internal void Forget(IdleWatch watch)
    {
        lock (_gate)
        {
            _later.Remove(watch);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _clock.Dispose();

    private long After(TimeSpan span) => _time.GetTimestamp() + (long)(span.TotalSeconds * _time.TimestampFrequency);

    private void LookAt(IdleWatch watch)
    {
        _toLook.Enqueue(watch);
        if (!_isServing)
        {
            _isServing = true;
            ThreadPool.UnsafeQueueUserWorkItem(static idle => _ = idle.ServeAsync(), this, preferLocal: false);
        }
    }

    /// <summary>Until it is looked again, or, where there is no time for that, until its time is up.</summary>
    private void Wait(IdleWatch watch)
    {
        if (watch.Ended.IsCompleted)
        {
            return;
        }

        var now = _time.GetTimestamp();
        if (watch.Until <= now || _lifetime.ApplicationStopping.IsCancellationRequested)
        {
            watch.End(IdleVerdict.Nothing);
            return;
        }

        watch.Due = Math.Min(watch.Until, After(Poll));
        _later.Add(watch);
        if (!_isTicking)
        {
            _isTicking = _clock.Change(Tick, Tick);
        }
    }

    private void Ticks()
    {
        lock (_gate)
        {
            var now = _time.GetTimestamp();

            // an Api that goes down answers now: the worker asks another replica
            var all = _lifetime.ApplicationStopping.IsCancellationRequested;
            while (_later.Min is { } watch && (all || watch.Due <= now))
            {
                _later.Remove(watch);
                if (all || watch.Due >= watch.Until)
                {
                    // the worker comes again at once, and that is when it is seen whether something was missed
                    watch.End(IdleVerdict.Nothing);
                }
                else
                {
                    LookAt(watch);
                }
            }

            if (_later.Count == 0)
            {
                _clock.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                _isTicking = false;
            }
        }
    }

    private async Task ServeAsync()
    {
        while (Take() is { Count: > 0 } batch)
        {
            try
            {
                var now = _time.GetTimestamp();
                Tell(batch, await _transactions.RepeatAsync(() => JudgeAsync(batch), CancellationToken.None), now);
            }
#pragma warning disable CA1031 // whatever it is, each of the requests answers it
            catch (Exception failure)
#pragma warning restore CA1031
            {
                batch.ForEach(watch => watch.Fail(failure));
            }

            // the more come, the longer they are gathered: what a batch costs does not grow with it, and a quarter of a second is nothing to who waits for ten
            var gather = Math.Clamp(batch.Count * GatherMillisecondsForEach, LeastGatherMilliseconds, MostGatherMilliseconds);
            await Task.Delay(TimeSpan.FromMilliseconds(gather), _time);
        }
    }

    private List<IdleWatch> Take()
    {
        lock (_gate)
        {
            var batch = new List<IdleWatch>(Math.Min(_toLook.Count, Most));
            while (batch.Count < Most && _toLook.TryDequeue(out var next))
            {
                if (!next.Ended.IsCompleted)
                {
                    batch.Add(next);
                }
            }

            _isServing = batch.Count > 0;
            return batch;
        }
    }

    private void Tell(List<IdleWatch> batch, Dictionary<Guid, IdleVerdict> verdicts, long lookedAt)
    {
        lock (_gate)
        {
            foreach (var watch in batch)
            {
                if (verdicts.TryGetValue(watch.Worker.InstanceId, out var verdict))
                {
                    watch.End(verdict);
                }
                else
                {
                    watch.LookedAt = lookedAt;
                    Wait(watch);
                }
            }
        }
    }

    /// <summary>One round trip: leases renewed, then looked for what waits; the batch is a transaction. By instance, those of whom there is something to say.</summary>
    private async Task<Dictionary<Guid, IdleVerdict>> JudgeAsync(List<IdleWatch> waiting)
    {
        await using var batch = _database.CreateBatch();
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
    private NpgsqlBatchCommand RenewalOf(List<IdleWatch> waiting) => new(
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
            new NpgsqlParameter<TimeSpan> { TypedValue = _lease },
        },
    };

    /// <summary>Tells the instances for which something waits: a host more or less, an epoch, a layout, a task, a cancellation.</summary>
    internal static NpgsqlBatchCommand LookOf(List<IdleWatch> waiting)
    {
        var held = waiting.SelectMany(one => one.Held.Select(host => (one.Worker.InstanceId, Host: host))).ToList();
        return new NpgsqlBatchCommand(
            $"""
            WITH held AS MATERIALIZED (SELECT * FROM unnest($5, $6, $7, $8, $9) AS held(instance, host_id, epoch, generation, accepted)),
            mine AS MATERIALIZED (
                SELECT h.id, h.epoch, h.generation, w.instance, w.mix IS NULL AS is_listed, {HostsDigest.OfHost} AS hash FROM unnest($1, $2, $4) AS w(id, instance, mix)
                JOIN hosts h ON h.worker_id = w.id AND h.worker_instance_id = w.instance
            ), few AS MATERIALIZED (
                SELECT t.host_id, t.sequence, t.operation_id FROM tasks t WHERE NOT t.done ORDER BY t.host_id, t.sequence LIMIT {Few}
            ), undone AS MATERIALIZED (
                -- all that wait in the fleet, or the queue of each host: never all of them for each host
                SELECT mine.instance, mine.id, mine.epoch, few.sequence, few.operation_id FROM few JOIN mine ON mine.id = few.host_id WHERE (SELECT count(*) FROM few) < {Few}
                UNION ALL
                SELECT mine.instance, mine.id, mine.epoch, t.sequence, t.operation_id
                FROM mine CROSS JOIN LATERAL (SELECT * FROM tasks t WHERE t.host_id = mine.id AND NOT t.done OFFSET 0) AS t WHERE (SELECT count(*) FROM few) = {Few}
            )
            SELECT w.instance FROM unnest($2, $3, $4) AS w(instance, hosts, mix)
            LEFT JOIN (SELECT instance, count(*) AS hosts, bit_xor(hash) AS mix FROM mine GROUP BY instance) AS have ON have.instance = w.instance
            WHERE w.hosts <> COALESCE(have.hosts, 0) OR w.mix <> COALESCE(have.mix, 0)
            UNION
            SELECT mine.instance FROM mine LEFT JOIN held ON held.instance = mine.instance AND held.host_id = mine.id
            WHERE mine.is_listed AND (held.host_id IS NULL OR held.epoch <> mine.epoch OR held.generation < mine.generation)
            UNION
            SELECT t.instance FROM undone t JOIN operations o ON o.id = t.operation_id
            LEFT JOIN held ON held.instance = t.instance AND held.host_id = t.id AND held.epoch = t.epoch
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
}
