using System.Net;
using System.Text;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Regions;

namespace PmemFleet.Api.Tests.Rows;

/// <summary>Device-dax regions and devices through the running product.</summary>
[Collection(ProductCollection.Name)]
public sealed class DaxRowTests(RealWorkerFixture fixture) : ProductRows(fixture)
{
    [Fact]
    [Trait("Row", "27")]
    [Trait("Row", "28")]
    [Trait("Row", "33")]
    [Trait("Row", "69")]
    [Trait("Row", "88")]
    [Trait("Row", "94")]
    public async Task Region_AloneTellsHowToMap()
    {
        var host = await DaxHostAsync("region", "64M", "2M");
        var region = await Api.GetAsync<DaxRegionDto>($"{host}/dax-regions/dax0.0");
        Assert.Equal((0, 2 * MiB, 0L), (region.Id, region.Align, region.Size % region.Align));
        Assert.Equal("dax0.0", Assert.Single(region.Devices));
        var pid = await ProcessAsync(host);
        await MapAsync(host, pid, $"{region.Size / region.Align * region.Align}");
        var listed = (await ListAsync($"{host}/daxctl/list"))[0]!;
        Assert.Equal(("dax0.0", region.Size, "devdax"), ((string?)listed["chardev"], (long)listed["size"]!, (string?)listed["mode"]));
        var device = await Api.GetAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.0");
        Assert.Equal(("namespace0.0", 0, 0L), (device.Namespace, device.DaxRegion, Convert.ToInt64(device.Extents[0].Start, 16) % region.Align));
        Assert.Equal("/dev/dax0.0", (await Api.GetAsync<NamespaceDto>($"{host}/namespaces/namespace0.0")).CharacterDevice is { } path ? $"/dev/{path.Replace("/dev/", string.Empty, StringComparison.Ordinal)}" : null);

        // decimal digits, which a parser of numbers takes: 4096 and not 1000
        await ReconfigureAsync(host, "namespace0.0", """{"mode":"devdax","align":"4K","force":true}""");
        Assert.Contains("\"align\":4096", await TextAsync($"{host}/ndctl/list?namespaces=true"), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "68")]
    [Trait("Row", "89")]
    public async Task Align_IsOfTheConfiguration_AndEverythingMatchesIt()
    {
        var host = await DaxHostAsync("aligned", "64M", "2M");
        Assert.Equal("EBUSY", (await Api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces/namespace0.0/reconfigure", """{"mode":"devdax","align":"4K"}""", HttpStatusCode.Conflict)).Errno);
        Assert.Equal(2 * MiB, (await Api.GetAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.0")).Align);
        Assert.Equal("EINVAL", (await Api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces/namespace0.0/reconfigure", """{"mode":"devdax","align":"3M","force":true}""", HttpStatusCode.UnprocessableEntity)).Errno);
        var labelled = await HostAsync("extents", "128M", "1.2");
        Assert.Equal("EINVAL", (await Api.RefusedAsync(HttpMethod.Post, $"{labelled}/namespaces", $$"""{"mode":"devdax","align":"2M","size":{{(32 * MiB) + 4096}}}""", HttpStatusCode.UnprocessableEntity)).Errno);
    }

    [Fact]
    [Trait("Row", "47")]
    [Trait("Row", "63")]
    public async Task Device_NeedsARegionAndAKernelThatHasIt()
    {
        var host = await HostAsync("kernel", "64M", platform: """{"deviceDax":false}""");
        var refused = await Api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces/namespace0.0/reconfigure", """{"mode":"devdax","force":true}""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal(("ENODEV", "Kernel does not support devdax mode"), (refused.Errno, refused.Detail));
        Assert.Equal("fsdax", (await ReconfigureAsync(host, "namespace0.0", """{"mode":"fsdax","force":true}""")).Mode);
        await Api.RefusedAsync(HttpMethod.Post, $"{host}/dax-devices", """{"region":0}""", HttpStatusCode.NotFound);
    }

    [Fact]
    [Trait("Row", "64")]
    [Trait("Row", "71")]
    public async Task Devices_ThreeHundred_AllWorkWithInodesOfTheirOwn()
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/fleet")
        {
            Content = new StringContent(
                """{"hosts":[{"name":"crowd","dimms":[{"capacity":"6G","labelSize":"256K"}],"regions":[{"dimms":["nmem0"]}],"namespaces":[{"region":"region0","mode":"devdax","size":"16M","align":"4K","map":"mem","count":300}]}]}""",
                Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        request.Headers.Add("Prefer", "wait=60");
        using var applied = await Api.SendAsync(request);
        Assert.True(applied.IsSuccessStatusCode, await applied.Content.ReadAsStringAsync());
        await Eventually.Async(
            async () => (await Api.GetAsync<ListPage<DaxDeviceDto>>("/v1/hosts/crowd/dax-devices?limit=1000")).Items.Count(device => device.State == "enabled") == 300, TimeSpan.FromSeconds(60));

        const string host = "/v1/hosts/crowd";
        var pid = await ProcessAsync(host);
        var devices = (await Api.GetAsync<ListPage<DaxDeviceDto>>($"{host}/dax-devices?limit=1000")).Items;
        foreach (var device in devices)
        {
            await Api.PostAsync<Contracts.Processes.MappingDto>($"{host}/processes/{pid}/mappings", $$"""{"device":"{{device.Name}}","length":"4K"}""", HttpStatusCode.Created);
        }

        var maps = (await Api.GetAsync<Contracts.Processes.SmapsDto>($"{host}/processes/{pid}/smaps?format=json")).Entries
            .Where(entry => entry.Path?.StartsWith("/dev/dax", StringComparison.Ordinal) == true).ToList();
        Assert.Equal((300, 300), (maps.Select(entry => entry.Inode).Distinct().Count(), maps.Select(entry => entry.Path).Distinct().Count()));
        Assert.Null((await AccessAsync(host, pid, """{"mapping":300,"kind":"write","length":1}""")).Signal);
    }

    [Fact]
    [Trait("Row", "78")]
    public async Task Device_OnARangeOfOrdinaryMemory_IsMapped()
    {
        await Api.CreateReadyHostAsync("""{"name":"dram","provider":"e820","regions":[{"size":"256M"}]}""");
        await ReconfigureAsync("/v1/hosts/dram", "namespace0.0", """{"mode":"devdax","align":"4K","force":true}""");
        var pid = await ProcessAsync("/v1/hosts/dram");
        await MapAsync("/v1/hosts/dram", pid, "64K");
        Assert.Equal(16, (await AccessAsync("/v1/hosts/dram", pid, """{"mapping":1,"kind":"write","length":"64K","stride":"4K"}""")).Faults.Pte);
    }

    [Fact]
    [Trait("Row", "95")]
    public async Task Device_IsDefinedByItsInfoBlock()
    {
        var host = await DaxHostAsync("block", "64M", "2M");
        await Api.PostAsync<RegionDto>($"{host}/regions/region0/disable", "{}");
        var image = await BytesAsync($"{host}/dimms/nmem0/image");
        Assert.Equal("NVDIMM_DAX_INFO", Encoding.ASCII.GetString(image, 4096, 15));
        await Api.PostAsync<RegionDto>($"{host}/regions/region0/enable", "{}");
        await PowerAsync(host, "cycle");
        Assert.Equal("enabled", (await Api.GetAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.0")).State);
    }
}
