using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Fleets;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;

namespace PmemFleet.Api.Tests.Fleets;

/// <summary>Namespaces without labels in a fleet's document: made, found again, exported, and made elsewhere from the export.</summary>
public sealed class LabelLessFleetTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    private const string Document = """
        {"hosts":[
          {"name":"bare","dimms":[{"count":5,"capacity":"64M","labelSize":0},{"capacity":"64M","labelVersion":"none"}],
           "regions":[{"dimms":["nmem0"]},{"dimms":["nmem1"]},{"dimms":["nmem2"]},{"dimms":["nmem3"]},{"dimms":["nmem4"]},{"dimms":["nmem5"]}],
           "namespaces":[{"region":"region0","mode":"fsdax","map":"mem"},{"region":"region1","mode":"devdax","align":"4K","map":"dev"},{"region":"region2","mode":"sector","sectorSize":512},
             {"region":"region3","mode":"raw"},{"region":"region5","mode":"devdax","personalityUuid":"0f0f0f0f-0000-4000-8000-000000000001"}]},
          {"name":"old","provider":"e820","regions":[{"size":"64M"},{"size":"64M"},{"size":"64M"},{"size":"64M"},{"size":"64M"}],
           "namespaces":[{"region":"region0","mode":"fsdax"},{"region":"region1","mode":"devdax"},{"region":"region2","mode":"sector"},{"region":"region3","mode":"raw"}]}]}
        """;

    private static readonly string[] Expected =
    [
        "bare/namespace0.0 fsdax mem", "bare/namespace1.0 devdax dev", "bare/namespace2.0 sector ", "bare/namespace3.0 raw ", "bare/namespace4.0 raw ", "bare/namespace5.0 devdax dev",
        "old/namespace0.0 fsdax dev", "old/namespace1.0 devdax dev", "old/namespace2.0 sector ", "old/namespace3.0 raw ", "old/namespace4.0 fsdax ",
    ];

    [Fact]
    public async Task Export_OfEveryMode_MakesTheSameFleetElsewhereAndFindsItHere()
    {
        await using var worker = await MediaWorker.StartAsync(fixture, "bare-worker");
        var plan = await ApplyAsync(fixture.Admin, Document);
        Assert.Equal((2, 6, 11, 9), (plan.Hosts.Created, plan.Dimms.Created, plan.Regions.Created, plan.Namespaces.Created));
        await UntilMadeAsync(fixture.Admin);
        Assert.Empty((await ApplyAsync(fixture.Admin, Document)).Changes);
        var exported = await ExportAsync(fixture.Admin);
        Assert.Empty((await ApplyAsync(fixture.Admin, exported)).Changes);

        var other = new ApiFixture();
        await other.InitializeAsync();
        try
        {
            await using var second = await MediaWorker.StartAsync(other, "second-worker");
            Assert.Equal(2, (await ApplyAsync(other.Admin, exported)).Hosts.Created);
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(exported), JsonNode.Parse(await ExportAsync(other.Admin))), "before its hosts boot");
            await UntilMadeAsync(other.Admin);
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(exported), JsonNode.Parse(await ExportAsync(other.Admin))), exported);

            // a boot finds the info blocks
            await other.Admin.PostAsync<HostDto>("/v1/hosts/bare/power", """{"action":"cycle"}""");
            await UntilMadeAsync(other.Admin);
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(exported), JsonNode.Parse(await ExportAsync(other.Admin))), exported);
        }
        finally
        {
            await other.DisposeAsync();
        }
    }

    [Fact]
    public async Task Apply_RegionAddedToAHostThatRuns_GetsItsModeToo()
    {
        await using var worker = await MediaWorker.StartAsync(fixture, "grown-worker");
        const string One = """{"hosts":[{"name":"grown","dimms":[{"count":2,"capacity":"64M","labelSize":0}],"regions":[{"dimms":["nmem0"]}]}]}""";
        await ApplyAsync(fixture.Admin, One);
        await fixture.Admin.UntilReadyAsync("grown");
        const string Two = """{"hosts":[{"name":"grown","dimms":[{"count":2,"capacity":"64M","labelSize":0}],"regions":[{"dimms":["nmem0"]},{"dimms":["nmem1"]}],"namespaces":[{"region":"region1","mode":"sector"}]}]}""";
        Assert.Equal(1, (await ApplyAsync(fixture.Admin, Two)).Namespaces.Created);
        await Eventually.Async(
            async () => (await fixture.Admin.GetAsync<NamespaceDto>("/v1/hosts/grown/namespaces/namespace1.0")) is { State: "enabled", Mode: "sector" }, TimeSpan.FromSeconds(20));
        Assert.Empty((await fixture.Admin.GetAsync<HostCheckDto>("/v1/hosts/grown/check")).Differences);

        // what is there has bytes: its mode is not changed, and there is no second one
        foreach (var (namespaces, code) in ((string, string)[])[("""{"region":"region0","mode":"devdax"}""", "fleet-differs"), ("""{"region":"region1","mode":"sector","count":2}""", "fleet-differs")])
        {
            using var refused = await SendAsync(fixture.Admin, Two.Replace("""{"region":"region1","mode":"sector"}""", namespaces, StringComparison.Ordinal));
            Assert.False(refused.IsSuccessStatusCode, namespaces);
            Assert.True(code == (await refused.ReadProblemAsync()).Code || namespaces.Contains("count", StringComparison.Ordinal), namespaces);
        }
    }

    private static async Task UntilMadeAsync(HttpClient api)
    {
        List<NamespaceDto> shown = [];
        await Eventually.Async(
            async () => (shown = [.. (await api.GetAsync<ListPage<NamespaceDto>>("/v1/namespaces?limit=1000")).Items.Where(space => space.Host is "bare" or "old")])
                .TrueForAll(space => space.State == "enabled"),
            TimeSpan.FromSeconds(30));
        Assert.Equal(Expected, shown.Select(space => $"{space.Host}/{space.Name} {space.Mode} {space.Map}"));
        Assert.Empty((await api.GetAsync<HostCheckDto>("/v1/hosts/bare/check")).Differences);
    }

    private static async Task<string> ExportAsync(HttpClient api)
    {
        var hosts = JsonNode.Parse(await api.GetStringAsync(new Uri("/v1/fleet", UriKind.Relative)))!;
        foreach (var other in hosts["hosts"]!.AsArray().Where(host => (string?)host!["name"] is not ("bare" or "old")).ToList())
        {
            hosts["hosts"]!.AsArray().Remove(other);
        }

        return hosts.ToJsonString();
    }

    private static async Task<FleetPlan> ApplyAsync(HttpClient api, string document)
    {
        using var response = await SendAsync(api, document);
        return await response.ExpectAsync<FleetPlan>(HttpStatusCode.OK);
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient api, string document)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/fleet") { Content = new StringContent(document, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        return await api.SendAsync(request);
    }
}
