using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using PmemFleet.Api.Access;
using PmemFleet.Api.Events;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Api.Workers;

/// <summary>
/// A worker's process takes its name. A former process of the name is fenced from then on, and the hosts it held begin a new epoch, on this one
/// if it lives. The same process asking twice (its first answer was lost) changes nothing.
/// </summary>
public sealed partial class JoinWorker(FleetTransactions transactions, WorkerCredentials credentials, IOptions<WorkersOptions> options, TimeProvider time)
{
    private const int LongestUrl = 2048;

    /// <summary>Why the request cannot join, or null.</summary>
    public static RefusalDto? Check(JoinRequest request) =>
        !Name().IsMatch(request.Name!) ? Invalid("worker-name", "name", "A worker's name has 1 to 63 lower-case letters, digits, '-' and '.'.")
        : !Name().IsMatch(request.MediaPool!) ? Invalid("media-pool-name", "mediaPool", "A media pool's name has 1 to 63 lower-case letters, digits, '-' and '.'.")
        : !IsReachable(request.AdvertisedUrl!)
            ? Invalid("advertised-url", "advertisedUrl", "The advertised URL is an absolute http or https URL of up to 2048 characters, without a user, a query or a fragment.")
        : request.InstanceId == Guid.Empty ? Invalid("instance-id", "instanceId", "The instance id is a UUID of its own for each start.")
        : request.PoolId == Guid.Empty ? Invalid("pool-id", "poolId", "The id of a media folder is a UUID.")
        : request.Version!.Length > 100 ? Invalid("program-version", "version", "A version has up to 100 characters.")
        : null;

    /// <summary>What the worker needs, or why it cannot have the name.</summary>
    public Task<(JoinResponse? Joined, RefusalDto? Refusal)> RunAsync(JoinRequest request, CancellationToken cancellationToken) => transactions.RunAsync<(JoinResponse?, RefusalDto?)>(
        async (db, token) =>
        {
            var now = time.GetUtcNow();
            if (await PoolIdentity.CheckAsync(db, request, now, token) is { } wrongFolder)
            {
                return (null, wrongFolder);
            }

            if (await TakeNameAsync(db, request, now, token) is not { } worker)
            {
                return (null, Taken(request.Name!));
            }

            var lease = TimeSpan.FromSeconds(options.Value.LeaseSeconds);

            // the same process within its lease asks again; any other join begins anew
            var renewed = await db.Database.ExecuteSqlAsync(
                $"UPDATE worker_leases SET expires_at = now() + {lease} WHERE worker_id = {worker.Id} AND instance_id = {request.InstanceId} AND expires_at > now()",
                token);
            if (renewed == 0)
            {
                await db.Database.ExecuteSqlAsync(
                    $"""
                    INSERT INTO worker_leases (worker_id, instance_id, expires_at) VALUES ({worker.Id}, {request.InstanceId}, now() + {lease})
                    ON CONFLICT (worker_id) DO UPDATE SET instance_id = EXCLUDED.instance_id, expires_at = EXCLUDED.expires_at
                    """,
                    token);
                await db.Database.ExecuteSqlAsync($"UPDATE hosts SET worker_instance_id = {Guid.Empty} WHERE worker_id = {worker.Id}", token);
                db.AppendEvent("worker.joined", $"worker:{worker.Name}", now, subject: worker.Name);
            }

            db.WakeAfterCommit(WakeUps.Placement);
            db.WakeAfterCommit(WakeUps.Worker(worker.Id));
            var identity = new WorkerIdentity(worker.Id, request.InstanceId!.Value, worker.Name);
            var joined = new JoinResponse
            {
                WorkerId = worker.Id,
                Credential = credentials.Issue(identity),
                DataPlaneCredential = credentials.DataPlane(worker.Id, identity.InstanceId),
                LeaseSeconds = options.Value.LeaseSeconds,
            };
            return (joined, null);
        },
        cancellationToken);

    /// <summary>
    /// The worker of the name; null where a live one of another pool has it. (Within its pool a process takes the name of the one before, which it cannot be told from
    /// a restart of; its media are there for both. In another pool they are not, and the hosts that the live one holds would be nobody's.)
    /// </summary>
    private static async Task<WorkerRow?> TakeNameAsync(FleetDbContext db, JoinRequest request, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // what another join has just made of the name is seen by the statement behind the lock, and not by one that waits for it
        await db.Database.ExecuteSqlAsync($"SELECT FROM workers WHERE name = {request.Name} FOR UPDATE", cancellationToken);
        var taken = await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO workers (id, name, media_pool, advertised_url, program_version, draining, version, joined_at)
            VALUES ({Guid.CreateVersion7(now)}, {request.Name}, {request.MediaPool}, {request.AdvertisedUrl}, {request.Version}, false, 1, {now})
            ON CONFLICT (name) DO UPDATE SET media_pool = EXCLUDED.media_pool, advertised_url = EXCLUDED.advertised_url,
                program_version = EXCLUDED.program_version, version = workers.version + 1, joined_at = EXCLUDED.joined_at
            WHERE workers.media_pool = EXCLUDED.media_pool
               OR NOT EXISTS (SELECT FROM worker_leases l WHERE l.worker_id = workers.id AND l.expires_at > now())
            """,
            cancellationToken);
        return taken == 0 ? null : await db.Workers.AsNoTracking().SingleAsync(worker => worker.Name == request.Name, cancellationToken);
    }

    private static bool IsReachable(string advertised) =>
        advertised.Length <= LongestUrl && Uri.TryCreate(advertised, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
        && url is { Host.Length: > 0, UserInfo.Length: 0, Query.Length: 0, Fragment.Length: 0 };

    private static RefusalDto Taken(string name) => new()
    {
        Errno = "EBUSY",
        Code = "worker-name-taken",
        Message = $"A live worker of another media pool has the name '{name}': choose another one, or wait until its lease ends.",
        Subject = "name",
    };

    private static RefusalDto Invalid(string code, string subject, string message) =>
        new() { Errno = "EINVAL", Code = code, Message = message, Subject = subject };

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?\z")]
    private static partial Regex Name();
}
