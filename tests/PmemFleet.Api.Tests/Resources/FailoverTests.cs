using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Regions;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>A worker that is started anew while changes wait: nothing that was accepted is lost, nothing happens twice.</summary>
public sealed class FailoverTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task Restart_WhileACreateWaits_BindsWhatWasBoundAndFinishesTheCreate()
    {
        await using var first = await MediaWorker.StartAsync(fixture, "w-restart");
        await _api.CreateReadyHostAsync("""{"name":"moved","dimms":[{"capacity":"1G"}],"regions":[{"dimms":["nmem0"]}]}""");
        await _api.PostAsync<RegionDto>("/v1/hosts/moved/regions/region0/disable", "{}");
        await _api.PostAsync<LabelsDto>("/v1/hosts/moved/dimms/nmem0/labels/init", """{"version":"1.2"}""");
        await _api.PostAsync<RegionDto>("/v1/hosts/moved/regions/region0/enable", "{}");
        var before = await _api.PostAsync<NamespaceDto>("/v1/hosts/moved/namespaces", """{"mode":"devdax","size":"128M"}""", HttpStatusCode.Created);
        first.Works = false;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/hosts/moved/namespaces") { Content = new StringContent("""{"mode":"fsdax","size":"128M"}""", null, "application/json") };
        request.Headers.Add("Prefer", "respond-async");
        var waiting = await _api.SendAsync(request);
        Assert.Equal(HttpStatusCode.Accepted, waiting.StatusCode);

        await using var second = await MediaWorker.StartAsync(fixture, "w-restart", first);
        await Eventually.Async(async () => (await _api.GetAsync<OperationDto>(waiting.Headers.Location!.ToString())).EndedAt is not null, TimeSpan.FromSeconds(20));
        var operation = await _api.GetAsync<OperationDto>(waiting.Headers.Location!.ToString());
        Assert.True(operation.State == "succeeded", $"{operation.State} {operation.Refusal}");
        var after = await _api.GetAsync<ListPage<NamespaceDto>>("/v1/hosts/moved/namespaces");
        Assert.Equal(["namespace0.0 devdax enabled", "namespace0.1 fsdax enabled"], after.Items.Select(space => $"{space.Name} {space.Mode} {space.State}"));
        Assert.Equal((before.Id, before.Uuid, before.Size), (after.Items[0].Id, after.Items[0].Uuid, after.Items[0].Size));
        Assert.Single(second.Steps.OfType<BindStep>(), bind => bind.Namespace == "namespace0.1");
        Assert.Equal(2, (await _api.GetAsync<HostDto>("/v1/hosts/moved")).BootCount);
        Assert.Empty((await _api.GetAsync<HostCheckDto>("/v1/hosts/moved/check")).Differences);
    }

    [Fact]
    public async Task Restart_WhileAPowerCutWaits_BindsAgainWhatTheCutTookDown()
    {
        await using var first = await MediaWorker.StartAsync(fixture, "w-cut");
        await _api.CreateReadyHostAsync("""{"name":"cut","dimms":[{"capacity":"1G"}],"regions":[{"dimms":["nmem0"]}]}""");
        first.Works = false;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/hosts/cut/power") { Content = new StringContent("""{"action":"cut"}""", null, "application/json") };
        request.Headers.Add("Prefer", "respond-async");
        var waiting = await _api.SendAsync(request);
        Assert.Equal(HttpStatusCode.Accepted, waiting.StatusCode);

        // it takes the boot of its epoch and the cut in one answer, and brings both results in one request
        await using var second = await MediaWorker.StartAsync(fixture, "w-cut", first);
        await Eventually.Async(async () => (await _api.GetAsync<OperationDto>(waiting.Headers.Location!.ToString())).EndedAt is not null, TimeSpan.FromSeconds(20));
        Assert.Equal(["BootStep", "BindStep", "BootStep", "BindStep"], second.Steps.Select(step => step.GetType().Name));
        Assert.Equal("ready", (await _api.GetAsync<HostDto>("/v1/hosts/cut")).State);
    }
}
