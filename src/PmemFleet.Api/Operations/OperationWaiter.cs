using System.Buffers.Binary;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Operations;

/// <summary>Waits until an operation ends, or the Api goes down: then the caller learns where to ask on.</summary>
public sealed class OperationWaiter(OperationReads reads, EndedOperations ended, WakeUps wakeUps, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(2);

    /// <summary>An operation that began so short a time ago has hardly ended already, unless this replica knows.</summary>
    private static readonly TimeSpan Young = TimeSpan.FromMilliseconds(500);

    /// <summary>The operation as it stands once it ended or the time is up; null where there is none.</summary>
    public async Task<OperationRow?> WaitAsync(Guid id, TimeSpan atMost, CancellationToken cancellationToken)
    {
        using var wakeUp = wakeUps.Subscribe(WakeUps.Operation(id));
        var start = time.GetTimestamp();
        var isRead = !IsYoung(id);
        while (true)
        {
            var operation = ended.Find(id);
            var left = atMost - time.GetElapsedTime(start);
            if (operation is null && (isRead || left <= TimeSpan.Zero || lifetime.ApplicationStopping.IsCancellationRequested))
            {
                operation = await reads.FindAsync(id);
                left = atMost - time.GetElapsedTime(start);
                if (operation is null || left <= TimeSpan.Zero || lifetime.ApplicationStopping.IsCancellationRequested)
                {
                    return operation;
                }
            }

            if (operation is { HasEnded: true })
            {
                return operation;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
            try
            {
                // who saw nothing yet looks soon: it may have ended elsewhere before this one listened
                var patience = isRead ? Poll : Young;
                await wakeUp.WaitAsync(left < patience ? left : patience, either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // read it once more, as it stands
            }

            isRead = true;
        }
    }

    /// <summary>By its id, which tells when it began. Where clocks differ it is read once more, or found a moment later.</summary>
    private bool IsYoung(Guid id) =>
        id.Version == 7 && time.GetUtcNow().ToUnixTimeMilliseconds() - (long)(BinaryPrimitives.ReadUInt64BigEndian(id.ToByteArray(bigEndian: true)) >> 16) < Young.TotalMilliseconds;
}
