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
    /// <summary>Why the request cannot join, or null.</summary>
    public static RefusalDto? Check(JoinRequest request) =>
        !Name().IsMatch(request.Name!) ? Invalid("worker-name", "name", "A worker's name has 1 to 63 lower-case letters, digits, '-' and '.'.")
        : !Name().IsMatch(request.MediaPool!) ? Invalid("media-pool-name", "mediaPool", "A media pool's name has 1 to 63 lower-case letters, digits, '-' and '.'.")
        : !Uri.TryCreate(request.AdvertisedUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.UserInfo.Length > 0
            ? Invalid("advertised-url", "advertisedUrl", "The advertised URL is an absolute http or https URL.")
        : request.InstanceId == Guid.Empty ? Invalid("instance-id", "instanceId", "The instance id is a UUID of its own for each start.")
        : request.Version!.Length > 100 ? Invalid("program-version", "version", "A version has up to 100 characters.")
        : null;

    public Task<JoinResponse> RunAsync(JoinRequest request, CancellationToken cancellationToken) => transactions.RunAsync(
        async (db, token) =>
        {
            var now = time.GetUtcNow();
            var worker = await TakeNameAsync(db, request, now, token);
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
            return new JoinResponse
            {
                WorkerId = worker.Id,
                Credential = credentials.Issue(identity),
                DataPlaneCredential = credentials.DataPlane(worker.Id, identity.InstanceId),
                LeaseSeconds = options.Value.LeaseSeconds,
            };
        },
        cancellationToken);

    private static async Task<WorkerRow> TakeNameAsync(FleetDbContext db, JoinRequest request, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO workers (id, name, media_pool, advertised_url, program_version, draining, version, joined_at)
            VALUES ({Guid.CreateVersion7(now)}, {request.Name}, {request.MediaPool}, {request.AdvertisedUrl}, {request.Version}, false, 1, {now})
            ON CONFLICT (name) DO UPDATE SET media_pool = EXCLUDED.media_pool, advertised_url = EXCLUDED.advertised_url,
                program_version = EXCLUDED.program_version, version = workers.version + 1, joined_at = EXCLUDED.joined_at
            """,
            cancellationToken);
        return await db.Workers.AsNoTracking().SingleAsync(worker => worker.Name == request.Name, cancellationToken);
    }

    private static RefusalDto Invalid(string code, string subject, string message) =>
        new() { Errno = "EINVAL", Code = code, Message = message, Subject = subject };

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?\z")]
    private static partial Regex Name();
}
