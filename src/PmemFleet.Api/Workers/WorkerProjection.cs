using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Api.Workers;

/// <summary>A worker's row with what is counted of it.</summary>
public sealed class WorkerProjection
{
    public required WorkerRow Worker { get; init; }

    public required DateTimeOffset? LeaseExpiresAt { get; init; }

    /// <summary>By the database's clock, as everywhere.</summary>
    public required bool Live { get; init; }

    public required int HostCount { get; init; }

    public static IQueryable<WorkerProjection> Read(FleetDbContext db) =>
        from worker in db.Workers.AsNoTracking()
        join lease in db.WorkerLeases.AsNoTracking() on worker.Id equals lease.WorkerId into leases
        from lease in leases.DefaultIfEmpty()
        select new WorkerProjection
        {
            Worker = worker,
            LeaseExpiresAt = lease == null ? null : lease.ExpiresAt,
            Live = lease != null && db.WorkerLeases.FromSql($"SELECT * FROM worker_leases WHERE expires_at > now()").Any(live => live.WorkerId == worker.Id),
            HostCount = db.Hosts.Count(host => host.WorkerId == worker.Id),
        };

    public WorkerDto ToDto() => new()
    {
        Id = Worker.Id,
        Name = Worker.Name,
        MediaPool = Worker.MediaPool,
        AdvertisedUrl = Worker.AdvertisedUrl,
        State = !Live ? "lost" : !Worker.Draining ? "live" : HostCount > 0 ? "draining" : "drained",
        LeaseExpiresAt = LeaseExpiresAt,
        HostCount = HostCount,
        MediaFull = Worker.MediaFull,
        Version = Worker.ProgramVersion,
    };
}
