using System.Diagnostics.Metrics;
using Npgsql;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Hosting;

/// <summary>
/// How the queue and the fleet stand, as the database says: sampled by every replica, so an alarm takes the maximum and not the sum.
/// </summary>
public sealed partial class FleetGauges : BackgroundService
{
    private const string Sample = """
        WITH operation AS MATERIALIZED (SELECT state FROM operations WHERE id IN (SELECT operation_id FROM tasks WHERE NOT done))
        SELECT (SELECT count(*) FROM operation WHERE state = 'pending'), (SELECT count(*) FROM operation WHERE state = 'running'),
               task.pending, task.given, task.oldest_seconds,
               (SELECT count(*) FROM hosts h LEFT JOIN worker_leases l ON l.worker_id = h.worker_id AND l.instance_id = h.worker_instance_id WHERE l.expires_at IS NULL OR l.expires_at < now()),
               worker.live, worker.draining, worker.lost,
               (SELECT last_seq FROM event_counter),
               (SELECT count(*) FROM events WHERE seq IS NULL)
        FROM (SELECT count(*) FILTER (WHERE t.delivered_epoch IS DISTINCT FROM h.epoch) AS pending, count(*) FILTER (WHERE t.delivered_epoch = h.epoch) AS given,
                     coalesce(extract(epoch FROM now() - min(t.created_at) FILTER (WHERE t.delivered_epoch IS DISTINCT FROM h.epoch)), 0)::float8 AS oldest_seconds
              FROM tasks t JOIN hosts h ON h.id = t.host_id WHERE NOT t.done) AS task,
             (SELECT count(*) FILTER (WHERE l.expires_at >= now() AND NOT w.draining) AS live, count(*) FILTER (WHERE l.expires_at >= now() AND w.draining) AS draining,
                     count(*) FILTER (WHERE l.expires_at IS NULL OR l.expires_at < now()) AS lost
              FROM workers w LEFT JOIN worker_leases l ON l.worker_id = w.id) AS worker
        """;

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private readonly NpgsqlDataSource _database;
    private readonly DatabaseReadiness _readiness;
    private readonly TimeProvider _time;
    private readonly ILogger<FleetGauges> _logger;
    private Figures? _seen;

    public FleetGauges(IMeterFactory meters, NpgsqlDataSource database, DatabaseReadiness readiness, TimeProvider time, ILogger<FleetGauges> logger)
    {
        (_database, _readiness, _time, _logger) = (database, readiness, time, logger);
        // a rate sees the first one only where the counter began with 0
        Telemetry.Syncs.Add(0, new KeyValuePair<string, object?>("outcome", "fenced"));
        Telemetry.ResultsApplied.Add(0, new KeyValuePair<string, object?>("outcome", "old-epoch"));
        var meter = meters.Create(Telemetry.Name);
        Observe(meter, "pmemfleet_operations", "Operations that have not ended, by state", static seen => [Of(seen.OperationsPending, "pending"), Of(seen.OperationsRunning, "running")]);
        Observe(meter, "pmemfleet_tasks", "Tasks in the queue: pending, or given to the worker that holds the host", static seen => [Of(seen.TasksPending, "pending"), Of(seen.TasksGiven, "given")]);
        Observe(meter, "pmemfleet_workers", "Workers, by state: live, draining, lost", static seen => [Of(seen.WorkersLive, "live"), Of(seen.WorkersDraining, "draining"), Of(seen.WorkersLost, "lost")]);
        Observe(meter, "pmemfleet_hosts_unassigned", "Hosts that no live worker holds", static seen => [new(seen.HostsUnassigned)]);
        Observe(meter, "pmemfleet_events_sequence", "Number of the last event", static seen => [new(seen.EventsSequence)]);
        Observe(meter, "pmemfleet_events_unnumbered", "Events that are committed and have no number yet", static seen => [new(seen.EventsUnnumbered)]);
        meter.CreateObservableGauge("pmemfleet_task_oldest_pending_seconds", () => _seen is { } seen ? [new Measurement<double>(seen.OldestPendingSeconds)] : Array.Empty<Measurement<double>>(), "s", "Age of the oldest task that no worker has");
    }

    /// <summary>Takes one sample.</summary>
    public async Task SampleAsync(CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(Sample);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        _seen = new Figures(
            row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetDouble(4), row.GetInt64(5), row.GetInt64(6), row.GetInt64(7), row.GetInt64(8), row.GetInt64(9), row.GetInt64(10));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await _readiness.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(Every, _time);
        do
        {
            try
            {
                await SampleAsync(stoppingToken);
            }
            catch (NpgsqlException lost)
            {
                // an old figure would say that all is well
                _seen = null;
                LogFailed(lost.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private static Measurement<long> Of(long value, string state) => new(value, new KeyValuePair<string, object?>("state", state));

    private void Observe(Meter meter, string name, string description, Func<Figures, Measurement<long>[]> read) =>
        meter.CreateObservableGauge(name, () => _seen is { } seen ? read(seen) : [], description: description);

    [LoggerMessage(EventId = 1080, Level = LogLevel.Warning, Message = "The gauges could not be read: {Reason}")]
    private partial void LogFailed(string reason);

    private sealed record Figures(
        long OperationsPending, long OperationsRunning, long TasksPending, long TasksGiven, double OldestPendingSeconds, long HostsUnassigned,
        long WorkersLive, long WorkersDraining, long WorkersLost, long EventsSequence, long EventsUnnumbered);
}
