using System.Net;
using Npgsql;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Regions;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.InfoBlocks;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>The check sees what it is for: rows, labels and info blocks that do not agree.</summary>
public sealed class CheckTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    private async Task<NamespaceDto> DevdaxAsync(string host)
    {
        var ready = await _api.PostAsync<HostDto>("/v1/hosts", $$"""{"name":"{{host}}","dimms":[{"capacity":"256M"}],"regions":[{"dimms":["nmem0"]}]}""", HttpStatusCode.Created);
        Assert.Equal("ready", ready.State);
        await _api.PostAsync<RegionDto>($"/v1/hosts/{host}/regions/region0/disable", "{}");
        await _api.PostAsync<LabelsDto>($"/v1/hosts/{host}/dimms/nmem0/labels/init", """{"version":"1.2"}""");
        await _api.PostAsync<RegionDto>($"/v1/hosts/{host}/regions/region0/enable", "{}");
        return await _api.PostAsync<NamespaceDto>($"/v1/hosts/{host}/namespaces", """{"mode":"devdax","size":"64M","altName":"right"}""", HttpStatusCode.Created);
    }

    [Fact]
    public async Task Check_RowThatLies_IsADifference()
    {
        var made = await DevdaxAsync("lie");
        Assert.Empty((await _api.GetAsync<HostCheckDto>("/v1/hosts/lie/check")).Differences);
        await using var connection = await fixture.ConnectAsync();
        await using var lie = new NpgsqlCommand("UPDATE namespaces SET alt_name = 'wrong' WHERE id = $1", connection) { Parameters = { new() { Value = made.Id } } };
        await lie.ExecuteNonQueryAsync();
        var difference = Assert.Single((await _api.GetAsync<HostCheckDto>("/v1/hosts/lie/check")).Differences);
        Assert.Equal(("namespace0.0", "altName", "right", "wrong"), (difference.Subject, difference.Field, difference.OnMedia, difference.InRows));
    }

    [Fact]
    public async Task Check_InfoBlockOfAnother_IsADifference()
    {
        var made = await DevdaxAsync("block");
        var info = new PagesInfoBlock
        {
            Kind = PersonalityKind.Dax,
            Uuid = made.Uuid!.Value,
            ParentUuid = made.RawUuid!.Value,
            DataOffset = made.RawSize - made.Size!.Value,
            PageCount = made.Size.Value / 4096,
            Mode = 2,
            Align = (uint)made.Align!.Value,
        };
        const string Path = "namespaces/namespace0.0/info-block?offset=4096";
        fixture.Worker.Stored[Path] = info.ToBytes();
        try
        {
            var agreed = await _api.GetAsync<HostCheckDto>("/v1/hosts/block/check");
            Assert.Equal((1, 0), (agreed.InfoBlocks, agreed.Differences.Count));
            fixture.Worker.Stored[Path] = (info with { Uuid = Guid.NewGuid() }).ToBytes();
            Assert.Equal("uuid", Assert.Single((await _api.GetAsync<HostCheckDto>("/v1/hosts/block/check")).Differences).Field);
        }
        finally
        {
            fixture.Worker.Stored.TryRemove(Path, out _);
        }
    }

    [Fact]
    public async Task Cancel_CreateThatNoWorkerBegan_TakesTheNamespaceBack()
    {
        await _api.PostAsync<HostDto>("/v1/hosts", """{"name":"undone","mediaPool":"island","dimms":[{"capacity":"256M"}],"regions":[]}""", HttpStatusCode.Created);
        await _api.PostAsync<LabelsDto>("/v1/hosts/undone/dimms/nmem0/labels/init", """{"version":"1.2"}""");
        var region = await _api.PostAsync<RegionDto>("/v1/hosts/undone/regions", """{"dimms":["nmem0"]}""", HttpStatusCode.Created);
        Assert.Equal(region.Size, region.AvailableSize);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/hosts/undone/namespaces") { Content = new StringContent("""{"mode":"raw","size":"64M"}""", null, "application/json") };
        request.Headers.Add("Prefer", "respond-async");
        var accepted = await _api.SendAsync(request);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Single((await _api.GetAsync<ListPage<NamespaceDto>>("/v1/hosts/undone/namespaces")).Items);
        var cancelled = await _api.PostAsync<OperationDto>($"{accepted.Headers.Location}/cancel", "{}");
        Assert.Equal("cancelled", cancelled.State);
        Assert.Empty((await _api.GetAsync<ListPage<NamespaceDto>>("/v1/hosts/undone/namespaces")).Items);
        Assert.Equal(region.Size, (await _api.GetAsync<RegionDto>("/v1/hosts/undone/regions/region0")).AvailableSize);
    }
}
