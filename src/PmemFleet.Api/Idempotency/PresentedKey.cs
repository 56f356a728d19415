using PmemFleet.Api.Access;
using PmemFleet.Api.Conventions;

namespace PmemFleet.Api.Idempotency;

/// <summary>The Idempotency-Key of a request, with what makes two requests the same.</summary>
public sealed record PresentedKey(string Caller, string Key, byte[] Fingerprint)
{
    /// <summary>Null where there is none, or it does not count: on a dry run, or on what is no POST.</summary>
    public static PresentedKey? Of(HttpContext http) =>
        HttpMethods.IsPost(http.Request.Method) && !QueryConventions.IsDryRun(http.Request) && (string?)http.Request.Headers["Idempotency-Key"] is { } key
            ? new PresentedKey(http.User.CallerId(), key, IdempotencyKeys.Fingerprint(http.Request))
            : null;
}
