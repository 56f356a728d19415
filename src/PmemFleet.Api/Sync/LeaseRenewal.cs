using Npgsql;
using PmemFleet.Api.Access;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Sync;

/// <summary>Renews leases that still hold, as the first statement of a transaction.</summary>
/// <param name="workers">Whose; no worker twice.</param>
/// <param name="lease">How long they hold from now on.</param>
/// <param name="lockTimeout">How long this transaction waits for any lock: PostgreSQL's <c>lock_timeout</c>.</param>
internal sealed class LeaseRenewal(IReadOnlyCollection<WorkerIdentity> workers, TimeSpan lease, string lockTimeout)
{
    private const string Renew = """
        WITH mine AS (
            SELECT l.worker_id FROM worker_leases l JOIN unnest($1, $2) AS asking(worker, instance) ON l.worker_id = asking.worker AND l.instance_id = asking.instance
            WHERE (SELECT set_config('lock_timeout', $3, true)) IS NOT NULL AND l.expires_at > now() ORDER BY l.worker_id FOR UPDATE OF l
        )
        UPDATE worker_leases l SET expires_at = now() + $4 FROM mine WHERE l.worker_id = mine.worker_id AND l.expires_at > now()
        RETURNING l.worker_id
        """;

    private readonly HashSet<Guid> _renewed = [];

    /// <summary>Adds the statement.</summary>
    public void AddTo(RoundTrip trip) => trip.Add(
        new NpgsqlBatchCommand(Renew)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid[]> { TypedValue = [.. workers.Select(worker => worker.WorkerId)] },
                new NpgsqlParameter<Guid[]> { TypedValue = [.. workers.Select(worker => worker.InstanceId)] },
                new NpgsqlParameter<string> { TypedValue = lockTimeout },
                new NpgsqlParameter<TimeSpan> { TypedValue = lease },
            },
        },
        reader => _renewed.Add(reader.GetGuid(0)));

    /// <summary>It was renewed; of a worker whose lease is over it is not.</summary>
    public bool Holds(WorkerIdentity worker) => _renewed.Contains(worker.WorkerId);
}
