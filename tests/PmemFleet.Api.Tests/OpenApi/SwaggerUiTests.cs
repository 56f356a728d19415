using System.Text.Json.Nodes;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.OpenApi;

/// <summary>What the description holds, and how its UI behaves.</summary>
public sealed class SwaggerUiTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Description_HoldsThePublicApiOnly()
    {
        var document = JsonNode.Parse(await fixture.Client(null).GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative)))!;
        Assert.NotNull(document["paths"]!["/v1/hosts"]);
        Assert.Null(document["paths"]!["/v1/workers/join"]);
        Assert.Null(document["paths"]!["/livez"]);
    }

    [Fact]
    public async Task Ui_RemembersTheAuthorization()
    {
        var client = fixture.Client(null);
        Assert.Contains("\"persistAuthorization\":true", (await client.GetStringAsync(new Uri("/swagger/index.js", UriKind.Relative))).Replace(" ", string.Empty, StringComparison.Ordinal), StringComparison.Ordinal);
    }
}
