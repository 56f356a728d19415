using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Problems;

namespace PmemFleet.Api.Access;

/// <summary>
/// How much one caller may ask of this replica, and how often one address may present credentials that are none. Workers and the join token
/// have no limit: a fleet that cannot renew its leases would lose its hosts. Nor has the metrics key: who is under attack wants to see it.
/// </summary>
public sealed class RequestLimits : IDisposable
{
    private readonly PartitionedRateLimiter<string> _callers;
    private readonly PartitionedRateLimiter<string> _failures;
    private readonly ApiKeys _keys;
    private readonly WorkerCredentials _workers;
    private readonly IOptions<AuthOptions> _auth;
    private readonly ApiOptions _options;

    public RequestLimits(IOptions<ApiOptions> options, IOptions<AuthOptions> auth, ApiKeys keys, WorkerCredentials workers)
    {
        (_options, _keys, _workers, _auth) = (options.Value, keys, workers, auth);
        _callers = Buckets(_options.RequestBurst, _options.RequestsPerSecond, TimeSpan.FromSeconds(1));
        _failures = Buckets(_options.FailedLoginsPerMinute, _options.FailedLoginsPerMinute, TimeSpan.FromMinutes(1));
    }

    /// <summary>
    /// Before authentication: an address that failed too often is refused without a look-up, unless what it presents is known to be good, so
    /// that nobody locks out the others behind one address.
    /// </summary>
    public Task LimitAddressAsync(HttpContext http, RequestDelegate next)
    {
        if (ShownCredential.Of(http) is not null || BearerHandler.TokenOf(http.Request) is not { } token || IsOpen(http) || IsKnown(token))
        {
            return next(http);
        }

        // whole ones: a bucket that refills is never quite empty, and would let everybody on who asks for none
        var address = AddressOf(http);
        if (_failures.GetStatistics(address) is not { CurrentAvailablePermits: 0 })
        {
            return next(http);
        }

        using var lease = _failures.AttemptAcquire(address);
        return lease.IsAcquired ? next(http) : RefuseAsync(http, lease, "too-many-failed-logins", $"This address presented more than {_options.FailedLoginsPerMinute} invalid credentials within a minute.");
    }

    /// <summary>After authentication: counts what failed, and what a key or a token's subject asks for.</summary>
    public Task LimitCallerAsync(HttpContext http, RequestDelegate next)
    {
        if (IsOpen(http))
        {
            return next(http);
        }

        if (http.User.Identity is not { IsAuthenticated: true })
        {
            if (BearerHandler.TokenOf(http.Request) is not null)
            {
                _failures.AttemptAcquire(AddressOf(http)).Dispose();
            }

            return next(http);
        }

        if (http.User.IsInRole(Roles.Worker) || !Roles.OfKeys.Any(http.User.IsInRole))
        {
            return next(http);
        }

        using var lease = _callers.AttemptAcquire(http.User.CallerId());
        return lease.IsAcquired ? next(http) : RefuseAsync(http, lease, "rate-limited", $"This key asks for more than {_options.RequestsPerSecond} requests a second.");
    }

    public void Dispose()
    {
        _callers.Dispose();
        _failures.Dispose();
    }

    private static PartitionedRateLimiter<string> Buckets(int burst, int tokens, TimeSpan every) =>
        PartitionedRateLimiter.Create<string, string>(partition => RateLimitPartition.GetTokenBucketLimiter(partition, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = burst,
            TokensPerPeriod = tokens,
            ReplenishmentPeriod = every,
            QueueLimit = 0,
        }));

    /// <summary>Good, as far as this can be said without a look-up.</summary>
    private bool IsKnown(string token) =>
        _workers.TryRead(token, out _) || _keys.IsRemembered(token) || _workers.IsJoinToken(token) || _auth.Value.IsMetricsKey(token);

    private static bool IsOpen(HttpContext http) => http.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null;

    /// <summary>An IPv4 address, or the /64 of an IPv6 one: whoever has one address of it has all.</summary>
    private static string AddressOf(HttpContext http)
    {
        var address = http.Connection.RemoteIpAddress ?? IPAddress.None;
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)) : address.ToString();
    }

    private static Task RefuseAsync(HttpContext http, RateLimitLease lease, string code, string detail) =>
        new FleetProblem(StatusCodes.Status429TooManyRequests, code, "EAGAIN", detail)
        {
            RetryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) && wait > TimeSpan.Zero ? wait : TimeSpan.FromSeconds(1),
        }.WriteAsync(http);
}
