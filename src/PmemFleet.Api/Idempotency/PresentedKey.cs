using System.Security.Cryptography;
using System.Text;
using PmemFleet.Api.Access;
using PmemFleet.Api.Conventions;

namespace PmemFleet.Api.Idempotency;

/// <summary>The Idempotency-Key of a request, with what makes two requests the same.</summary>
public sealed record PresentedKey(string Caller, string Key, byte[] Fingerprint)
{
    /// <summary>
    /// The key as workers are given it. They know no callers, so it says whose it is, and not what the caller called it. A key has no line feed:
    /// no two of them give one text.
    /// </summary>
    public string ForWorker => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Key}\n{Caller}")));

    /// <summary>Null where there is none, or it does not count: on a dry run, or on what is no POST.</summary>
    public static PresentedKey? Of(HttpContext http) =>
        HttpMethods.IsPost(http.Request.Method) && !QueryConventions.IsDryRun(http.Request) && (string?)http.Request.Headers["Idempotency-Key"] is { } key
            ? new PresentedKey(http.User.CallerId(), key, IdempotencyKeys.Fingerprint(http.Request))
            : null;
}
