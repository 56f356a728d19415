using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Access;

/// <summary>A key that was found, as long as it is good.</summary>
public sealed record KnownKey(Guid Id, string Name, string Role, DateTimeOffset? ExpiresAt);

/// <summary>
/// Looks keys up by their hash. What was found is remembered for a few seconds, and forgotten at once when a key changes on any replica.
/// </summary>
public sealed class ApiKeys(IDbContextFactory<FleetDbContext> contexts, TimeProvider time)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, (KnownKey Key, long At)> _known = new();
    private long _changes;

    /// <summary>The key, or null where it is unknown, revoked or expired.</summary>
    public async Task<KnownKey?> FindAsync(string presented, CancellationToken cancellationToken)
    {
        var hash = ApiKeySecret.Hash(presented);
        var index = Convert.ToHexString(hash);
        if (_known.TryGetValue(index, out var remembered) && time.GetElapsedTime(remembered.At) < Remembered)
        {
            return IsGood(remembered.Key);
        }

        var (at, changes) = (time.GetTimestamp(), Volatile.Read(ref _changes));
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var row = await db.ApiKeys.AsNoTracking().SingleOrDefaultAsync(key => key.Hash == hash, cancellationToken);
        if (row is null || row.RevokedAt is not null || !CryptographicOperations.FixedTimeEquals(row.Hash, hash))
        {
            _known.TryRemove(index, out _);
            return null;
        }

        var key = new KnownKey(row.Id, row.Name, row.Role, row.ExpiresAt);

        // what was read before a change is not what is remembered after it
        if (Volatile.Read(ref _changes) == changes)
        {
            _known[index] = (key, at);
            if (Volatile.Read(ref _changes) != changes)
            {
                _known.TryRemove(index, out _);
            }
        }

        return IsGood(key);
    }

    /// <summary>True where this very key was good lately; only <see cref="FindAsync"/> says whether it still is.</summary>
    public bool IsRemembered(string presented) =>
        presented.StartsWith(ApiKeySecret.Start, StringComparison.Ordinal) && _known.ContainsKey(Convert.ToHexString(ApiKeySecret.Hash(presented)));

    public void Forget()
    {
        Interlocked.Increment(ref _changes);
        _known.Clear();
    }

    private KnownKey? IsGood(KnownKey key) => key.ExpiresAt is { } end && end <= time.GetUtcNow() ? null : key;
}

/// <summary>Forgets remembered keys when one changes, here or on another replica.</summary>
public sealed class ApiKeyForgetting(ApiKeys keys, WakeUps wakeUps) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var changed = wakeUps.Subscribe(WakeUps.ApiKeys);
        while (!stoppingToken.IsCancellationRequested)
        {
            await changed.WaitAsync(TimeSpan.FromMinutes(1), stoppingToken);
            keys.Forget();
        }
    }
}
