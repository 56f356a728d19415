using Npgsql;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Events;

/// <summary>
/// Forgets old events. The oldest number kept is raised in the transaction that deletes, so that a reader sees either the events or the 410, and
/// the sequence never has a gap above it.
/// </summary>
public sealed class EventCompaction(NpgsqlDataSource database)
{
    private const int BatchSize = 10_000;

    private const string DeleteBatch = """
        WITH old AS (
            SELECT seq FROM events WHERE seq > (SELECT compacted_seq FROM event_counter) ORDER BY seq LIMIT $2
        ), upto AS (
            SELECT max(seq) AS seq FROM old
            WHERE seq < COALESCE((SELECT min(e.seq) FROM events e JOIN old USING (seq) WHERE e.at >= $1), 9223372036854775807)
        ), counted AS (
            UPDATE event_counter SET compacted_seq = upto.seq FROM upto WHERE upto.seq IS NOT NULL RETURNING compacted_seq
        )
        DELETE FROM events USING counted WHERE events.seq <= counted.compacted_seq
        """;

    /// <summary>Deletes the events before the first one that is not older than <paramref name="keepFrom"/>.</summary>
    /// <returns>How many.</returns>
    public async Task<int> CompactAsync(DateTimeOffset keepFrom, CancellationToken cancellationToken)
    {
        var total = 0;
        int deleted;
        do
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(connection, transaction);

            // the numberer writes the same counter
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"SELECT pg_advisory_xact_lock({AdvisoryLocks.EventNumbers})"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand(DeleteBatch)
            {
                Parameters = { new NpgsqlParameter<DateTimeOffset> { TypedValue = keepFrom }, new NpgsqlParameter<int> { TypedValue = BatchSize } },
            });
            await batch.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            deleted = (int)batch.BatchCommands[1].RecordsAffected;
            total += deleted;
        }
        while (deleted == BatchSize);
        return total;
    }
}
