using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Operations;

/// <summary>Waits until an operation ends, or the Api goes down: then the caller learns where to ask on.</summary>
public sealed class OperationWaiter(OperationReads reads, WakeUps wakeUps, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(2);

    /// <summary>The operation as it stands once it ended or the time is up; null where there is none.</summary>
    public async Task<OperationRow?> WaitAsync(Guid id, TimeSpan atMost, CancellationToken cancellationToken)
    {
        using var wakeUp = wakeUps.Subscribe(WakeUps.Operation(id));
        var start = time.GetTimestamp();
        while (true)
        {
            var operation = await reads.FindAsync(id);
            var left = atMost - time.GetElapsedTime(start);
            if (operation is null || operation.HasEnded || left <= TimeSpan.Zero || lifetime.ApplicationStopping.IsCancellationRequested)
            {
                return operation;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
            try
            {
                await wakeUp.WaitAsync(left < Poll ? left : Poll, either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // read it once more, as it stands
            }
        }
    }
}
