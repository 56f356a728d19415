using System.Net;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.OpenApi;

/// <summary>The API's description is for everyone; nothing else is.</summary>
public sealed class OpenDescriptionTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Theory]
    [InlineData("/openapi/v1.json")]
    [InlineData("/swagger/index.html")]
    [InlineData("/swagger/swagger-ui-bundle.js")]
    [InlineData("/livez")]
    [InlineData("/readyz")]
    public async Task Get_WithoutAKey_IsAnswered(string path)
    {
        using var http = Anonymous();

        using var response = await http.GetAsync(path);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("/v1/hosts")]
    [InlineData("/metrics")]
    [InlineData("/nowhere")]
    public async Task Get_WithoutAKey_IsRefused(string path)
    {
        using var http = Anonymous();

        using var response = await http.GetAsync(path);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    private HttpClient Anonymous() => new() { BaseAddress = api.Admin.BaseAddress };
}
