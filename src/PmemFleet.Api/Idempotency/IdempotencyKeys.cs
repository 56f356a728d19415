using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Npgsql;
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
    /// Claims the key until the transaction ends, without waiting: a claim that another transaction holds is in flight. The lock comes
    /// first and the look second, each with its own snapshot, so what the former holder committed is seen.
    /// </summary>
    public static async Task<Claim> ClaimAsync(
        FleetDbContext db, string caller, string key, byte[] fingerprint, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var connection = (NpgsqlConnection)db.Database.GetDbConnection();
        await using (var command = new NpgsqlCommand("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 7))", connection))
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{caller}\n{key}" });
            if (await command.ExecuteScalarAsync(cancellationToken) is not true)
            {
                return new Claim(ClaimState.InFlight, null);
            }
        }

        var stored = await db.Set<IdempotencyKeyRow>().SingleOrDefaultAsync(row => row.Caller == caller && row.Key == key, cancellationToken);
        if (stored is null)
        {
            return new Claim(ClaimState.Fresh, null);
        }

        if (stored.ExpiresAt <= now)
        {
            db.Remove(stored);
            await db.SaveChangesAsync(cancellationToken);
            return new Claim(ClaimState.Fresh, null);
        }

        return new Claim(stored.Fingerprint.AsSpan().SequenceEqual(fingerprint) ? ClaimState.Replay : ClaimState.Reused, stored);
    }
}
