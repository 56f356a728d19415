using Npgsql;

namespace PmemFleet.Api.Persistence;

/// <summary>
/// Statements of several parts that go to the database together, in their order, each with what was committed before it and what the ones before it did. Each part
/// reads its own rows. Of a short transaction the trips are most of what it takes.
/// </summary>
/// <param name="connection">In the transaction.</param>
internal sealed class RoundTrip(NpgsqlConnection connection)
{
    private readonly List<NpgsqlBatchCommand> _statements = [];
    private readonly List<Func<NpgsqlDataReader, CancellationToken, Task>> _reads = [];
    private readonly List<Action> _ends = [];

    /// <summary>A statement that gives no rows, or a part of several.</summary>
    public void Add(NpgsqlBatchCommand statement) => _statements.Add(statement);

    /// <summary>A statement that gives rows, also where there are none of them.</summary>
    public void Add(NpgsqlBatchCommand statement, Func<NpgsqlDataReader, CancellationToken, Task> read)
    {
        _statements.Add(statement);
        _reads.Add(read);
    }

    /// <summary>The same, row by row.</summary>
    public void Add(NpgsqlBatchCommand statement, Action<NpgsqlDataReader> readRow) => Add(statement, async (reader, cancellationToken) =>
    {
        while (await reader.ReadAsync(cancellationToken))
        {
            readRow(reader);
        }
    });

    /// <summary>What is done once all statements are: they know how many rows they met.</summary>
    public void AtEnd(Action action) => _ends.Add(action);

    /// <summary>Goes there and back, once.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (_statements.Count == 0)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(connection);
        _statements.ForEach(batch.BatchCommands.Add);
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            for (var place = 0; place < _reads.Count; place++)
            {
                if (place > 0 && !await reader.NextResultAsync(cancellationToken))
                {
                    throw new InvalidOperationException("a statement that was to give rows gave none");
                }

                await _reads[place](reader, cancellationToken);
            }

            // a statement behind the last rows may have failed
            while (await reader.NextResultAsync(cancellationToken))
            {
            }
        }

        _ends.ForEach(end => end());
    }
}
