using System.Net;
using System.Text.Json.Nodes;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Regions;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>The tour over the control plane, with a worker that keeps its media in memory.</summary>
public sealed class TourTest : IClassFixture<ApiFixture>, IAsyncLifetime
{
    private const string Host = "/v1/hosts/db-1";
    private readonly ApiFixture _api;
    private MediaWorker _worker = null!;

    public TourTest(ApiFixture api) => _api = api;

    public async Task InitializeAsync() => _worker = await MediaWorker.StartAsync(_api, "tour");

    public async Task DisposeAsync() => await _worker.DisposeAsync();

    [Fact]
    public async Task Tour_FromPluggedDimmsToAPowerCycle_IsAllThere()
    {
        var api = _api.Admin;
        var host = await api.CreateReadyHostAsync(
            """
            {"name":"db-1","labels":{"tier":"gold"},
             "dimms":[{"capacity":"4G"},{"capacity":"4G"},{"capacity":"4G"},{"capacity":"4G"}],
             "regions":[{"dimms":["nmem0","nmem1","nmem2","nmem3"],"size":"8G"},{"dimms":["nmem0"]}]}
            """);
        Assert.Equal((4, 2, 1L), (host.DimmCount, host.RegionCount, host.BootCount));

        // label-less: one namespace over each whole region
        var legacy = await api.GetAsync<ListPage<NamespaceDto>>($"{Host}/namespaces");
        Assert.Equal(["raw enabled 8589934592", "raw enabled 2147483648"], legacy.Items.Select(space => $"{space.Mode} {space.State} {space.RawSize}"));

        foreach (var region in (string[])["region0", "region1"])
        {
            Assert.Equal("disabled", (await api.PostAsync<RegionDto>($"{Host}/regions/{region}/disable", "{}")).State);
        }

        for (var dimm = 0; dimm < 4; dimm++)
        {
            var labels = await api.PostAsync<LabelsDto>($"{Host}/dimms/nmem{dimm}/labels/init", """{"version":"1.2"}""");
            Assert.Equal(0, labels.CurrentIndex);
            Assert.Empty(labels.Complaints);
        }

        foreach (var region in (string[])["region0", "region1"])
        {
            var enabled = await api.PostAsync<RegionDto>($"{Host}/regions/{region}/enable", "{}");
            Assert.Equal(("enabled", 5, enabled.Size), (enabled.State, enabled.NamespaceType, enabled.AvailableSize));
        }

        var devdax = await api.PostAsync<NamespaceDto>($"{Host}/namespaces", """{"region":"region0","mode":"devdax","size":"1G","align":"2M"}""", HttpStatusCode.Created);
        var fsdax = await api.PostAsync<NamespaceDto>($"{Host}/namespaces", """{"region":"region0","mode":"fsdax","size":"1G"}""", HttpStatusCode.Created);
        var sector = await api.PostAsync<NamespaceDto>($"{Host}/namespaces", """{"region":"region0","mode":"sector","size":"256M","sectorSize":4096}""", HttpStatusCode.Created);
        var raw = await api.PostAsync<NamespaceDto>($"{Host}/namespaces", """{"region":"region1","mode":"raw","size":"256M","altName":"scratch"}""", HttpStatusCode.Created);
        Assert.Equal(
            ["namespace0.0 devdax dax0.0", "namespace0.1 fsdax pmem0.1", "namespace0.2 sector pmem0.2s", "namespace1.0 raw pmem1"],
            new[] { devdax, fsdax, sector, raw }.Select(space => $"{space.Name} {space.Mode} {space.CharacterDevice ?? space.BlockDevice}"));
        Assert.Equal([0L, 0, 0, 0], devdax.Extents.Select(extent => extent.Dpa));
        Assert.Equal([.. Enumerable.Repeat(1L << 28, 4)], devdax.Extents.Select(extent => extent.Length));

        var device = Assert.Single((await api.GetAsync<ListPage<DaxDeviceDto>>($"{Host}/dax-devices")).Items);
        Assert.Equal(("dax0.0", 2L << 20, devdax.Size, "namespace0.0"), (device.Name, device.Align, device.Size, device.Namespace));

        var errors = await api.PostAsync<ListPage<MediaErrorDto>>($"{Host}/media-errors", """{"namespace":"namespace0.0","block":16,"count":1}""");
        var error = Assert.Single(errors.Items);
        Assert.Equal(("namespace0.0", "data", true, true, 256L), (error.Namespace, error.Hurts, error.Poisoned, error.Known, error.Length));
        var bad = await api.GetAsync<NamespaceDto>($"{Host}/namespaces/namespace0.0");
        Assert.Equal((1, 16L, 1L), (bad.Badblocks.Count, bad.Badblocks[0].Offset, bad.Badblocks[0].Length));
        Assert.Equal(1, (await api.GetAsync<RegionDto>($"{Host}/regions/region0")).BadblockCount);
        Assert.Empty((await api.PostAsync<ListPage<MediaErrorDto>>($"{Host}/media-errors/clear", """{"namespace":"namespace0.0"}""")).Items);

        var before = await ListAsync(api);
        Assert.Equal(4, before.Count);
        var cycled = await api.PostAsync<HostDto>($"{Host}/power", """{"action":"cut"}""");
        Assert.Equal(("ready", 2L), (cycled.State, cycled.BootCount));
        Assert.Equal(before.ToJsonString(), (await ListAsync(api)).ToJsonString());
        Assert.Equal(1, (await api.GetAsync<DimmDto>($"{Host}/dimms/nmem3")).DirtyShutdownCount);

        var check = await api.GetAsync<HostCheckDto>($"{Host}/check");
        Assert.Equal(4, check.LabelAreas);
        Assert.Empty(check.Differences);
    }

    private static async Task<JsonArray> ListAsync(HttpClient api) =>
        JsonNode.Parse(await api.GetStringAsync(new Uri($"{Host}/ndctl/list?namespaces=true&verbose=1", UriKind.Relative)))!.AsArray();
}
