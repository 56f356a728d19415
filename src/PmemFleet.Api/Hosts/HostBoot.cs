using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Sync;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Hosts;

/// <summary>Boots hosts that begin an epoch on a worker.</summary>
public sealed class HostBoot(OperationQueue queue, TimeProvider time) : IHostBoot
{
    public async Task BootAsync(FleetDbContext db, IReadOnlyList<HostBootRequest> hosts, CancellationToken cancellationToken)
    {
        var booting = hosts.Where(request => request.Host.Power == HostRow.On).ToDictionary(request => request.Host.Id);
        var awaited = await AwaitedBindsAsync(db, [.. booting.Keys], [], cancellationToken);
        var aggregates = await HostAggregate.LoadAsync(db, [.. booting.Values.Select(request => request.Host)], time.GetUtcNow(), cancellationToken);
        foreach (var host in aggregates)
        {
            var binds = Bring(host, awaited[host.Host.Id]);
            host.Host.State = HostRow.Booting;
            host.Host.BootCount++;
            queue.Enqueue(db.Changes, host.Host, new OperationRequest(
                IHostBoot.Kind, [new BootStep { UnsafeShutdown = booting[host.Host.Id].UnsafeShutdown }, .. binds], "system"));
        }
    }

    /// <summary>
    /// What comes up after a boot. Where nothing waits in the host's queue, everything is probed anew from labels, as Linux does. Where something
    /// waits, its devices must still be there under their names: then what was bound is bound again, and what a waiting task is about to bind is
    /// left to that task. Either way a change that was accepted is not lost.
    /// </summary>
    /// <param name="host">The host; saved on return.</param>
    /// <param name="waiting">For each waiting task the namespaces that it binds.</param>
    public static IReadOnlyList<TaskStep> Bring(HostAggregate host, IEnumerable<IReadOnlyList<string>> waiting)
    {
        var tasks = waiting.ToList();
        IReadOnlyList<MediaStep> steps;
        if (tasks.Count == 0)
        {
            steps = host.Bus.PowerCycle();
        }
        else
        {
            var theirs = tasks.SelectMany(names => names).ToHashSet();
            host.Replace(Rebinding.Prepare(host.Bus.Snapshot(), theirs, out var names));
            steps = [.. names.Select(name => host.Bus.EnableNamespace(name)).Where(change => change.Refusal is null).SelectMany(change => change.Value.Steps)];
        }

        host.Save();
        return host.ToTaskSteps(steps, continueOnFailure: true);
    }

    /// <summary>By host: the namespaces that each task of its queue binds.</summary>
    /// <param name="db">Where the queue is.</param>
    /// <param name="hostIds">The hosts.</param>
    /// <param name="except">Tasks whose results are being applied now. What stands before one of them in its host's queue has been executed too: a sync may bring both.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<ILookup<Guid, IReadOnlyList<string>>> AwaitedBindsAsync(
        FleetDbContext db, Guid[] hostIds, IReadOnlyCollection<TaskRow> except, CancellationToken cancellationToken)
    {
        // tracked, because the caller may have ended some that are not saved yet
        var tasks = await db.Tasks.AsTracking().Where(task => hostIds.Contains(task.HostId) && !task.Done).ToListAsync(cancellationToken);
        var executed = except.GroupBy(task => task.HostId).ToDictionary(group => group.Key, group => group.Max(task => task.Sequence));
        // a long step runs beside the queue and binds nothing: it does not keep a boot from probing anew
        return (from task in tasks
                where !task.Done && task.Sequence > executed.GetValueOrDefault(task.HostId)
                let steps = task.ReadSteps()
                where steps is not [LongStep]
                select (task.HostId, Binds: (IReadOnlyList<string>)[.. steps.OfType<BindStep>().Select(step => step.Namespace)]))
            .ToLookup(waiting => waiting.HostId, waiting => waiting.Binds);
    }
}
