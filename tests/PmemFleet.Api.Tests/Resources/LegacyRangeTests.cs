using System.Net;
using System.Text.Json.Nodes;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Regions;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>Ranges without DIMMs (provider e820) on the product's own worker: their bytes, errors and personalities are as real as those of a DIMM.</summary>
public sealed class LegacyRangeTests(RealWorkerFixture fixture) : IClassFixture<RealWorkerFixture>
{
    private static readonly string[] Modes =
    [
        "\"mode\":\"fsdax\",\"map\":\"mem\"", "\"mode\":\"fsdax\",\"map\":\"dev\"", "\"mode\":\"sector\"", "\"mode\":\"raw\"",
    ];

    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    [Trait("Row", "34")]
    [Trait("Row", "50")]
    [Trait("Row", "51")]
    public async Task Host_OfTwoRanges_BootsAndListsNativeMemory()
    {
        await _api.CreateReadyHostAsync("""{"name":"lists","provider":"e820","regions":[{"size":"64M"},{"size":"4G","start":"0x1fc000000"}]}""");

        var buses = (JsonArray)JsonNode.Parse(await TextAsync("/v1/hosts/lists/ndctl/list?buses=true&dimms=true&regions=true&namespaces=true"))!;
        Assert.Equal(("e820", false), ((string?)buses[0]!["provider"], buses[0]!.AsObject().ContainsKey("dimms")));
        Assert.Contains("1fc000000-2fbffffff : Persistent Memory (legacy)\n  1fc000000-2fbffffff : namespace1.0\n", await TextAsync("/v1/hosts/lists/iomem"), StringComparison.Ordinal);
        Assert.Equal(
            """[{"dev":"namespace1.0","mode":"fsdax","map":"mem","size":4294967296,"sector_size":512,"blockdev":"pmem1"}]""",
            await TextAsync("/v1/hosts/lists/ndctl/list?namespaces=true&namespace=namespace1.0"));
        Assert.Empty((await _api.GetAsync<HostCheckDto>("/v1/hosts/lists/check")).Differences);
        Assert.Equal("no-ars", (await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts/lists/scrubs", "{}", HttpStatusCode.UnprocessableEntity)).Code);
    }

    [Fact]
    public async Task Bytes_OfEveryMode_AreThereAfterAPowerCycleAKillAndAnotherWorker()
    {
        await _api.CreateReadyHostAsync("""{"name":"bytes","provider":"e820","regions":[{"size":"256M"},{"size":"256M"},{"size":"256M"},{"size":"256M"},{"size":"256M"}]}""");
        await WriteAsync("bytes", 4, 4);
        for (var region = 0; region < Modes.Length; region++)
        {
            var made = await _api.PostAsync<NamespaceDto>($"/v1/hosts/bytes/namespaces/namespace{region}.0/reconfigure", $$"""{{{Modes[region]}},"force":true}""");
            Assert.Equal("enabled", made.State);
            await WriteAsync("bytes", region, region);
        }

        var before = await ModesAsync("bytes");
        await _api.PostAsync<HostDto>("/v1/hosts/bytes/power", """{"action":"cycle"}""");
        await ExpectSameAsync("bytes", before);
        await _api.PostAsync<HostDto>("/v1/hosts/bytes/power", """{"action":"cut"}""");
        await ExpectSameAsync("bytes", before);

        var epoch = (await _api.GetAsync<HostDto>("/v1/hosts/bytes")).BootCount;
        fixture.KillWorker();
        await UntilBootedAgainAsync("bytes", epoch);
        await ExpectSameAsync("bytes", before);

        epoch = (await _api.GetAsync<HostDto>("/v1/hosts/bytes")).BootCount;
        await fixture.ReplaceWorkerAsync("successor");
        await UntilBootedAgainAsync("bytes", epoch);
        await ExpectSameAsync("bytes", before);
        Assert.Equal("successor", (await _api.GetAsync<HostDto>("/v1/hosts/bytes")).Worker);
    }

    [Fact]
    public async Task Devdax_OnARange_IsMappedStoredToAndOnlinedAsMemory()
    {
        await _api.CreateReadyHostAsync("""{"name":"dax","provider":"e820","regions":[{"size":"64M"},{"size":"1G"}]}""");
        await _api.PostAsync<NamespaceDto>("/v1/hosts/dax/namespaces/namespace1.0/reconfigure", """{"mode":"devdax","align":"2M","force":true}""");
        await StoreAsync("dax", "aGVsbG8=");
        await _api.PostAsync<HostDto>("/v1/hosts/dax/power", """{"action":"cut"}""");
        await _api.UntilReadyAsync("dax");
        Assert.Equal("hello"u8.ToArray(), await LoadAsync("dax"));

        var ram = await _api.PostAsync<DaxDeviceDto>("/v1/hosts/dax/dax-devices/dax1.0/reconfigure", """{"mode":"system-ram"}""");
        Assert.True(ram.OnlineMemblocks > 0);
        Assert.Contains(" : System RAM (kmem)\n", await TextAsync("/v1/hosts/dax/iomem"), StringComparison.Ordinal);
        await _api.PostAsync<DaxDeviceDto>("/v1/hosts/dax/dax-devices/dax1.0/offline-memory", "{}");
        Assert.Equal("enabled", (await _api.PostAsync<DaxDeviceDto>("/v1/hosts/dax/dax-devices/dax1.0/reconfigure", """{"mode":"devdax"}""")).State);
        Assert.Empty((await _api.GetAsync<HostCheckDto>("/v1/hosts/dax/check")).Differences);
    }

    [Fact]
    public async Task Errors_OfARange_AreReadListedKeptOverABootAndCleared()
    {
        const string host = "/v1/hosts/poison";
        await _api.CreateReadyHostAsync("""{"name":"poison","provider":"e820","regions":[{"size":"64M"},{"size":"64M"}]}""");
        await _api.PostAsync<NamespaceDto>($"{host}/namespaces/namespace1.0/reconfigure", """{"mode":"raw","force":true}""");

        // the firmware has no command for it, as ndctl finds; an error of the memory itself needs none
        Assert.Equal("EOPNOTSUPP", (await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors", """{"namespace":"namespace1.0","block":8,"count":1}""", HttpStatusCode.UnprocessableEntity)).Errno);
        await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors", """{"region":"region1","offset":"64M","length":512}""", HttpStatusCode.UnprocessableEntity);
        await _api.PostAsync<ListPage<MediaErrorDto>>($"{host}/media-errors", """{"region":"region0","offset":0,"length":4096}""");
        var errors = await _api.PostAsync<ListPage<MediaErrorDto>>($"{host}/media-errors", """{"region":"region1","offset":4096,"length":512,"notify":false}""");
        Assert.Equal(["region0 0 4096 True", "region1 4096 512 False"], errors.Items.Select(error => $"{error.Region} {error.Dpa} {error.Length} {error.Known}"));
        Assert.All(errors.Items, error => Assert.Null(error.Dimm));

        using (var latent = await _api.GetAsync(new Uri($"{host}/namespaces/namespace1.0/data?offset=4096&length=512", UriKind.Relative)))
        {
            Assert.Equal("EIO", (await latent.ReadProblemAsync()).Errno);
        }

        // a read consumed it: the bus lists the line, and the sector is bad
        await Eventually.Async(async () => (await _api.GetAsync<ListPage<MediaErrorDto>>($"{host}/media-errors?known=true")).Items.Count == 2, TimeSpan.FromSeconds(20));
        await _api.PostAsync<HostDto>($"{host}/power", """{"action":"cut"}""");
        await _api.UntilReadyAsync("poison");
        Assert.Equal(1, (await _api.GetAsync<RegionDto>($"{host}/regions/region1")).BadblockCount);
        Assert.Contains("\"badblock_count\":1", await TextAsync($"{host}/ndctl/list?regions=true&mediaErrors=true&region=region1"), StringComparison.Ordinal);
        var first = await _api.GetAsync<ListPage<MediaErrorDto>>("/v1/media-errors?limit=1");
        var all = await _api.GetAsync<ListPage<MediaErrorDto>>($"{host}/media-errors");
        Assert.Equal(all.Items[0].Region, first.Items[0].Region);
        Assert.Equal("region1", (await _api.GetAsync<MediaErrorVictimsDto>($"{host}/media-errors/region1/4096")).Error.Region);

        // a write clears what it covers, a clear the rest of the namespace
        using (var written = await _api.PutBytesAsync($"{host}/namespaces/namespace1.0/data?offset=4096", new byte[512]))
        {
            Assert.True(written.IsSuccessStatusCode, await written.Content.ReadAsStringAsync());
        }

        Assert.Equal(new byte[512], await _api.GetByteArrayAsync(new Uri($"{host}/namespaces/namespace1.0/data?offset=4096&length=512", UriKind.Relative)));
        var left = await _api.PostAsync<ListPage<MediaErrorDto>>($"{host}/media-errors/clear", """{"namespace":"namespace0.0"}""");
        Assert.Empty(left.Items);
        Assert.Equal(0, (await _api.GetAsync<RegionDto>($"{host}/regions/region0")).BadblockCount);
        Assert.Equal("no-ars", (await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors/clear", """{"namespace":"namespace0.0","scrub":true}""", HttpStatusCode.UnprocessableEntity)).Code);
    }

    [Fact]
    public async Task Load_OfPoisonInARange_IsSigbusAndNamesTheMapping()
    {
        const string host = "/v1/hosts/mapped";
        await _api.CreateReadyHostAsync("""{"name":"mapped","provider":"e820","regions":[{"size":"256M"}]}""");
        await _api.PostAsync<NamespaceDto>($"{host}/namespaces/namespace0.0/reconfigure", """{"mode":"devdax","align":"2M","force":true}""");
        await _api.PostAsync<ListPage<MediaErrorDto>>($"{host}/media-errors", """{"region":"region0","offset":"32M","length":64,"notify":false}""");
        var process = await _api.PostAsync<ProcessDto>($"{host}/processes", "{}", HttpStatusCode.Created);
        await _api.PostAsync<MappingDto>($"{host}/processes/{process.Pid}/mappings", """{"device":"dax0.0","length":"64M"}""", HttpStatusCode.Created);
        var access = await _api.PostAsync<AccessDto>($"{host}/processes/{process.Pid}/accesses", """{"mapping":1,"kind":"read","length":"64M","stride":64}""");
        Assert.Equal(("SIGBUS", "BUS_MCEERR_AR"), (access.Signal!.Signal, access.Signal.Code));
        await Eventually.Async(async () => (await _api.GetAsync<RegionDto>($"{host}/regions/region0")).BadblockCount == 1, TimeSpan.FromSeconds(20));
        var victims = await _api.GetAsync<MediaErrorVictimsDto>($"{host}/media-errors/region0/{32 << 20}");
        Assert.True(victims.HwPoisoned);
    }

    [Fact]
    public async Task Fleet_OfLegacyHosts_IsExportedAndMadeAgain()
    {
        const string Document = """
            {"hosts":[{"name":"old","provider":"e820","regions":[{"size":"64M"},{"size":"64M"},{"size":"64M"},{"size":"64M"},{"size":"64M"}],
              "namespaces":[{"region":"region0","mode":"fsdax"},{"region":"region1","mode":"devdax"},{"region":"region2","mode":"sector"},{"region":"region3","mode":"raw"}]}]}
            """;
        await ApplyAsync(Document, "name");
        await UntilMadeAsync();
        var exported = await TextAsync("/v1/fleet?labelSelector=!other");
        var host = Assert.Single((JsonArray)JsonNode.Parse(exported)!["hosts"]!, one => (string?)one!["name"] == "old")!;

        await _api.RemoveAsync("/v1/hosts/old");
        await Eventually.Async(async () => !(await _api.GetAsync<ListPage<HostDto>>("/v1/hosts?limit=1000")).Items.Any(one => one.Name == "old"), TimeSpan.FromSeconds(20));
        await ApplyAsync(new JsonObject { ["hosts"] = new JsonArray(host.DeepClone()) }.ToJsonString(), "again");
        await UntilMadeAsync();
        var again = ((JsonArray)JsonNode.Parse(await TextAsync("/v1/fleet"))!["hosts"]!).Single(one => (string?)one!["name"] == "old");
        Assert.True(JsonNode.DeepEquals(host, again), again!.ToJsonString());
    }

    [Fact]
    public async Task Delete_OfARangeAndOfItsHost_TakesTheFiles()
    {
        var host = await _api.CreateReadyHostAsync("""{"name":"gone","provider":"e820","regions":[{"size":"64M"},{"size":"64M"}]}""");
        var added = await _api.PostAsync<RegionDto>("/v1/hosts/gone/regions", """{"size":"64M"}""", HttpStatusCode.Created);
        Assert.Equal(3, fixture.FilesOf(host.Id).Count(file => file.EndsWith(".dimm", StringComparison.Ordinal)));
        Assert.Contains($"{added.Id:N}.dimm", fixture.FilesOf(host.Id));
        await _api.PostAsync<RegionDto>("/v1/hosts/gone/regions/region2/disable", "{}");
        await _api.RemoveAsync("/v1/hosts/gone/regions/region2");
        Assert.DoesNotContain(fixture.FilesOf(host.Id), file => file.StartsWith($"{added.Id:N}", StringComparison.Ordinal));

        await _api.RemoveAsync("/v1/hosts/gone");
        Assert.DoesNotContain(fixture.FilesOf(host.Id), file => file.EndsWith(".dimm", StringComparison.Ordinal) || file.EndsWith(".state", StringComparison.Ordinal));
        await _api.RefusedAsync(HttpMethod.Get, "/v1/hosts/gone", null, HttpStatusCode.NotFound);
    }

    private async Task<string> TextAsync(string path) => await _api.GetStringAsync(new Uri(path, UriKind.Relative));

    private async Task<string[]> ModesAsync(string host) =>
        [.. (await _api.GetAsync<ListPage<NamespaceDto>>($"/v1/hosts/{host}/namespaces")).Items.Select(space => $"{space.Name} {space.Mode} {space.State} {space.Size} {space.SectorSize}")];

    private async Task ExpectSameAsync(string host, string[] before)
    {
        await _api.UntilReadyAsync(host);
        Assert.Equal(before, await ModesAsync(host));
        for (var region = 0; region <= Modes.Length; region++)
        {
            Assert.Equal(Pattern(region), await _api.GetByteArrayAsync(new Uri($"/v1/hosts/{host}/namespaces/namespace{region}.0/data?offset=4096&length=8192", UriKind.Relative)));
        }

        Assert.Empty((await _api.GetAsync<HostCheckDto>($"/v1/hosts/{host}/check")).Differences);
    }

    private Task UntilBootedAgainAsync(string host, long boots) => Eventually.Async(
        async () => await _api.GetAsync<HostDto>($"/v1/hosts/{host}") is { State: "ready" } seen && seen.BootCount > boots, TimeSpan.FromSeconds(60));

    private async Task WriteAsync(string host, int region, int seed)
    {
        using var written = await _api.PutBytesAsync($"/v1/hosts/{host}/namespaces/namespace{region}.0/data?offset=4096", Pattern(seed));
        Assert.True(written.IsSuccessStatusCode, await written.Content.ReadAsStringAsync());
    }

    private static byte[] Pattern(int seed) => [.. Enumerable.Range(0, 8192).Select(at => (byte)((at * 7) + seed + 1))];

    private async Task StoreAsync(string host, string data)
    {
        var pid = await MapAsync(host);
        await _api.PostAsync<AccessDto>($"/v1/hosts/{host}/processes/{pid}/accesses", $$"""{"mapping":1,"kind":"write","offset":4096,"length":5,"data":"{{data}}"}""");
    }

    private async Task<byte[]?> LoadAsync(string host) => (await _api.PostAsync<AccessDto>(
        $"/v1/hosts/{host}/processes/{await MapAsync(host)}/accesses", """{"mapping":1,"kind":"read","offset":4096,"length":5,"returnData":true}""")).Data;

    private async Task<int> MapAsync(string host)
    {
        var process = await _api.PostAsync<ProcessDto>($"/v1/hosts/{host}/processes", "{}", HttpStatusCode.Created);
        await _api.PostAsync<MappingDto>($"/v1/hosts/{host}/processes/{process.Pid}/mappings", """{"device":"dax1.0","length":"4M"}""", HttpStatusCode.Created);
        return process.Pid;
    }

    private async Task ApplyAsync(string document, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/fleet") { Content = new StringContent(document, null, "application/json") };
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        request.Headers.Add("Idempotency-Key", key);
        using var answer = await _api.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task UntilMadeAsync()
    {
        await _api.UntilReadyAsync("old");
        await Eventually.Async(
            async () => !(await _api.GetAsync<ListPage<OperationDto>>("/v1/operations?host=old&limit=100")).Items.Any(operation => operation.EndedAt is null), TimeSpan.FromSeconds(20));
        Assert.All((await _api.GetAsync<ListPage<NamespaceDto>>("/v1/hosts/old/namespaces")).Items, space => Assert.Equal("enabled", space.State));
    }
}
