using Microsoft.AspNetCore.Authentication;

namespace PmemFleet.Api.Access;

/// <summary>Whether the caller of a request that lasts would be let in again: keys are revoked, and keys and tokens expire, while it runs.</summary>
public sealed class LastingAccess(ApiKeys keys, TimeProvider time)
{
    /// <summary>False once the credential that opened the request is refused.</summary>
    public async Task<bool> HoldsAsync(HttpContext http, CancellationToken cancellationToken)
    {
        if (http.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties?.ExpiresUtc <= time.GetUtcNow())
        {
            return false;
        }

        return BearerHandler.TokenOf(http.Request) is not { } token
            || !token.StartsWith(ApiKeySecret.Start, StringComparison.Ordinal)
            || await keys.FindAsync(token, cancellationToken) is not null;
    }
}
