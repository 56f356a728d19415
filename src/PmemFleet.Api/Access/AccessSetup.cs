using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using PmemFleet.Api.Hosting;

namespace PmemFleet.Api.Access;

/// <summary>Who is let in, and to what.</summary>
public static class AccessSetup
{
    private const string OidcScheme = "Oidc";
    private const string AnyScheme = "Any";

    public static IServiceCollection AddFleetAccess(this IServiceCollection services, AuthOptions options)
    {
        services.AddSingleton<ApiKeys>().AddSingleton<LastingAccess>().AddSingleton<WorkerCredentials>().AddSingleton<RequestLimits>().AddHostedService<ApiKeyForgetting>();
        var authentication = services.AddAuthentication(options.Oidc.IsConfigured ? AnyScheme : BearerHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, BearerHandler>(BearerHandler.SchemeName, null);
        if (options.Oidc.IsConfigured)
        {
            authentication.AddJwtBearer(OidcScheme, jwt => UseOidc(jwt, options.Oidc)).AddPolicyScheme(AnyScheme, null, policy => policy.ForwardDefaultSelector = http =>
                BearerHandler.TokenOf(http.Request) is { } token && BearerHandler.LooksLikeJwt(token) ? OidcScheme : BearerHandler.SchemeName);
        }

        services.AddAuthorizationBuilder()
            .AddPolicy(Roles.Viewer, policy => policy.RequireRole(Roles.AtLeast(Roles.Viewer)))
            .AddPolicy(Roles.Operator, policy => policy.RequireRole(Roles.AtLeast(Roles.Operator)))
            .AddPolicy(Roles.Admin, policy => policy.RequireRole(Roles.Admin))
            .AddPolicy(Roles.Join, policy => policy.RequireRole(Roles.Join))
            .AddPolicy(Roles.Metrics, policy => policy.RequireRole([.. Roles.AtLeast(Roles.Viewer), Roles.Metrics]))
            .AddPolicy(Roles.Worker, policy => policy.RequireRole(Roles.Worker).RequireAssertion(IsItsOwn))
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireRole(Roles.AtLeast(Roles.Viewer)).Build());
        return services;
    }

    /// <summary>A worker's credential opens its own path only, by name or by id.</summary>
    private static bool IsItsOwn(AuthorizationHandlerContext context) =>
        context.Resource is HttpContext http
        && http.GetRouteValue("worker") is string worker
        && (worker == context.User.FindFirstValue(Caller.WorkerNameClaim)
            || string.Equals(worker, context.User.FindFirstValue(Caller.WorkerIdClaim), StringComparison.OrdinalIgnoreCase));

    private static void UseOidc(JwtBearerOptions jwt, OidcOptions oidc)
    {
        jwt.Authority = oidc.Authority;
        jwt.Audience = oidc.Audience;
        jwt.MapInboundClaims = false;

        // an issuer beside this process is reached without leaving the machine
        jwt.RequireHttpsMetadata = !(Uri.TryCreate(oidc.Authority, UriKind.Absolute, out var authority) && authority.IsLoopback);

        // signatures only: a MAC under a published key is no proof
        jwt.TokenValidationParameters.ValidAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];
        jwt.TokenValidationParameters.RequireExpirationTime = true;
        jwt.TokenValidationParameters.RoleClaimType = ClaimTypes.Role;
        jwt.Events = new JwtBearerEvents
        {
            OnTokenValidated = context =>
            {
                // a stream under it ends when a request with it would be refused
                context.Properties.ExpiresUtc += context.Options.TokenValidationParameters.ClockSkew;
                var token = context.Principal!;
                var named = token.FindAll("role").Concat(token.FindAll("roles")).Select(claim => claim.Value).ToHashSet(StringComparer.Ordinal);
                var role = Roles.OfKeys.LastOrDefault(named.Contains);
                var identity = new ClaimsIdentity("oidc", ClaimTypes.Name, ClaimTypes.Role);
                identity.AddClaim(new Claim(ClaimTypes.Name, token.FindFirstValue("preferred_username") ?? token.FindFirstValue("sub") ?? "oidc"));
                identity.AddClaim(new Claim(Caller.IdClaim, $"oidc:{token.FindFirstValue("iss")}|{token.FindFirstValue("sub")}"));
                if (role is not null)
                {
                    identity.AddClaim(new Claim(ClaimTypes.Role, role));
                }

                context.Principal = new ClaimsPrincipal(identity);
                return Task.CompletedTask;
            },

            // the same documents as for keys
            OnChallenge = async context =>
            {
                context.HandleResponse();
                await context.HttpContext.ChallengeAsync(BearerHandler.SchemeName);
            },
            OnForbidden = context => context.HttpContext.ForbidAsync(BearerHandler.SchemeName),
        };
    }
}
