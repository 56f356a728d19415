using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.DataPlane;

/// <summary>Finds the worker that holds a host.</summary>
public sealed class WorkerTargets(WorkerCredentials credentials, TimeProvider time)
{
    /// <summary>How long a request waits for a host that boots or moves to another worker.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Sends a request to the host's worker, and again where the host moved meanwhile: a worker that says so has done nothing of it that counts.
    /// </summary>
    /// <param name="db">Where the host is looked up.</param>
    /// <param name="hostName">The host.</param>
    /// <param name="send">Sends the request; called again only if it can be, which <paramref name="repeatable"/> says.</param>
    /// <param name="repeatable">The request's body is still there.</param>
    /// <param name="cancellationToken">The caller left.</param>
    public async Task<WorkerAnswer<T>> SendAsync<T>(
        FleetDbContext db, string hostName, Func<WorkerTarget, Task<WorkerAnswer<T>>> send, bool repeatable, CancellationToken cancellationToken)
        where T : class
    {
        var start = time.GetTimestamp();
        while (true)
        {
            var (target, refusal) = await FindReadyAsync(db, hostName, start, cancellationToken);
            var answer = target is null ? new WorkerAnswer<T> { Refusal = refusal } : await send(target);
            if (target is null || !repeatable || answer.Refusal is not { Code: "host-not-ready" } || time.GetElapsedTime(start) >= Patience)
            {
                return answer;
            }

            await Task.Delay(Poll, time, cancellationToken);
        }
    }

    /// <summary>The worker of a host that is up, waiting a while for one that boots or moves; or why its data plane cannot be reached now.</summary>
    /// <param name="db">Where the host is looked up.</param>
    /// <param name="hostName">The host.</param>
    /// <param name="cancellationToken">The caller left.</param>
    /// <param name="poweredOff">Also one that is powered off: its media is there all the same.</param>
    public Task<(WorkerTarget? Target, RefusalDto? Refusal)> FindReadyAsync(
        FleetDbContext db, string hostName, CancellationToken cancellationToken, bool poweredOff = false) =>
        FindReadyAsync(db, hostName, time.GetTimestamp(), cancellationToken, poweredOff);

    private async Task<(WorkerTarget? Target, RefusalDto? Refusal)> FindReadyAsync(
        FleetDbContext db, string hostName, long start, CancellationToken cancellationToken, bool poweredOff = false)
    {
        while (true)
        {
            var found = await FindAsync(db, hostName, poweredOff, cancellationToken);
            if (found.Refusal is not { Code: "host-not-ready" } || time.GetElapsedTime(start) >= Patience)
            {
                return found;
            }

            await Task.Delay(Poll, time, cancellationToken);
        }
    }

    /// <summary>The worker, or why the host's data plane cannot be reached now.</summary>
    private async Task<(WorkerTarget? Target, RefusalDto? Refusal)> FindAsync(
        FleetDbContext db, string hostName, bool poweredOff, CancellationToken cancellationToken)
    {
        var found = await db.Hosts.AsNoTracking().Where(host => host.Name == hostName)
            .Select(host => new { Host = host, Worker = db.Workers.FirstOrDefault(worker => worker.Id == host.WorkerId) })
            .SingleOrDefaultAsync(cancellationToken);
        return found switch
        {
            null => (null, ProblemResults.NotFound("host", hostName)),
            { Host.Power: HostRow.Off } when !poweredOff => (null, WorkerRefusals.HostOff(hostName)),
            { Host.State: HostRow.Booting } => (null, WorkerRefusals.HostNotReady(hostName, "it boots, or moves to another worker")),
            { Worker: null } => (null, WorkerRefusals.HostNotReady(hostName, "no worker holds it yet")),
            { Host: var host, Worker: var worker } => (new WorkerTarget
            {
                HostId = host.Id,
                HostName = host.Name,
                Epoch = host.Epoch,
                WorkerName = worker.Name,
                AdvertisedUrl = new Uri(worker.AdvertisedUrl),
                Credential = credentials.DataPlane(worker.Id, host.WorkerInstanceId!.Value),
            }, null),
        };
    }
}
