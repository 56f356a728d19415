using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Operations;

/// <summary>Reads operations for those who wait for them: what is asked while the former reads are under way is read together.</summary>
public sealed class OperationReads : IDisposable
{
    private const int Batches = 2;
    private const int MostOfBatch = 200;

    private readonly IDbContextFactory<FleetDbContext> _contexts;
    private readonly Gathering<Asked> _waiting;

    public OperationReads(IDbContextFactory<FleetDbContext> contexts)
    {
        _contexts = contexts;
        _waiting = new Gathering<Asked>(Batches, MostOfBatch, TimeSpan.Zero, asked => asked, ReadAsync);
    }

    /// <summary>The operation as it is after the call; null where there is none.</summary>
    public async Task<OperationRow?> FindAsync(Guid id)
    {
        var asked = new Asked(id);
        await _waiting.GiveAsync(asked);
        return await asked.Row.Task;
    }

    /// <inheritdoc/>
    public void Dispose() => _waiting.Dispose();

    private async Task ReadAsync(IReadOnlyList<Asked> batch)
    {
        try
        {
            Guid[] ids = [.. batch.Select(asked => asked.Id)];
            await using var db = await _contexts.CreateDbContextAsync();
            var rows = await db.Operations.AsNoTracking().Where(operation => ids.Contains(operation.Id)).ToDictionaryAsync(operation => operation.Id);
            foreach (var asked in batch)
            {
                asked.Row.SetResult(rows.GetValueOrDefault(asked.Id));
            }
        }
        catch (Exception failure)
        {
            foreach (var asked in batch)
            {
                asked.Row.TrySetException(failure);
            }
        }
    }

    private sealed class Asked(Guid id)
    {
        public Guid Id => id;

        public TaskCompletionSource<OperationRow?> Row { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
