using System.Security.Claims;

namespace PmemFleet.Api.Access;

/// <summary>Roles of callers. Each of the first three may do what the ones before it may.</summary>
public static class Roles
{
    public const string Viewer = "viewer";
    public const string Operator = "operator";
    public const string Admin = "admin";

    /// <summary>A worker: its own sync and nothing else.</summary>
    public const string Worker = "worker";

    /// <summary>The holder of the join token: to join and nothing else.</summary>
    public const string Join = "join";

    /// <summary>The holder of the metrics key: to read <c>/metrics</c> and nothing else.</summary>
    public const string Metrics = "metrics";

    /// <summary>The roles a key can have.</summary>
    public static readonly IReadOnlyList<string> OfKeys = [Viewer, Operator, Admin];

    /// <summary>The roles that may do what this one may, itself included.</summary>
    public static IEnumerable<string> AtLeast(string role) => OfKeys.SkipWhile(candidate => candidate != role);
}

/// <summary>What a principal says of the caller.</summary>
public static class Caller
{
    public const string IdClaim = "pmemfleet:caller";
    public const string WorkerNameClaim = "pmemfleet:worker-name";
    public const string WorkerIdClaim = "pmemfleet:worker-id";
    public const string InstanceIdClaim = "pmemfleet:instance-id";

    /// <summary>Stable id of the caller; idempotency keys are scoped by it.</summary>
    public static string CallerId(this ClaimsPrincipal user) => user.FindFirstValue(IdClaim) ?? "anonymous";

    /// <summary>The caller's name in events.</summary>
    public static string ActorName(this ClaimsPrincipal user) => user.Identity?.Name ?? "anonymous";
}
