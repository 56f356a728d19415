using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Hosts;

namespace PmemFleet.Api.Hosts;

/// <summary>Waits for a new host's first boot, so that a caller's next request finds its devices. Nothing depends on it: the host is there already.</summary>
public sealed class HostReadiness(FleetDbContext db, GracefulShutdown shutdown, TimeProvider time)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(40);

    /// <summary>The answer as it is once the host is ready, or the caller's patience is over, or no worker could boot it.</summary>
    public async Task<IActionResult> AwaitAsync(HttpContext http, CreateHostRequest request, IActionResult answered)
    {
        if (answered is not WriteAnswerResult { Answer: { Status: StatusCodes.Status201Created, DryRun: false, Replayed: false } answer })
        {
            return answered;
        }

        var patience = Preference.WaitOf(http);
        var start = time.GetTimestamp();
        while (time.GetElapsedTime(start) < patience && !shutdown.IsStopping && await HasWorkerAsync(request.MediaPool ?? "default", http.RequestAborted))
        {
            if (await HostProjection.FindAsync(db, request.Name!, http.RequestAborted) is { Value.State: HostRow.Ready } ready)
            {
                return new WriteAnswerResult(answer with { Body = FleetJson.ToUtf8(ready.Value), Etag = ready.Etag });
            }

            await Task.Delay(Poll, time, http.RequestAborted);
        }

        return answered;
    }

    private Task<bool> HasWorkerAsync(string pool, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return (from worker in db.Workers
                join lease in db.WorkerLeases on worker.Id equals lease.WorkerId
                where worker.MediaPool == pool && !worker.Draining && lease.ExpiresAt > now
                select worker).AnyAsync(cancellationToken);
    }
}
