using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Health;

/// <summary>A DIMM's health, security or firmware was changed: the operation gives the health as it is now.</summary>
public sealed class HealthCompletion(TimeProvider time) : ITaskCompletion
{
    public IReadOnlyCollection<string> Kinds => [OperationKinds.InjectSmart, OperationKinds.DimmSecurity, OperationKinds.DimmFirmware];

    public async Task CompleteAsync(FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken)
    {
        var hosts = await FinishedHosts.LoadAsync(db, tasks, time.GetUtcNow(), cancellationToken);
        var media = await DimmProjection.MediaOf(db, hosts.Tasks.SelectMany(pair => pair.Host.Rows.Dimms).DistinctBy(row => row.Id), cancellationToken);
        foreach (var (task, host) in hosts.Tasks)
        {
            if (task.Refusal is null && host.FindDimm(task.Operation.Subject!) is { } row && media.GetValueOrDefault(row.Id)?.Health is { } health)
            {
                // the driver meets a locked DIMM when it probes it, at the next boot or enable
                row.Locked = health.Security.State == "locked";
                task.Succeed(HealthProjection.ToDto(host.Name, row.Name, health), Etag.Of(row.Id, row.Version));
            }
        }

        await db.SaveChangesAsync(cancellationToken);
    }
}
