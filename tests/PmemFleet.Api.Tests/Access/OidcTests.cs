using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Access;

/// <summary>An OIDC issuer over loopback: discovery, one RSA key, and tokens as a test wants them.</summary>
public sealed class Issuer : IAsyncDisposable
{
    private readonly RSA _rsa = RSA.Create(2048);
    private WebApplication _app = null!;

    public string Authority { get; private set; } = null!;

    public RsaSecurityKey Key => new(_rsa) { KeyId = "k1" };

    public static async Task<Issuer> StartAsync()
    {
        var issuer = new Issuer();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = issuer._app = builder.Build();
        app.MapGet("/.well-known/openid-configuration", () => Results.Text($$"""{"issuer":"{{issuer.Authority}}","jwks_uri":"{{issuer.Authority}}/jwks"}""", "application/json"));
        app.MapGet("/jwks", () => Results.Text(issuer.Jwks(), "application/json"));
        await app.StartAsync();
        issuer.Authority = app.Urls.Single();
        return issuer;
    }

    public string Token(
        string? role, string audience = "pmemfleet", string? issuer = null, int minutes = 5, SigningCredentials? signing = null, string claim = "role", int seconds = 0) =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer ?? Authority,
            Audience = audience,
            NotBefore = TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-1),
            Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(minutes).AddSeconds(seconds),
            Claims = new Dictionary<string, object> { ["sub"] = "u-1", ["preferred_username"] = "ada" }
                .Concat(role is null ? [] : [KeyValuePair.Create<string, object>(claim, role.Contains(' ', StringComparison.Ordinal) ? role.Split(' ') : role)])
                .ToDictionary(),
            SigningCredentials = signing ?? new SigningCredentials(Key, SecurityAlgorithms.RsaSha256),
        });

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _rsa.Dispose();
    }

    private string Jwks()
    {
        var key = _rsa.ExportParameters(includePrivateParameters: false);
        return $$"""{"keys":[{"kty":"RSA","use":"sig","kid":"k1","n":"{{Base64UrlEncoder.Encode(key.Modulus)}}","e":"{{Base64UrlEncoder.Encode(key.Exponent)}}"}]}""";
    }
}

public sealed class OidcApi : ApiFixture, IAsyncLifetime
{
    public Issuer Issuer { get; private set; } = null!;

    protected override Dictionary<string, string?> Settings => new()
    {
        ["PMEMFLEET:AUTH:OIDC:AUTHORITY"] = Issuer.Authority,
        ["PMEMFLEET:AUTH:OIDC:AUDIENCE"] = "pmemfleet",
    };

    public override async Task InitializeAsync()
    {
        Issuer = await Issuer.StartAsync();
        await base.InitializeAsync();
    }

    async Task IAsyncLifetime.DisposeAsync()
    {
        await base.DisposeAsync();
        await Issuer.DisposeAsync();
    }
}

public sealed class OidcTests(OidcApi api) : IClassFixture<OidcApi>
{
    [Theory]
    [InlineData("viewer", "role", 200, 403)]
    [InlineData("admin", "role", 200, 200)]
    [InlineData("admin viewer", "roles", 200, 200)]
    [InlineData("viewer admin", "roles", 200, 200)]
    [InlineData("Admin", "role", 403, 403)]
    [InlineData("worker", "role", 403, 403)]
    [InlineData(null, "role", 403, 403)]
    public async Task Token_OfARole_OpensWhatTheRoleMay(string? role, string claim, int reads, int keys)
    {
        var client = api.Client(api.Issuer.Token(role, claim: claim));
        Assert.Equal((reads, keys), ((int)(await client.GetAsync("/v1/operations")).StatusCode, (int)(await client.GetAsync("/v1/api-keys")).StatusCode));
    }

    [Fact]
    public async Task Token_Expired_Is401() => await RefusedAsync(api.Issuer.Token("admin", minutes: -10));

    [Fact]
    public async Task Token_Expires_EndsItsStream()
    {
        // it is let in for the five minutes by which clocks may differ
        using var stream = await api.Client(api.Issuer.Token("viewer", minutes: -5, seconds: 6)).StreamEventsAsync();
        await stream.ToEndAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Token_OfAnotherAudience_Is401() => await RefusedAsync(api.Issuer.Token("admin", audience: "another"));

    [Fact]
    public async Task Token_OfAnotherIssuer_Is401() => await RefusedAsync(api.Issuer.Token("admin", issuer: "https://issuer.example"));

    [Fact]
    public async Task Token_SignedWithAnotherKeyOfTheSameId_Is401()
    {
        using var rsa = RSA.Create(2048);
        await RefusedAsync(api.Issuer.Token("admin", signing: new SigningCredentials(new RsaSecurityKey(rsa) { KeyId = "k1" }, SecurityAlgorithms.RsaSha256)));
    }

    [Fact]
    public async Task Token_MacUnderThePublishedKey_Is401() => await RefusedAsync(api.Issuer.Token("admin", signing: new SigningCredentials(
        new SymmetricSecurityKey(api.Issuer.Key.Rsa.ExportSubjectPublicKeyInfo()) { KeyId = "k1" }, SecurityAlgorithms.HmacSha256)));

    [Fact]
    public async Task Token_Unsigned_Is401()
    {
        var payload = api.Issuer.Token("admin").Split('.')[1];
        await RefusedAsync($"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""")}.{payload}.");
    }

    [Fact]
    public async Task Token_IssuerNotReachable_Is401AndNo500()
    {
        var lonely = new LonelyApi();
        await lonely.InitializeAsync();
        var answer = await lonely.Client(api.Issuer.Token("admin")).GetAsync("/v1/operations");
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        await answer.ReadProblemAsync();
        await lonely.DisposeAsync();
    }

    private async Task RefusedAsync(string token)
    {
        var answer = await api.Client(token).GetAsync("/v1/operations");
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("unauthenticated", (await answer.ReadProblemAsync()).Code);
        Assert.DoesNotContain(token.Split('.')[1], await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private sealed class LonelyApi : ApiFixture
    {
        protected override Dictionary<string, string?> Settings => new()
        {
            ["PMEMFLEET:AUTH:OIDC:AUTHORITY"] = "http://127.0.0.1:1",
            ["PMEMFLEET:AUTH:OIDC:AUDIENCE"] = "pmemfleet",
        };
    }
}
