using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Hosts;

namespace PmemFleet.Api.Hosts;

/// <summary>The hosts of finished tasks, loaded with a fixed number of statements however many there are.</summary>
public sealed class FinishedHosts
{
    private readonly Dictionary<Guid, string> _workers;

    private FinishedHosts(IReadOnlyList<(FinishedTask Task, HostAggregate Host)> tasks, Dictionary<Guid, string> workers) => (Tasks, _workers) = (tasks, workers);

    /// <summary>In order; several of one host share its aggregate.</summary>
    public IReadOnlyList<(FinishedTask Task, HostAggregate Host)> Tasks { get; }

    public static async Task<FinishedHosts> LoadAsync(
        FleetDbContext db, IReadOnlyList<FinishedTask> tasks, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // a completion before this one may have added rows that a query would not find
        await db.SaveChangesAsync(cancellationToken);
        var hosts = (await HostAggregate.LoadAsync(db, [.. tasks.Select(task => task.Host).DistinctBy(host => host.Id)], now, cancellationToken))
            .ToDictionary(host => host.Host.Id);
        Guid[] ids = [.. hosts.Values.Select(host => host.Host.WorkerId).OfType<Guid>().Distinct()];
        var workers = await db.Workers.Where(worker => ids.Contains(worker.Id)).ToDictionaryAsync(worker => worker.Id, worker => worker.Name, cancellationToken);
        return new FinishedHosts([.. tasks.Select(task => (task, hosts[task.Host.Id]))], workers);
    }

    public HostDto ToDto(HostAggregate host) =>
        HostProjection.ToDto(host.Rows, host.Host.WorkerId is { } id ? _workers.GetValueOrDefault(id) : null);
}
