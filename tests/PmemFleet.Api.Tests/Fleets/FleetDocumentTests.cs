using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Fleets;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Operations;

namespace PmemFleet.Api.Tests.Fleets;

public sealed class FleetDocumentTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    private const string Racks = """
        apiVersion: pmemfleet/v1
        hosts:
          - name: rack-{n:2}
            count: 3
            labels: {rack: "r{n}", tier: pmem}
            dimms:
              - {count: 4, capacity: 1G, labelVersion: 1.2}
            regions:
              - {ways: 2}
            namespaces:
              - {region: "*", mode: devdax, size: 256M, count: 2, altName: "{host}-{n}"}
              - {region: region1, mode: sector, size: 128M, sectorSize: 512}
        """;

    [Fact]
    public async Task Apply_WithPrune_DeletesTheHostsThatTheDocumentDoesNotName()
    {
        const string Both = """
            apiVersion: pmemfleet/v1
            hosts:
              - {name: "pruned-{n}", count: 3, labels: {prune: here}, dimms: [{capacity: 1G}]}
              - {name: kept-elsewhere, labels: {prune: there}, dimms: [{capacity: 1G}]}
            """;
        const string One = """
            apiVersion: pmemfleet/v1
            hosts:
              - {name: "pruned-{n}", count: 1, labels: {prune: here}, dimms: [{capacity: 1G}]}
            """;
        await ApplyAsync(Both);

        var stays = await PruneAsync(One, string.Empty);
        Assert.Equal((0, HttpStatusCode.OK), (stays.Hosts.Deleted, (await _api.GetAsync("/v1/hosts/pruned-2")).StatusCode));
        var planned = await PruneAsync(One, "?prune=true&labelSelector=prune%3Dhere&dryRun=true");
        Assert.Equal(HttpStatusCode.OK, (await _api.GetAsync("/v1/hosts/pruned-2")).StatusCode);
        var plan = await PruneAsync(One, "?prune=true&labelSelector=prune%3Dhere");

        Assert.Equal(["pruned-2", "pruned-3"], planned.Changes.Where(change => change.Action == "delete").Select(change => change.Host).Order(StringComparer.Ordinal));
        Assert.Equal((2, 1, 2), (plan.Hosts.Deleted, plan.Hosts.Unchanged, plan.Changes.Count));
        Assert.Equal(0, (await PruneAsync(One, "?prune=true&labelSelector=prune%3Dhere")).Hosts.Deleted);

        // one that a worker holds goes when that worker has removed its media
        var leaving = (await _api.GetAsync<ListPage<OperationDto>>("/v1/operations?kind=delete-host&limit=1000")).Items.Select(operation => operation.Host).ToList();
        foreach (var host in (string[])["pruned-2", "pruned-3"])
        {
            Assert.True((await _api.GetAsync($"/v1/hosts/{host}")).StatusCode == HttpStatusCode.NotFound || leaving.Contains(host), host);
        }

        Assert.Equal(HttpStatusCode.OK, (await _api.GetAsync("/v1/hosts/pruned-1")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _api.GetAsync("/v1/hosts/kept-elsewhere")).StatusCode);
        using var meaningless = await SendAsync(One, "?labelSelector=prune%3Dhere");
        Assert.Equal("selector-without-prune", (await meaningless.ReadProblemAsync()).Code);
    }

    [Fact]
    public async Task Apply_Yaml_MakesTheFleetOnceAndBindsItsNamespaces()
    {
        await using var worker = await MediaWorker.StartAsync(fixture, "fleet-worker");
        var planned = await ApplyAsync(Racks, dryRun: true);
        Assert.Equal(HttpStatusCode.NotFound, (await _api.GetAsync("/v1/hosts/rack-01")).StatusCode);
        var plan = await ApplyAsync(Racks);
        Assert.Equal((3, 12, 6, 15, 3), (plan.Hosts.Created, plan.Dimms.Created, plan.Regions.Created, plan.Namespaces.Created, plan.Operations));
        Assert.Equal((planned.Namespaces, planned.Operations, planned.Changes.Count), (plan.Namespaces, plan.Operations, plan.Changes.Count));

        await Eventually.Async(
            async () => (await _api.GetAsync<ListPage<NamespaceDto>>("/v1/namespaces?limit=1000")).Items.Count(space => space.State == "enabled") == 15, TimeSpan.FromSeconds(30));
        var spaces = (await _api.GetAsync<ListPage<NamespaceDto>>("/v1/hosts/rack-02/namespaces")).Items;
        Assert.Equal(
            ["namespace0.0 devdax rack-02-1", "namespace0.1 devdax rack-02-2", "namespace1.0 devdax rack-02-3", "namespace1.1 devdax rack-02-4", "namespace1.2 sector "],
            spaces.Select(space => $"{space.Name} {space.Mode} {space.AltName}"));
        Assert.All(
            (await _api.GetAsync<ListPage<OperationDto>>("/v1/operations?kind=apply-fleet")).Items,
            operation => Assert.Equal(("succeeded", null), (operation.State, operation.Refusal)));
        Assert.Equal("r2", (await _api.GetAsync<HostDto>("/v1/hosts/rack-02")).Labels["rack"]);
        foreach (var host in new[] { "rack-01", "rack-02", "rack-03" })
        {
            Assert.Empty((await _api.GetAsync<HostCheckDto>($"/v1/hosts/{host}/check")).Differences);
        }

        var again = await ApplyAsync(Racks);
        Assert.Equal((3, 12, 6, 15), (again.Hosts.Unchanged, again.Dimms.Unchanged, again.Regions.Unchanged, again.Namespaces.Unchanged));
        Assert.Empty(again.Changes);

        // one more of each: only they are made
        var more = await ApplyAsync(Racks.Replace("count: 3", "count: 4", StringComparison.Ordinal).Replace("tier: pmem", "tier: cxl", StringComparison.Ordinal));
        Assert.Equal((1, 3, 4, 12, 5, 15), (more.Hosts.Created, more.Hosts.Updated, more.Dimms.Created, more.Dimms.Unchanged, more.Namespaces.Created, more.Namespaces.Unchanged));
    }

    [Fact]
    public async Task Export_AppliedToAnEmptyFleet_ExportsTheSame()
    {
        const string Document = """
            {"hosts":[
              {"name":"twin-{n}","count":2,"labels":{"of":"twins"},"dimms":[{"count":2,"capacity":"1G"},{"capacity":"2G","serialNumber":"0xabcd1234","labelVersion":"1.1"}],
               "regions":[{"dimms":["nmem1","nmem0"]},{"dimms":["nmem2"],"align":"32M"}],
               "namespaces":[{"region":"region0","mode":"fsdax","map":"mem","size":"64M"},{"region":"region1","mode":"sector","size":"128M","sectorSize":4096,"altName":"journal"},{"region":"region1","mode":"raw","size":"64M"}]},
              {"name":"old","provider":"e820","regions":[{"size":"1G"}],"platform":{"profile":"linux-4.10"}}]}
            """;
        var plan = await ApplyAsync(Document);
        Assert.Equal(3, plan.Hosts.Created);
        var json = await _api.GetStringAsync("/v1/fleet?labelSelector=of%3Dtwins");
        var yaml = await ExportYamlAsync();

        var other = new ApiFixture();
        await other.InitializeAsync();
        try
        {
            var copy = await ApplyAsync(json, api: other.Admin);
            Assert.Equal((2, 6, 4, 6), (copy.Hosts.Created, copy.Dimms.Created, copy.Regions.Created, copy.Namespaces.Created));
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), JsonNode.Parse(await other.Admin.GetStringAsync("/v1/fleet?labelSelector=of%3Dtwins"))), json);
            Assert.Equal(await LabelsAsync(_api, "twin-2", "nmem1"), await LabelsAsync(other.Admin, "twin-2", "nmem1"));

            // YAML says the same, and finds all of it there but the host that the JSON left out
            var rest = await ApplyAsync(yaml, api: other.Admin);
            Assert.Equal((2, 6, 6), (rest.Hosts.Unchanged, rest.Dimms.Unchanged, rest.Namespaces.Unchanged));
        }
        finally
        {
            await other.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("""{"hosts":[{"name":"h","count":2}]}""", "fleet-name-number", "hosts/0/name")]
    [InlineData("""{"hosts":[{"name":"h{n}","count":0}]}""", "fleet-count", "hosts/0/count")]
    [InlineData("""{"hosts":[{"name":"h{n}","count":2147483647}]}""", "fleet-count", "hosts/0/count")]
    [InlineData("""{"hosts":[{"name":"h{n}","first":-1}]}""", "fleet-first", "hosts/0/first")]
    [InlineData("""{"hosts":[{"name":"h{n}","count":20000},{"name":"g{n}","count":20000}]}""", "fleet-size", "hosts")]
    [InlineData("""{"hosts":[{"name":"h{n}","count":20000,"namespaces":[{"count":1000000}]}]}""", "fleet-size", "hosts")]
    [InlineData("""{"hosts":[{"name":"h"},{"name":"h"}]}""", "host-twice", "hosts/1/name")]
    [InlineData("""{"hosts":[{"name":"H!"}]}""", "host-name", "hosts/0/name")]
    [InlineData("""{"apiVersion":"v9","hosts":[]}""", "fleet-version", "apiVersion")]
    [InlineData("""{"hosts":[{"name":"ok"},{"name":"h","dimms":[{"capacity":"1G","labelVersion":"2.0"}]}]}""", "label-version", "hosts/1/dimms/0/labelVersion")]
    [InlineData("""{"hosts":[{"name":"ok"},{"name":"h","dimms":[{"capacity":"1"}]}]}""", "dimm-capacity", "hosts/1/dimms/0/capacity")]
    [InlineData("""{"hosts":[{"name":"h","dimms":[{"count":3,"capacity":"1G"}],"regions":[{"ways":2}]}]}""", "fleet-ways", "hosts/0/regions/0/ways")]
    [InlineData("""{"hosts":[{"name":"h","dimms":[{"capacity":"1G"}],"regions":[{"ways":1}],"namespaces":[{"mode":"none"}]}]}""", "mode-unknown", "hosts/0/namespaces/0/mode")]
    [InlineData("""{"hosts":[{"name":"h","dimms":[{"capacity":"1G"}],"regions":[{"ways":1}],"namespaces":[{"uuid":"0f0f0f0f-0000-4000-8000-000000000001","count":2}]}]}""", "fleet-uuid-count", "hosts/0/namespaces/0/uuid")]
    public async Task Apply_WrongDocument_IsRefusedWholeAtItsPlace(string document, string code, string place)
    {
        var response = await PutAsync(document, "application/json");
        var problem = await response.ReadProblemAsync();
        Assert.Equal((422, code), ((int)response.StatusCode, problem.Code));
        Assert.Contains(problem.Errors!, error => error.Pointer == $"/{place}");
        Assert.Equal(HttpStatusCode.NotFound, (await _api.GetAsync("/v1/hosts/ok")).StatusCode);
    }

    [Fact]
    public async Task Apply_DifferentCapacity_IsRefusedWithBothNumbers()
    {
        await ApplyAsync("""{"hosts":[{"name":"fixed","dimms":[{"capacity":"1G"}]}]}""");
        var problem = await (await PutAsync("""{"hosts":[{"name":"new-one"},{"name":"fixed","dimms":[{"capacity":"2G"}]}]}""", "application/json")).ReadProblemAsync();
        Assert.Equal((409, "fleet-differs", "EEXIST", "1073741824", "2147483648"), (problem.Status, problem.Code, problem.Errno, problem.Numbers!["fleet"], problem.Numbers["document"]));
        Assert.Equal(HttpStatusCode.NotFound, (await _api.GetAsync("/v1/hosts/new-one")).StatusCode);
    }

    [Theory]
    [InlineData("hosts: [", "yaml-malformed")]
    [InlineData("hosts: &a [*a]", "yaml-malformed")]
    [InlineData("a: &x 1\nhosts: [{name: *x}]", "yaml-malformed")]
    [InlineData("hosts: !!binary aaaa", "yaml-malformed")]
    [InlineData("hosts: []\n---\nhosts: []", "yaml-malformed")]
    [InlineData("hosts: []\nhosts: []", "yaml-malformed")]
    [InlineData("? [a]\n: b", "yaml-malformed")]
    [InlineData("", "body-null")]
    [InlineData("hosts: []\nnothing: 1", "members-invalid")]
    [InlineData("hosts: [{name: 12}]", "value-invalid")]
    public async Task Apply_WrongYaml_IsRefused(string yaml, string code)
    {
        var problem = await (await PutAsync(yaml, "application/yaml")).ReadProblemAsync();
        Assert.Equal((400, code), (problem.Status, problem.Code));
    }

    [Fact]
    public async Task Apply_DeepYaml_IsRefused()
    {
        var problem = await (await PutAsync($"hosts: {new string('[', 5000)}", "application/yaml")).ReadProblemAsync();
        Assert.Equal((400, "yaml-malformed"), (problem.Status, problem.Code));
    }

    [Fact]
    public async Task Apply_StaleEtag_IsRefused()
    {
        var response = await _api.GetAsync("/v1/fleet");
        await ApplyAsync("""{"hosts":[{"name":"between"}]}""");
        using var request = Request("""{"hosts":[{"name":"late"}]}""", "application/json", response.Headers.ETag!.ToString());
        Assert.Equal(HttpStatusCode.PreconditionFailed, (await _api.SendAsync(request)).StatusCode);
    }

    private static async Task<string> LabelsAsync(HttpClient api, string host, string dimm) =>
        (await api.GetStringAsync($"/v1/hosts/{host}/dimms/{dimm}/labels")) is var text ? text[text.IndexOf("readLabels", StringComparison.Ordinal)..] : string.Empty;

    private async Task<string> ExportYamlAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/fleet");
        request.Headers.Accept.ParseAdd("application/yaml");
        var response = await _api.SendAsync(request);
        Assert.Equal("application/yaml", response.Content.Headers.ContentType!.MediaType);
        return await response.Content.ReadAsStringAsync();
    }

    private async Task<FleetPlan> ApplyAsync(string document, bool dryRun = false, HttpClient? api = null)
    {
        using var request = Request(document, document.StartsWith('{') ? "application/json" : "application/yaml", "*", dryRun);
        var response = await (api ?? _api).SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return await response.ReadAsync<FleetPlan>();
    }

    private async Task<FleetPlan> PruneAsync(string document, string query)
    {
        using var response = await SendAsync(document, query);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return await response.ReadAsync<FleetPlan>();
    }

    private async Task<HttpResponseMessage> SendAsync(string document, string query)
    {
        using var request = Request(document, "application/yaml", "*");
        request.RequestUri = new Uri($"/v1/fleet{query}", UriKind.Relative);
        return await _api.SendAsync(request);
    }

    private async Task<HttpResponseMessage> PutAsync(string document, string type)
    {
        using var request = Request(document, type, "*");
        return await _api.SendAsync(request);
    }

    private static HttpRequestMessage Request(string document, string type, string ifMatch, bool dryRun = false)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, $"/v1/fleet{(dryRun ? "?dryRun=true" : string.Empty)}") { Content = new StringContent(document, Encoding.UTF8, type) };
        request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        return request;
    }
}
