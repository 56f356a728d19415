using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Problems;

namespace PmemFleet.Api.Access;

/// <summary>
/// Authenticates API keys, worker credentials and the join token, which look different from each other; what each may do is the
/// policies' matter. 401 and 403 are problem documents.
/// </summary>
public sealed class BearerHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ApiKeys keys, WorkerCredentials workers, IOptions<AuthOptions> auth)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "Bearer";
    private const string Prefix = "Bearer ";

    /// <summary>The presented token, or null.</summary>
    public static string? TokenOf(HttpRequest request) =>
        request.Headers.Authorization is [{ } header] && header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            ? header[Prefix.Length..].Trim()
            : null;

    /// <summary>A JWT has three parts; none of our own tokens looks so.</summary>
    public static bool LooksLikeJwt(string token) =>
        !token.StartsWith(ApiKeySecret.Start, StringComparison.Ordinal)
        && !token.StartsWith(WorkerCredentials.Start, StringComparison.Ordinal)
        && token.Count(c => c == '.') == 2;

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() =>
        ShownCredential.Of(Context) is { } shown ? Task.FromResult(shown.Result) : ReadAsync();

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer realm=\"pmemfleet\"";
        return new FleetProblem(StatusCodes.Status401Unauthorized, "unauthenticated", "EACCES", "A valid bearer key is needed: Authorization: Bearer pmf_….")
            .WriteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var role = Context.User.FindFirstValue(ClaimTypes.Role) ?? "none";
        return new FleetProblem(StatusCodes.Status403Forbidden, "forbidden", "EPERM", $"The role '{role}' may not do this.")
        {
            Numbers = new Dictionary<string, string> { ["role"] = role },
        }.WriteAsync(Context);
    }

    private async Task<AuthenticateResult> ReadAsync()
    {
        if (TokenOf(Request) is not { Length: > 0 } token)
        {
            return AuthenticateResult.NoResult();
        }

        if (token.StartsWith(ApiKeySecret.Start, StringComparison.Ordinal))
        {
            return await keys.FindAsync(token, Context.RequestAborted) is { } key
                ? Success(Roles.OfKeys.First(role => role == key.Role), key.Name, $"key:{key.Id:N}")
                : AuthenticateResult.Fail("The key is unknown, revoked or expired.");
        }

        if (workers.TryRead(token, out var worker))
        {
            var result = Success(
                Roles.Worker,
                $"worker:{worker.Name}",
                $"worker:{worker.WorkerId:N}",
                new Claim(Caller.WorkerNameClaim, worker.Name),
                new Claim(Caller.WorkerIdClaim, worker.WorkerId.ToString("D")),
                new Claim(Caller.InstanceIdClaim, worker.InstanceId.ToString("D")));
            ShownCredential.Keep(Context, result);
            return result;
        }

        if (auth.Value.IsMetricsKey(token))
        {
            return Success(Roles.Metrics, "metrics-key", "metrics-key");
        }

        return workers.IsJoinToken(token)
            ? Success(Roles.Join, "join-token", "join-token")
            : AuthenticateResult.Fail("The credential is not one of this service.");
    }

    private AuthenticateResult Success(string role, string name, string callerId, params Claim[] more)
    {
        var identity = new ClaimsIdentity(
            [new Claim(ClaimTypes.Name, name), new Claim(ClaimTypes.Role, role), new Claim(Caller.IdClaim, callerId), .. more], Scheme.Name);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name));
    }
}
