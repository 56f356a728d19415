using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Hosts;

namespace PmemFleet.Api.Hosts;

/// <summary>The hosts of finished tasks, loaded with a fixed number of statements however many there are.</summary>
public sealed class FinishedHosts
{
    private FinishedHosts(IReadOnlyList<(FinishedTask Task, HostAggregate Host)> tasks) => Tasks = tasks;

    /// <summary>In order; several of one host share its aggregate.</summary>
    public IReadOnlyList<(FinishedTask Task, HostAggregate Host)> Tasks { get; }

    public static async Task<FinishedHosts> LoadAsync(
        FleetDbContext db, IReadOnlyList<FinishedTask> tasks, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // a completion before this one may have added rows that a query would not find
        await db.SaveChangesAsync(cancellationToken);
        var hosts = (await HostAggregate.LoadAsync(db, [.. tasks.Select(task => task.Host).DistinctBy(host => host.Id)], now, cancellationToken))
            .ToDictionary(host => host.Host.Id);
        return new FinishedHosts([.. tasks.Select(task => (task, hosts[task.Host.Id]))]);
    }

    /// <summary>The names of the workers that hold these hosts, which a host shows.</summary>
    public async Task<IReadOnlyDictionary<Guid, string>> WorkerNamesAsync(FleetDbContext db, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. Tasks.Select(task => task.Host.Host.WorkerId).OfType<Guid>().Distinct()];
        return await db.Workers.Where(worker => ids.Contains(worker.Id)).ToDictionaryAsync(worker => worker.Id, worker => worker.Name, cancellationToken);
    }

    public static HostDto ToDto(HostAggregate host, IReadOnlyDictionary<Guid, string> workers) =>
        HostProjection.ToDto(host.Rows, host.Host.WorkerId is { } id ? workers.GetValueOrDefault(id) : null);
}
