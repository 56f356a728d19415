using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Events;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Access;

/// <summary>The first admin key: from the environment, or made and printed once where there is no admin key at all.</summary>
public sealed class BootstrapAdmin(FleetTransactions transactions, IOptions<AuthOptions> options, TimeProvider time)
{
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        var printed = await transactions.RunAsync(EnsureAsync, cancellationToken);
        if (printed is not null)
        {
            // to the console and not to the log: logs are shipped, and this is shown once
            await Console.Out.WriteLineAsync($"PmemFleet: the first admin key, shown only now: {printed}");
        }
    }

    private async Task<string?> EnsureAsync(FleetDbContext db, CancellationToken cancellationToken)
    {
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({AdvisoryLocks.BootstrapAdmin})", cancellationToken);
        var now = time.GetUtcNow();
        if (options.Value.BootstrapAdminKey is { } given)
        {
            // one that is known is not made again, and takes nobody's place: a replica that starts once more with the former configuration must not bring
            // the key before the last one back, nor one that an admin has revoked
            var hash = ApiKeySecret.Hash(given);
            if (!await db.ApiKeys.AnyAsync(key => key.Hash == hash, cancellationToken))
            {
                await ReplaceAsync(db, NewKey(given, now), now, cancellationToken);
            }

            return null;
        }

        if (await db.ApiKeys.AnyAsync(key => key.Role == Roles.Admin && key.RevokedAt == null && (key.ExpiresAt == null || key.ExpiresAt > now), cancellationToken))
        {
            return null;
        }

        var made = ApiKeySecret.Create();
        Add(db, NewKey(made, now), now);
        return made;
    }

    private static async Task ReplaceAsync(FleetDbContext db, ApiKeyRow made, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var former in await db.ApiKeys.Where(key => key.Bootstrap && key.RevokedAt == null).ToListAsync(cancellationToken))
        {
            former.RevokedAt = now;
            former.Version++;
            db.AppendEvent("api-key.revoked", "system", now, subject: former.Name, dataJson: FleetWriteContext.ToJson(ApiKeyProjection.ToDto(former)));
        }

        Add(db, made, now);
    }

    private static void Add(FleetDbContext db, ApiKeyRow made, DateTimeOffset now)
    {
        db.ApiKeys.Add(made);
        db.AppendEvent("api-key.created", "system", now, subject: made.Name, dataJson: FleetWriteContext.ToJson(ApiKeyProjection.ToDto(made)));
        db.WakeAfterCommit(WakeUps.ApiKeys);
    }

    private static ApiKeyRow NewKey(string key, DateTimeOffset now) => new()
    {
        Id = Guid.CreateVersion7(now),
        Name = "bootstrap",
        Role = Roles.Admin,
        Prefix = ApiKeySecret.PrefixOf(key),
        Hash = ApiKeySecret.Hash(key),
        CreatedAt = now,
        Bootstrap = true,
    };
}
