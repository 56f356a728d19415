using System.Net;
using Npgsql;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>Hosts: made, found, changed, switched, deleted.</summary>
public sealed class HostTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private const string OneDimm = "\"dimms\":[{\"capacity\":\"1G\"}],\"regions\":[{\"dimms\":[\"nmem0\"]}]";
    private readonly HttpClient _api = fixture.Admin;

    [Theory]
    [InlineData("""{"name":"Bad_Name"}""", "host-name", "/name")]
    [InlineData("""{"name":"h","provider":"ACPI"}""", "provider-unknown", "/provider")]
    [InlineData("""{"name":"h","labels":{"-x":"1"}}""", "label-invalid", "/labels/-x")]
    [InlineData("""{"name":"h","platform":{"pageTableLevels":3}}""", "page-table-levels", "/platform/pageTableLevels")]
    [InlineData("""{"name":"h","dimms":[{"capacity":"1G"},{"capacity":"1K"}]}""", "dimm-capacity", "/dimms/1/capacity")]
    [InlineData("""{"name":"h","dimms":[{"capacity":"1G","clearErrorUnit":300}]}""", "clear-error-unit", "/dimms/0/clearErrorUnit")]
    [InlineData("""{"name":"h","dimms":[{"capacity":"1G","serialNumber":"0x100000000"}]}""", "nfit-number", "/dimms/0/serialNumber")]
    [InlineData("""{"name":"h","dimms":[{"capacity":"1G"}],"regions":[{"dimms":["nmem1"]}]}""", "no-such-dimm", "/regions/0/dimms")]
    [InlineData("""{"name":"h","dimms":[{"capacity":"1G"},{"capacity":"1G"}],"regions":[{"dimms":["nmem0","nmem1"],"size":12288}]}""", "region-size", "/regions/0/size")]
    [InlineData("""{"name":"h","provider":"e820","dimms":[{"capacity":"1G"}]}""", "legacy-host-dimms", "/dimms/0/capacity")]
    public async Task Create_Impossible_PointsAtTheMember(string json, string code, string subject)
    {
        var problem = await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts", json, HttpStatusCode.UnprocessableEntity);
        Assert.Equal((code, subject), (problem.Code, Assert.Single(problem.Errors!).Pointer));
    }

    [Fact]
    public async Task Create_TakenName_IsAConflict()
    {
        await _api.PostAsync<HostDto>("/v1/hosts", """{"name":"taken"}""", HttpStatusCode.Created);
        var problem = await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts", """{"name":"taken"}""", HttpStatusCode.Conflict);
        Assert.Equal(("EEXIST", "host-exists"), (problem.Errno, problem.Code));
    }

    [Fact]
    public async Task Create_DryRun_ShowsTheHostAndMakesNone()
    {
        var shown = await _api.PostAsync<HostDto>("/v1/hosts?dryRun=true", $$"""{"name":"dry",{{OneDimm}}}""", HttpStatusCode.Created);
        Assert.Equal((1, 1), (shown.DimmCount, shown.RegionCount));
        Assert.Equal(HttpStatusCode.NotFound, (await _api.GetAsync(new Uri("/v1/hosts/dry", UriKind.Relative))).StatusCode);
    }

    [Fact]
    [Trait("Row", "50")]
    public async Task Create_E820Host_HasALegacyRangeOfNativeMemory()
    {
        await _api.CreateReadyHostAsync("""{"name":"legacy","provider":"e820","regions":[{"dimms":[],"size":"4G","start":"0x1fc000000"}]}""");
        var space = Assert.Single((await _api.GetAsync<ListPage<NamespaceDto>>("/v1/hosts/legacy/namespaces")).Items);
        Assert.Equal(("fsdax", 4L << 30, (Guid?)null), (space.Mode, space.Size, space.Uuid));
        Assert.Contains("1fc000000-2fbffffff : Persistent Memory (legacy)\n  1fc000000-2fbffffff : namespace0.0", await _api.GetStringAsync(new Uri("/v1/hosts/legacy/iomem", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_LabelSelector_IsKubernetesGrammar()
    {
        foreach (var (name, labels) in new[] { ("sel-a", """{"tier":"gold","rack":"r1"}"""), ("sel-b", """{"tier":"silver","rack":"r2"}"""), ("sel-c", """{"tier":"gold"}""") })
        {
            await _api.PostAsync<HostDto>("/v1/hosts", $$"""{"name":"{{name}}","labels":{{labels}}}""", HttpStatusCode.Created);
        }

        Assert.Equal("sel-a sel-c", await NamesAsync("tier=gold"));
        Assert.Equal("sel-a sel-b", await NamesAsync("tier in (gold,silver),rack"));
        Assert.Equal("sel-b", await NamesAsync("tier,tier!=gold"));
        Assert.Equal("sel-c", await NamesAsync("tier,!rack"));
        Assert.Equal("sel-a sel-c", await NamesAsync("tier,rack notin (r2)"));
    }

    [Fact]
    public async Task List_Pages_GoThroughAllOnce()
    {
        for (var i = 0; i < 5; i++)
        {
            await _api.PostAsync<HostDto>("/v1/hosts", $$$"""{"name":"page-{{{i}}}","mediaPool":"pages","dimms":[{"capacity":"16M"},{"capacity":"16M"}]}""", HttpStatusCode.Created);
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await _api.GetAsync<ListPage<HostDto>>($"/v1/hosts?mediaPool=pages&limit=2{(cursor is null ? string.Empty : $"&cursor={cursor}")}");
            seen.AddRange(page.Items.Select(host => host.Name));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        Assert.Equal([.. Enumerable.Range(0, 5).Select(i => $"page-{i}")], seen);

        var dimms = new List<string>();
        do
        {
            var page = await _api.GetAsync<ListPage<DimmDto>>($"/v1/dimms?limit=3{(cursor is null ? string.Empty : $"&cursor={cursor}")}");
            dimms.AddRange(page.Items.Where(dimm => dimm.Host.StartsWith("page-", StringComparison.Ordinal)).Select(dimm => $"{dimm.Host}/{dimm.Name}"));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        Assert.Equal([.. Enumerable.Range(0, 10).Select(i => $"page-{i / 2}/nmem{i % 2}")], dimms);
    }

    [Fact]
    public async Task Update_Labels_ChangesTheEtagAndHonoursIfMatch()
    {
        await _api.PostAsync<HostDto>("/v1/hosts", """{"name":"tagged","mediaPool":"nobody"}""", HttpStatusCode.Created);
        var etag = await EtagAsync("/v1/hosts/tagged");
        Assert.Equal("gold", (await _api.PatchAsync<HostDto>("/v1/hosts/tagged", """{"labels":{"tier":"gold"}}""")).Labels["tier"]);
        Assert.NotEqual(etag, await EtagAsync("/v1/hosts/tagged"));
        Assert.Equal(HttpStatusCode.PreconditionFailed, (await _api.SendJsonAsync(HttpMethod.Patch, "/v1/hosts/tagged", """{"labels":{}}""", etag)).StatusCode);
        Assert.Equal(HttpStatusCode.PreconditionFailed, (await _api.SendJsonAsync(HttpMethod.Delete, "/v1/hosts/tagged", null, etag)).StatusCode);
        Assert.Equal(HttpStatusCode.PreconditionRequired, (await _api.SendJsonAsync(HttpMethod.Delete, "/v1/hosts/tagged", null)).StatusCode);
        await _api.RemoveAsync("/v1/hosts/tagged", await EtagAsync("/v1/hosts/tagged"));
    }

    [Fact]
    public async Task Power_Off_RefusesTheDataPlaneAndWrites_UntilOn()
    {
        await _api.CreateReadyHostAsync($$"""{"name":"power",{{OneDimm}}}""");
        var off = await _api.PostAsync<HostDto>("/v1/hosts/power/power", """{"action":"off"}""");
        Assert.Equal("off", off.Power);
        Assert.Equal("host-off", (await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts/power/power", """{"action":"cycle"}""", HttpStatusCode.Conflict)).Code);
        Assert.Equal("host-off", (await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts/power/dimms", """{"capacity":"16M"}""", HttpStatusCode.Conflict)).Code);
        Assert.Equal("host-off", (await _api.RefusedAsync(HttpMethod.Get, "/v1/hosts/power/processes", null, HttpStatusCode.Conflict)).Code);
        Assert.Empty((await _api.GetAsync<ListPage<NamespaceDto>>("/v1/hosts/power/namespaces")).Items);
        var on = await _api.PostAsync<HostDto>("/v1/hosts/power/power", """{"action":"on"}""");
        Assert.Equal(("on", "ready", 1), (on.Power, on.State, on.NamespaceCount));
    }

    [Fact]
    public async Task Delete_BootedHost_WipesItsMediaAndLeavesNoRow()
    {
        var host = await _api.CreateReadyHostAsync($$"""{"name":"gone",{{OneDimm}}}""");
        await _api.RemoveAsync("/v1/hosts/gone");
        Assert.Contains(fixture.Worker.Steps, step => step is Contracts.Sync.WipeDimmStep { Remove: true });
        await using var connection = await fixture.ConnectAsync();
        foreach (var table in (string[])["dimms", "regions", "region_mappings", "namespaces", "personalities", "label_chunks", "dpa_extents", "tasks"])
        {
            await using var count = new NpgsqlCommand($"SELECT count(*) FROM {table} WHERE host_id = $1", connection) { Parameters = { new() { Value = host.Id } } };
            Assert.Equal(0L, await count.ExecuteScalarAsync());
        }
    }

    [Fact]
    public async Task Write_NoWorker_IsAcceptedAndFinishedOnceOneComes()
    {
        await _api.PostAsync<HostDto>("/v1/hosts", $$"""{"name":"alone","mediaPool":"island",{{OneDimm}}}""", HttpStatusCode.Created);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/hosts/alone/scrubs");
        request.Headers.Add("Prefer", "respond-async");
        var accepted = await _api.SendAsync(request);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Equal("not-found", (await _api.RefusedAsync(HttpMethod.Get, "/v1/hosts/nobody/check", null, HttpStatusCode.NotFound)).Code);
        Assert.Equal("host-not-ready", (await _api.RefusedAsync(HttpMethod.Get, "/v1/hosts/alone/processes", null, HttpStatusCode.ServiceUnavailable)).Code);
    }

    private async Task<string> NamesAsync(string selector) => string.Join(
        ' ', (await _api.GetAsync<ListPage<HostDto>>($"/v1/hosts?labelSelector={Uri.EscapeDataString(selector)}")).Items.Select(host => host.Name));

    private async Task<string> EtagAsync(string path) => (await _api.GetAsync(new Uri(path, UriKind.Relative))).Headers.ETag!.ToString();
}
