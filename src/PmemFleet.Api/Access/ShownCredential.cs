using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Authentication;
using PmemFleet.Api.Conventions;

namespace PmemFleet.Api.Access;

/// <summary>
/// The worker credential that a connection showed last, and who it is of. Thousands of workers show theirs with each sync, the same over the same connection: it is
/// proven once. A credential of a worker has no end of its own (its lease has, which the sync looks at), so what was genuine stays so. Keys, which are revoked,
/// are never remembered here.
/// </summary>
internal sealed class ShownCredential
{
    private static readonly object Key = new();
    private readonly string _header;

    private ShownCredential(string header, AuthenticateResult result) => (_header, Result) = (header, result);

    public AuthenticateResult Result { get; }

    /// <summary>What this request shows, where its connection showed it before.</summary>
    public static ShownCredential? Of(HttpContext http) =>
        ConnectionItems.Of(http) is { } items && items.TryGetValue(Key, out var item) && item is ShownCredential shown && http.Request.Headers.Authorization is [{ } header]
            && IsSame(header, shown._header) ? shown : null;

    /// <summary>What this request shows is a worker's, and genuine.</summary>
    public static void Keep(HttpContext http, AuthenticateResult result)
    {
        if (ConnectionItems.Of(http) is { } items)
        {
            items[Key] = new ShownCredential(http.Request.Headers.Authorization.ToString(), result);
        }
    }

    /// <summary>The server gives the same string again where a connection repeats a header. How long another one takes says nothing of the former: behind a proxy it may be somebody else's.</summary>
    private static bool IsSame(string header, string former) =>
        ReferenceEquals(header, former) || CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(header.AsSpan()), MemoryMarshal.AsBytes(former.AsSpan()));
}
