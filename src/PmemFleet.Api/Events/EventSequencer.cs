using Npgsql;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Events;

/// <summary>
/// Numbers what is committed. One numberer at a time (an advisory lock, taken in a statement of its own so that the next one sees
/// what the former numbered); an event whose transaction is still open has no number yet and gets a later one, so a
/// reader that has seen n never finds anything new below n.
/// </summary>
public sealed class EventSequencer(NpgsqlDataSource database, WakeUps wakeUps)
{
    private const int BatchSize = 5000;

    private const string NumberBatch = """
        WITH batch AS (
            SELECT id, row_number() OVER (ORDER BY id) AS n FROM (SELECT id FROM events WHERE seq IS NULL ORDER BY id LIMIT $1) AS waiting
        ), counted AS (
            UPDATE event_counter SET last_seq = last_seq + (SELECT count(*) FROM batch)
            WHERE EXISTS (SELECT FROM batch)
            RETURNING last_seq - (SELECT count(*) FROM batch) AS former
        )
        UPDATE events SET seq = counted.former + batch.n FROM batch, counted WHERE events.id = batch.id
        """;

    /// <summary>Numbers everything that was committed before the call.</summary>
    public async Task NumberAsync(CancellationToken cancellationToken)
    {
        int numbered;
        do
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(connection, transaction);
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"SELECT pg_advisory_xact_lock({AdvisoryLocks.EventNumbers})"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand(NumberBatch) { Parameters = { new NpgsqlParameter<int> { TypedValue = BatchSize } } });
            await batch.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            numbered = (int)batch.BatchCommands[1].RecordsAffected;
            if (numbered > 0)
            {
                Telemetry.EventsNumbered.Add(numbered);
                wakeUps.Raise(WakeUps.EventsNumbered);
            }
        }
        while (numbered == BatchSize);
    }
}

/// <summary>Numbers events as they are committed, with a slow poll for those of a replica that died before it could say so.</summary>
public sealed partial class EventNumbering(
    EventSequencer sequencer, WakeUps wakeUps, TimeProvider time, ILogger<EventNumbering> logger) : BackgroundService
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var committed = wakeUps.Subscribe(WakeUps.EventsCommitted);
        while (!stoppingToken.IsCancellationRequested)
        {
            var start = time.GetTimestamp();
            try
            {
                await sequencer.NumberAsync(stoppingToken);
            }
            catch (NpgsqlException lost)
            {
                LogFailed(lost.Message);
                await Task.Delay(Poll, time, stoppingToken);
            }

            await committed.WaitAsync(Poll, stoppingToken);

            // what is committed in a burst is numbered together
            if (time.GetElapsedTime(start) is var since && since < Pause)
            {
                await Task.Delay(Pause - since, time, stoppingToken);
            }
        }
    }

    [LoggerMessage(EventId = 1050, Level = LogLevel.Warning, Message = "Events could not be numbered: {Reason}")]
    private partial void LogFailed(string reason);
}
