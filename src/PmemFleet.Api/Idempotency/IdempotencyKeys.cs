using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Idempotency;

/// <summary>SHA-256 of the request's body, set by whoever reads the body.</summary>
public sealed record BodyDigest(byte[] Sha256);

/// <summary>What a key stands for, inside the transaction that claimed it.</summary>
public enum ClaimState
{
    /// <summary>Never used, or expired: go ahead.</summary>
    Fresh,

    /// <summary>Another request with this key has not ended.</summary>
    InFlight,

    /// <summary>Used for another request.</summary>
    Reused,

    /// <summary>Used for this very request: give its answer again.</summary>
    Replay,
}

/// <summary>A claim and, for a replay, the stored answer.</summary>
public readonly record struct Claim(ClaimState State, IdempotencyKeyRow? Stored);

/// <summary>
/// Idempotency keys. A key is remembered by an effect only: it is written in the effect's transaction, and a refused request, which changed
/// nothing, leaves its key free.
/// </summary>
public static class IdempotencyKeys
{
    public static readonly TimeSpan Kept = TimeSpan.FromHours(24);

    /// <summary>1 to 200 visible ASCII characters.</summary>
    public static bool IsWellFormed(string key) => key.Length is >= 1 and <= 200 && key.All(c => c is >= '!' and <= '~');

    /// <summary>What makes two requests the same: method, path, query, body.</summary>
    public static byte[] Fingerprint(HttpRequest request)
    {
        var head = Encoding.UTF8.GetBytes($"{request.Method} {request.Path}{request.QueryString}\n");
        var body = request.HttpContext.Features.Get<BodyDigest>()?.Sha256 ?? [];
        return SHA256.HashData([.. head, .. body]);
    }

    /// <summary>
    /// Claims keys until the transaction ends, without waiting: a claim that another transaction holds is in flight. The locks come
    /// first and the look second, each with its own snapshot, so what the former holder committed is seen. Of a key that is there twice, the
    /// first has it.
    /// </summary>
    public static async Task<Claim[]> ClaimAsync(FleetDbContext db, IReadOnlyList<PresentedKey> keys, DateTimeOffset now, CancellationToken cancellationToken)
    {
        string[] names = [.. keys.Select(key => $"{key.Caller}\n{key.Key}")];
        var held = await db.Database.SqlQuery<bool>(
            $"""SELECT pg_try_advisory_xact_lock(hashtextextended(name, 7)) AS "Value" FROM unnest({names}) WITH ORDINALITY AS claimed(name, place) ORDER BY place""")
            .ToListAsync(cancellationToken);
        string[] callers = [.. keys.Select(key => key.Caller)];
        string[] texts = [.. keys.Select(key => key.Key)];
        var stored = (await db.Set<IdempotencyKeyRow>()
            .FromSql($"SELECT kept.* FROM idempotency_keys kept JOIN unnest({callers}, {texts}) AS claimed(caller, key) ON kept.caller = claimed.caller AND kept.key = claimed.key")
            .AsNoTracking().ToListAsync(cancellationToken)).DistinctBy(row => (row.Caller, row.Key)).ToDictionary(row => (row.Caller, row.Key));
        var seen = new HashSet<(string, string)>();
        var expired = new List<IdempotencyKeyRow>();
        var claims = new Claim[keys.Count];
        foreach (var (key, place) in keys.Select((key, place) => (key, place)))
        {
            var row = stored.GetValueOrDefault((key.Caller, key.Key));
            var isMine = held[place] && seen.Add((key.Caller, key.Key));
            if (isMine && row is not null && row.ExpiresAt <= now)
            {
                expired.Add(row);
                row = null;
            }

            claims[place] = !isMine ? new Claim(ClaimState.InFlight, null)
                : row is null ? new Claim(ClaimState.Fresh, null)
                : new Claim(row.Fingerprint.AsSpan().SequenceEqual(key.Fingerprint) ? ClaimState.Replay : ClaimState.Reused, row);
        }

        if (expired.Count > 0)
        {
            db.RemoveRange(expired.Distinct());
            await db.SaveChangesAsync(cancellationToken);
        }

        return claims;
    }
}
