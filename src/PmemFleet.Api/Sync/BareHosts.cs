using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>Hosts with nothing plugged in. It goes when the resources are merged.</summary>
internal sealed class BareHosts(OperationQueue queue) : IHostBoot, IHostLayouts, IDimmObservationSink, ITaskCompletion
{
    public IReadOnlyCollection<string> Kinds => [IHostBoot.Kind];

    public Task BootAsync(FleetDbContext db, IReadOnlyList<HostBootRequest> hosts, CancellationToken cancellationToken)
    {
        foreach (var (host, isUnsafe) in hosts.Where(request => request.Host.Power == HostRow.On))
        {
            host.State = HostRow.Booting;
            host.BootCount++;
            queue.Enqueue(db, host, new OperationRequest(IHostBoot.Kind, [new BootStep { UnsafeShutdown = isUnsafe }], "system"));
        }

        return Task.CompletedTask;
    }

    public Task CompleteAsync(FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken)
    {
        foreach (var task in tasks)
        {
            task.Host.State = HostRow.Ready;
            task.Host.Version++;
        }

        return Task.CompletedTask;
    }

    public Task<IReadOnlyDictionary<Guid, HostLayout>> LoadAsync(FleetDbContext db, IReadOnlyList<Guid> hostIds, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyDictionary<Guid, HostLayout>>(db.Hosts.Where(host => hostIds.Contains(host.Id)).ToDictionary(
            host => host.Id,
            host => new HostLayout
            {
                HostName = host.Name,
                SupportsPud = host.SupportsPud,
                PageTableLevels = host.PageTableLevels,
                Profile = host.Profile,
                Dimms = [],
                Regions = [],
            }));

    public Task ApplyAsync(FleetDbContext db, IReadOnlyList<DimmObservation> observations, CancellationToken cancellationToken) => Task.CompletedTask;
}
