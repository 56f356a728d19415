using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
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
            var hash = ApiKeySecret.Hash(given);
            var former = await db.ApiKeys.Where(key => key.Bootstrap && key.RevokedAt == null && key.Hash != hash).ToListAsync(cancellationToken);
            former.ForEach(key => key.RevokedAt = now);
            if (!await db.ApiKeys.AnyAsync(key => key.Hash == hash, cancellationToken))
            {
                db.ApiKeys.Add(NewKey(given, now));
            }

            return null;
        }

        if (await db.ApiKeys.AnyAsync(key => key.Role == Roles.Admin && key.RevokedAt == null && (key.ExpiresAt == null || key.ExpiresAt > now), cancellationToken))
        {
            return null;
        }

        var made = ApiKeySecret.Create();
        db.ApiKeys.Add(NewKey(made, now));
        return made;
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
