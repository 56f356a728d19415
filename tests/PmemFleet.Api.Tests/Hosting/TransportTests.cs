using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Hosting;

public sealed class TransportTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Theory]
    [InlineData("/livez")]
    [InlineData("/v1/operations")]
    [InlineData("/v1/api-keys")]
    [InlineData("/v1/nothing")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/swagger/index.html")]
    public async Task Answer_Each_HasTheSecurityHeaders(string path)
    {
        var headers = (await api.Admin.GetAsync(path)).Headers;
        Assert.Equal("nosniff", headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("DENY", headers.GetValues("X-Frame-Options").Single());
        Assert.Equal("no-referrer", headers.GetValues("Referrer-Policy").Single());
        Assert.Contains("frame-ancestors 'none'", headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.False(headers.Contains("Strict-Transport-Security"));
        Assert.Equal(path == "/v1/api-keys", headers.CacheControl?.NoStore ?? false);
    }

    [Fact]
    public async Task SwaggerUi_UnderItsPolicy_HasNoScriptInItsPage()
    {
        var page = await api.Admin.GetStringAsync("/swagger/index.html");
        foreach (var script in page.Split("<script").Skip(1))
        {
            Assert.Contains("src=\"", script[..script.IndexOf('>', StringComparison.Ordinal)], StringComparison.Ordinal);
            Assert.DoesNotContain("src=\"http", script, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Tls_CertificateFromFiles_IsShownAndAsksForTlsFromThenOn()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = new CertificateRequest("CN=pmemfleet", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var (certificateFile, keyFile) = (Path.GetTempFileName(), Path.GetTempFileName());
        await File.WriteAllTextAsync(certificateFile, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
        await using var app = ApiFixture.Build(api.ConnectionString, new()
        {
            ["PMEMFLEET:API:URLS"] = "https://127.0.0.1:0",
            ["PMEMFLEET:API:TLS:CERTIFICATE_FILE"] = certificateFile,
            ["PMEMFLEET:API:TLS:KEY_FILE"] = keyFile,
        });
        await app.StartAsync();
        string? shown = null;
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, theirs, _, _) => (shown = theirs?.Thumbprint) == certificate.Thumbprint,
        };
        using var http = new HttpClient(handler) { BaseAddress = new Uri(app.Urls.Single()) };

        var answer = await http.GetAsync("/livez");

        Assert.Equal((HttpStatusCode.OK, certificate.Thumbprint), (answer.StatusCode, shown));
        Assert.Equal("max-age=31536000", answer.Headers.GetValues("Strict-Transport-Security").Single());
        await app.StopAsync();
        File.Delete(certificateFile);
        File.Delete(keyFile);
    }

    [Theory]
    [InlineData("CERTIFICATE")]
    [InlineData("KEY")]
    public void Tls_HalfAPair_IsRefused(string half)
    {
        var failure = Assert.Throws<InvalidOperationException>(() => ApiFixture.Build(api.ConnectionString, new() { [$"PMEMFLEET:API:TLS:{half}"] = "x" }));
        Assert.Contains("PMEMFLEET__API__TLS__KEY", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tls_NoPem_IsRefusedWithoutShowingIt()
    {
        var failure = Assert.Throws<InvalidOperationException>(() => ApiFixture.Build(
            api.ConnectionString, new() { ["PMEMFLEET:API:TLS:CERTIFICATE"] = "no-pem", ["PMEMFLEET:API:TLS:KEY"] = "the-private-part" }));
        Assert.DoesNotContain("the-private-part", failure.ToString(), StringComparison.Ordinal);
    }
}
