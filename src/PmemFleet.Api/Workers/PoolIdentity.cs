using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Events;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Api.Workers;

/// <summary>
/// Whether the media folder of a worker that joins is its pool's. A folder with an id has to have the pool's; one without gets it only where the pool is new, or
/// where the operator declares it. Nothing is assumed of an empty folder: it may be a volume that is not mounted.
/// </summary>
internal static class PoolIdentity
{
    /// <summary>Why the folder is refused; null where it is the pool's, from now on.</summary>
    public static async Task<RefusalDto?> CheckAsync(FleetDbContext db, JoinRequest request, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (request.PoolId is not { } id)
        {
            return null;
        }

        var name = request.MediaPool!;
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({AdvisoryLocks.MediaPools})", cancellationToken);
        if (await db.Set<MediaPoolRow>().AsNoTracking().SingleOrDefaultAsync(pool => pool.PoolId == id && pool.Name != name, cancellationToken) is { } other)
        {
            return Refuse("media-pool-other", $"The media folder is that of the pool '{other.Name}', and the worker joins as one of '{name}': are two volumes swapped?", id, null);
        }

        var known = await db.Set<MediaPoolRow>().AsTracking().SingleOrDefaultAsync(pool => pool.Name == name, cancellationToken);
        if (known?.PoolId == id)
        {
            return null;
        }

        var isEmpty = request.PoolState == PoolStates.Empty;
        if (known is not null && !isEmpty)
        {
            return Refuse("media-pool-mismatch", $"The media folder is not that of the pool '{name}': its volume is another one, or an older copy without an id.", id, known.PoolId);
        }

        if (isEmpty && !request.NewPool && await IsInUseAsync(db, known, request, cancellationToken))
        {
            return Refuse(
                "media-pool-empty",
                $"The media folder is empty, but the pool '{name}' is in use: mount its volume or restore it. To begin with an empty folder, start the worker with PMEMFLEET__WORKER__NEWPOOL=true.",
                null,
                known?.PoolId);
        }

        if (known is null)
        {
            db.Add(new MediaPoolRow { Name = name, PoolId = id, CreatedAt = now });
        }
        else
        {
            known.PoolId = id;
        }

        await db.SaveChangesAsync(cancellationToken);
        db.AppendEvent("media-pool.registered", $"worker:{request.Name}", now, subject: name);
        return null;
    }

    /// <summary>
    /// A host of the pool was given to a worker, or another worker of the pool is about to write the id into the folder that both have.
    /// </summary>
    private static Task<bool> IsInUseAsync(FleetDbContext db, MediaPoolRow? known, JoinRequest request, CancellationToken cancellationToken)
    {
        var (pool, name) = (request.MediaPool!, request.Name!);
        return known is null
            ? db.Hosts.AnyAsync(host => host.MediaPool == pool && host.Epoch > 0, cancellationToken)
            : db.Hosts.Where(host => host.MediaPool == pool && host.Epoch > 0).Select(_ => 1)
                .Concat(db.WorkerLeases.FromSql($"SELECT * FROM worker_leases WHERE expires_at > now()")
                    .Join(db.Workers, lease => lease.WorkerId, worker => worker.Id, (_, worker) => worker)
                    .Where(worker => worker.MediaPool == pool && worker.Name != name).Select(_ => 1))
                .AnyAsync(cancellationToken);
    }

    private static RefusalDto Refuse(string code, string message, Guid? found, Guid? expected) => new()
    {
        Errno = "EBUSY",
        Code = code,
        Message = message,
        Subject = "poolId",
        Numbers = new[] { ("found", found), ("expected", expected) }.Where(pair => pair.Item2 is not null).ToDictionary(pair => pair.Item1, pair => $"{pair.Item2}"),
    };
}
