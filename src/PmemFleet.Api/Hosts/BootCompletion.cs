using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Sync;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Hosts;

/// <summary>A host that begins an epoch is up.</summary>
public sealed class BootCompletion(TimeProvider time) : ITaskCompletion
{
    public IReadOnlyCollection<string> Kinds => [IHostBoot.Kind];

    public async Task CompleteAsync(FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken)
    {
        var hosts = await FinishedHosts.LoadAsync(db, tasks, time.GetUtcNow(), cancellationToken);
        var workers = await hosts.WorkerNamesAsync(db, cancellationToken);
        Guid[] ids = [.. tasks.Select(task => task.Host.Id)];
        var aboutToGoDown = (await db.Tasks.Where(task => ids.Contains(task.HostId) && !task.Done && task.Kind == OperationKinds.Power)
            .Select(task => task.HostId).ToListAsync(cancellationToken)).ToHashSet();
        foreach (var (task, host) in hosts.Tasks)
        {
            BindResults.Apply(host, task);
            host.Host.State = aboutToGoDown.Contains(host.Host.Id) ? HostRow.Booting : HostRow.Ready;
            host.Host.Version++;
            host.Save();
            if (task.Refusal is null || task.Given.Any(step => step is StepDone))
            {
                task.Succeed(FinishedHosts.ToDto(host, workers));
            }
        }

        await db.SaveChangesAsync(cancellationToken);
    }
}

/// <summary>A host was shut down or booted as a caller asked: the second half of a boot is the bind of what it finds.</summary>
public sealed class PowerCompletion(OperationQueue queue, TimeProvider time) : ITaskCompletion
{
    public IReadOnlyCollection<string> Kinds => [OperationKinds.Power];

    public async Task CompleteAsync(FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken)
    {
        var hosts = await FinishedHosts.LoadAsync(db, tasks, time.GetUtcNow(), cancellationToken);
        var workers = await hosts.WorkerNamesAsync(db, cancellationToken);
        var awaited = await HostBoot.AwaitedBindsAsync(
            db, [.. tasks.Select(task => task.Host.Id)], [.. tasks.Select(task => task.Task)], cancellationToken);
        foreach (var (task, host) in hosts.Tasks)
        {
            if (task.Refusal is not null && !task.Steps.Any(step => step is BindStep))
            {
                TakeBack(host, task.Steps);
                continue;
            }

            if (task.Steps.Any(step => step is BootStep))
            {
                host.Host.BootCount++;
                var binds = HostBoot.Bring(host, awaited[host.Host.Id]);
                host.Host.Version++;
                if (binds.Count > 0)
                {
                    host.Host.State = HostRow.Booting;
                    queue.Follow(db.Changes, host.Host, task.Operation, binds);
                    task.Continue();
                    continue;
                }
            }

            if (host.Host.Power == HostRow.Off)
            {
                ForgetDevices(host);
            }
            else
            {
                BindResults.Apply(host, task);
                host.Host.State = HostRow.Ready;
            }

            host.Host.Version++;
            host.Save();
            if (task.IsDamaged || task.IsCancelled)
            {
                // it is up, and nothing of it is bound: the caller may cut its power
                continue;
            }

            task.Succeed(FinishedHosts.ToDto(host, workers), Conventions.Etag.Of(host.Host.Id, host.Host.Version));
        }

        await db.SaveChangesAsync(cancellationToken);
    }

    /// <summary>The worker refused, or the caller cancelled: the host is as it was.</summary>
    private static void TakeBack(HostAggregate host, IReadOnlyList<TaskStep> steps)
    {
        var wasOff = steps is [BootStep { UnsafeShutdown: false }];
        host.Host.Power = wasOff ? HostRow.Off : HostRow.On;
        host.Host.State = wasOff || host.Host.WorkerId is null ? HostRow.Pending : HostRow.Ready;
        host.Host.Version++;
    }

    /// <summary>A host without power has no devices; labels stay.</summary>
    private static void ForgetDevices(HostAggregate host)
    {
        foreach (var region in host.Bus.Regions.Where(region => region.Namespaces.All(device => device.State != NamespaceState.Pending)).ToArray())
        {
            _ = host.Bus.DisableRegion(region.Name);
        }
    }
}
