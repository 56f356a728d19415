using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.DataPlane;

/// <summary>Finds the worker that holds a host.</summary>
public sealed class WorkerTargets(WorkerCredentials credentials)
{
    /// <summary>The worker, or why the host's data plane cannot be reached now.</summary>
    public async Task<(WorkerTarget? Target, RefusalDto? Refusal)> FindAsync(
        FleetDbContext db, string hostName, CancellationToken cancellationToken)
    {
        var found = await db.Hosts.AsNoTracking().Where(host => host.Name == hostName)
            .Select(host => new { Host = host, Worker = db.Workers.FirstOrDefault(worker => worker.Id == host.WorkerId) })
            .SingleOrDefaultAsync(cancellationToken);
        return found switch
        {
            null => (null, ProblemResults.NotFound("host", hostName)),
            { Host.Power: HostRow.Off } => (null, WorkerRefusals.HostOff(hostName)),
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
