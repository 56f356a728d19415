using System.ComponentModel.DataAnnotations;

namespace PmemFleet.Api.Hosting;

/// <summary>PMEMFLEET__DATABASE__*: a connection string, or its parts.</summary>
public sealed class DatabaseOptions
{
    public string? ConnectionString { get; set; }

    public string? Host { get; set; }

    [Range(1, 65535)]
    public int Port { get; set; } = 5432;

    public string Name { get; set; } = "pmemfleet";

    public string? User { get; set; }

    public string? Password { get; set; }
}

/// <summary>PMEMFLEET__AUTH__*.</summary>
public sealed class AuthOptions
{
    /// <summary>The first admin key, any <c>pmf_…</c> of at least 32 characters; without it one is made and printed once.</summary>
    [RegularExpression("pmf_[!-~]{28,}", ErrorMessage = "must begin with pmf_ and have at least 32 visible characters")]
    public string? BootstrapAdminKey { get; set; }

    /// <summary>Opens <c>/metrics</c> and nothing else, for what scrapes it: any <c>pmm_…</c> of at least 32 characters.</summary>
    [RegularExpression("pmm_[!-~]{28,}", ErrorMessage = "must begin with pmm_ and have at least 32 visible characters")]
    public string? MetricsKey { get; set; }

    /// <summary>It is that key.</summary>
    public bool IsMetricsKey(string token) => MetricsKey is { } key && Access.ApiKeySecret.IsSame(token, key);

    public OidcOptions Oidc { get; set; } = new();
}

/// <summary>PMEMFLEET__AUTH__OIDC__*: JWTs are accepted only where both are set; the token's <c>role</c> claim names the role.</summary>
public sealed class OidcOptions
{
    public string? Authority { get; set; }

    public string? Audience { get; set; }

    public bool IsConfigured => Authority is not null && Audience is not null;
}

/// <summary>PMEMFLEET__WORKERS__*.</summary>
public sealed class WorkersOptions
{
    /// <summary>What a worker shows to join; without one none can. Worker credentials derive from it, so a new token makes workers join again.</summary>
    [MinLength(16)]
    public string? JoinToken { get; set; }

    /// <summary>Seconds without a heartbeat after which a worker is lost.</summary>
    [Range(1, 3600)]
    public int LeaseSeconds { get; set; } = 30;

    /// <summary>Seconds after the lease's end after which its hosts move to another worker of the pool.</summary>
    [Range(0, 86400)]
    public int FailoverSeconds { get; set; } = 10;
}

/// <summary>PMEMFLEET__RETENTION__*.</summary>
public sealed class RetentionOptions
{
    /// <summary>Hours that events are kept; a reader of older ones gets 410.</summary>
    [Range(1, 24 * 3660)]
    public int EventHours { get; set; } = 30 * 24;

    /// <summary>Hours that operations are kept after their end.</summary>
    [Range(1, 24 * 3660)]
    public int OperationHours { get; set; } = 30 * 24;
}

/// <summary>PMEMFLEET__API__*.</summary>
public sealed class ApiOptions
{
    /// <summary>Where to listen, as ASPNETCORE_URLS.</summary>
    public string? Urls { get; set; }

    /// <summary>Seconds between SIGTERM, at which <c>/readyz</c> fails, and the end of listening: as long as a load balancer needs to see it.</summary>
    [Range(0, 300)]
    public int DrainSeconds { get; set; }

    /// <summary>Addresses and networks of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, separated by commas; none: nobody's.</summary>
    public string? KnownProxies { get; set; }

    /// <summary>Bytes of a request's body where the endpoint has no limit of its own.</summary>
    [Range(1024, 1 << 30)]
    public int MaxJsonBytes { get; set; } = 1 << 20;

    /// <summary>Requests a second that one key gets from one replica in the long run.</summary>
    [Range(1, 1_000_000)]
    public int RequestsPerSecond { get; set; } = 5_000;

    /// <summary>Requests that one key may send at once after a rest.</summary>
    [Range(1, 1_000_000)]
    public int RequestBurst { get; set; } = 10_000;

    /// <summary>Invalid credentials a minute after which an address is refused without a look-up.</summary>
    [Range(1, 1_000_000)]
    public int FailedLoginsPerMinute { get; set; } = 3_000;

    public TlsOptions Tls { get; set; } = new();
}
