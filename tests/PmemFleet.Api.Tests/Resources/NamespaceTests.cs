using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Regions;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>Namespaces and regions as ndctl treats them, through the API.</summary>
public sealed class NamespaceTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    private async Task<string> LabelledAsync(string name)
    {
        await _api.CreateReadyHostAsync($$"""{"name":"{{name}}","dimms":[{"capacity":"1G"}],"regions":[{"dimms":["nmem0"]}]}""");
        await _api.PostAsync<RegionDto>($"/v1/hosts/{name}/regions/region0/disable", "{}");
        await _api.PostAsync<LabelsDto>($"/v1/hosts/{name}/dimms/nmem0/labels/init", """{"version":"1.2"}""");
        await _api.PostAsync<RegionDto>($"/v1/hosts/{name}/regions/region0/enable", "{}");
        return $"/v1/hosts/{name}";
    }

    [Theory]
    [InlineData("""{"mode":"raw","size":"2G"}""", HttpStatusCode.Conflict, "ENOSPC", null)]
    [InlineData("""{"mode":"raw","size":"5M"}""", HttpStatusCode.UnprocessableEntity, "EINVAL", "/size")]
    [InlineData("""{"mode":"bogus"}""", HttpStatusCode.UnprocessableEntity, "EINVAL", "/mode")]
    [InlineData("""{"mode":"fsdax","map":"ram"}""", HttpStatusCode.UnprocessableEntity, "EINVAL", "/map")]
    [InlineData("""{"mode":"devdax","align":"16K"}""", HttpStatusCode.UnprocessableEntity, "ENXIO", "/align")]
    [InlineData("""{"region":"region7","mode":"raw"}""", HttpStatusCode.NotFound, "ENOENT", null)]
    public async Task Create_Refused_ExplainsItself(string json, HttpStatusCode status, string errno, string? subject)
    {
        var host = await LabelledAsync($"refuse-{Guid.NewGuid():N}");
        var problem = await _api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces", json, status);
        Assert.Equal(errno, problem.Errno);
        Assert.NotNull(problem.Detail);
        if (subject is not null)
        {
            Assert.Equal(subject, Assert.Single(problem.Errors!).Pointer);
        }

        Assert.Empty((await _api.GetAsync<ListPage<NamespaceDto>>($"{host}/namespaces")).Items);
    }

    /// <summary>Each time the namespace goes from one personality to the other, and back: both rows change in one write.</summary>
    [Theory]
    [InlineData("devdax")]
    [InlineData("sector")]
    [InlineData("fsdax")]
    public async Task Reconfigure_WithinItsMode_AgainAndAgain_TradesPersonalities(string mode)
    {
        var host = await LabelledAsync($"again-{mode}");
        var made = await _api.PostAsync<NamespaceDto>($"{host}/namespaces", $$"""{"mode":"{{mode}}","size":"64M"}""", HttpStatusCode.Created);
        for (var round = 0; round < 4; round++)
        {
            var again = await _api.PostAsync<NamespaceDto>($"{host}/namespaces/{made.Name}/reconfigure", $$"""{"mode":"{{mode}}","force":true}""");
            Assert.Equal((mode, "enabled"), (again.Mode, again.State));
        }
    }

    [Fact]
    [Trait("Row", "54")]
    public async Task Reconfigure_Active_NeedsForceAndKeepsTheDevice()
    {
        var host = await LabelledAsync("reconf");
        var made = await _api.PostAsync<NamespaceDto>($"{host}/namespaces", """{"mode":"sector","size":"256M","altName":"journal"}""", HttpStatusCode.Created);
        Assert.Equal("force-required", (await _api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces/{made.Name}/reconfigure", """{"mode":"raw"}""", HttpStatusCode.Conflict)).Code);
        var raw = await _api.PostAsync<NamespaceDto>($"{host}/namespaces/{made.Name}/reconfigure", """{"mode":"raw","force":true}""");
        Assert.Equal((made.Id, made.Name, "raw", "enabled", "journal", made.RawSize), (raw.Id, raw.Name, raw.Mode, raw.State, raw.AltName, raw.RawSize));
        Assert.NotEqual(made.RawUuid, raw.RawUuid);
    }

    [Fact]
    public async Task Destroy_Active_NeedsForceAndFreesTheRoom()
    {
        var host = await LabelledAsync("destroy");
        var made = await _api.PostAsync<NamespaceDto>($"{host}/namespaces", """{"mode":"fsdax","size":"256M"}""", HttpStatusCode.Created);
        Assert.Equal((1L << 30) - (256 << 20), (await _api.GetAsync<RegionDto>($"{host}/regions/region0")).AvailableSize);
        await _api.RefusedAsync(HttpMethod.Delete, $"{host}/namespaces/{made.Name}", null, HttpStatusCode.Conflict);
        await _api.RemoveAsync($"{host}/namespaces/{made.Name}?force=true");
        Assert.Equal(1L << 30, (await _api.GetAsync<RegionDto>($"{host}/regions/region0")).AvailableSize);
        Assert.Contains(fixture.Worker.Steps, step => step is ZeroStep);
    }

    [Fact]
    public async Task Update_DisabledNamespace_WritesAttributes_ActiveIsBusy()
    {
        var host = await LabelledAsync("update");
        var made = await _api.PostAsync<NamespaceDto>($"{host}/namespaces", """{"mode":"raw","size":"256M"}""", HttpStatusCode.Created);
        await _api.RefusedAsync(HttpMethod.Patch, $"{host}/namespaces/{made.Name}", """{"altName":"x"}""", HttpStatusCode.Conflict);
        Assert.Equal("disabled", (await _api.PostAsync<NamespaceDto>($"{host}/namespaces/{made.Name}/disable", "{}")).State);
        var grown = await _api.PatchAsync<NamespaceDto>($"{host}/namespaces/{made.Name}", """{"altName":"big","size":"512M"}""");
        Assert.Equal(("big", 512L << 20), (grown.AltName, grown.RawSize));

        // the second write is refused, so the first one of the same request is not there either
        await _api.RefusedAsync(HttpMethod.Patch, $"{host}/namespaces/{made.Name}", """{"altName":"never","size":"5M"}""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal("big", (await _api.GetAsync<NamespaceDto>($"{host}/namespaces/{made.Name}")).AltName);
        Assert.Equal("enabled", (await _api.PostAsync<NamespaceDto>($"{host}/namespaces/{made.Name}/enable", "{}")).State);
        Assert.Empty((await _api.GetAsync<HostCheckDto>($"{host}/check")).Differences);
    }

    [Fact]
    public async Task Create_BindFails_IsUndoneAndSaysWhy()
    {
        var host = await LabelledAsync("undo");
        fixture.Worker.OnStep = step => step is BindStep { Configured.Kind: "pfn" }
            ? new StepRefused { Refusal = new RefusalDto { Errno = "EOPNOTSUPP", Code = "align-unsatisfied", Message = "unable to satisfy requested alignment" } }
            : null;
        try
        {
            var problem = await _api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces", """{"mode":"fsdax","size":"256M"}""", HttpStatusCode.UnprocessableEntity);
            Assert.Equal(("ENXIO", "align-unsatisfied"), (problem.Errno, problem.Code));
        }
        finally
        {
            fixture.Worker.OnStep = _ => null;
        }

        Assert.Empty((await _api.GetAsync<ListPage<NamespaceDto>>($"{host}/namespaces")).Items);
        Assert.Equal(1L << 30, (await _api.GetAsync<RegionDto>($"{host}/regions/region0")).AvailableSize);
        Assert.Equal("namespace0.0", (await _api.PostAsync<NamespaceDto>($"{host}/namespaces", """{"mode":"fsdax","size":"256M"}""", HttpStatusCode.Created)).Name);
    }

    [Fact]
    public async Task Create_WorkerBusy_Answers202_AndTheOperationEndsWithTheNamespace()
    {
        var host = await LabelledAsync("later");
        fixture.Worker.Works = false;
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{host}/namespaces") { Content = new StringContent("""{"mode":"raw","size":"64M"}""", null, "application/json") };
        request.Headers.Add("Prefer", "respond-async");
        var answer = await _api.SendAsync(request);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var pending = await _api.GetAsync<NamespaceDto>($"{host}/namespaces/namespace0.0");
        Assert.Equal("pending", pending.State);
        fixture.Worker.Works = true;
        await Eventually.Async(async () => (await _api.GetAsync<OperationDto>(answer.Headers.Location!.ToString())).State == "succeeded", TimeSpan.FromSeconds(10));
        Assert.Equal("enabled", (await _api.GetAsync<NamespaceDto>($"{host}/namespaces/namespace0.0")).State);
    }

    [Fact]
    public async Task Check_SectorNamespace_IsUnboundForItAndBack()
    {
        var host = await LabelledAsync("check");
        var made = await _api.PostAsync<NamespaceDto>($"{host}/namespaces", """{"mode":"sector","size":"256M"}""", HttpStatusCode.Created);
        await _api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces/{made.Name}/check", "{}", HttpStatusCode.Conflict);
        Assert.True((await _api.PostAsync<CheckNamespaceDto>($"{host}/namespaces/{made.Name}/check", """{"force":true}""")).Consistent);
        var back = await _api.GetAsync<NamespaceDto>($"{host}/namespaces/{made.Name}");
        Assert.Equal(("sector", "enabled", made.Uuid), (back.Mode, back.State, back.Uuid));
    }

    [Fact]
    public async Task DaxDevice_Disable_LeavesTheNamespace_EnableBringsItBack()
    {
        var host = await LabelledAsync("daxdev");
        await _api.PostAsync<NamespaceDto>($"{host}/namespaces", """{"mode":"devdax","size":"256M"}""", HttpStatusCode.Created);
        var region = await _api.GetAsync<DaxRegionDto>($"{host}/dax-regions/dax0.0");
        Assert.Equal((0, 2L << 20, "dax0.0"), (region.Id, region.Align, Assert.Single(region.Devices)));
        Assert.Equal("disabled", (await _api.PostAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.0/disable", "{}")).State);
        Assert.Equal("enabled", (await _api.GetAsync<NamespaceDto>($"{host}/namespaces/namespace0.0")).State);
        Assert.Equal("enabled", (await _api.PostAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.0/enable", "{}")).State);
    }

    [Fact]
    public async Task Region_Attributes_AndDelete_FollowTheRules()
    {
        var host = await LabelledAsync("region");
        Assert.Equal(2L << 20, (await _api.PatchAsync<RegionDto>($"{host}/regions/region0", """{"align":"2M"}""")).Align);
        await _api.RefusedAsync(HttpMethod.Patch, $"{host}/regions/region0", """{"align":"3M"}""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal("region-enabled", (await _api.RefusedAsync(HttpMethod.Delete, $"{host}/regions/region0", null, HttpStatusCode.Conflict)).Code);
        await _api.RefusedAsync(HttpMethod.Delete, $"{host}/dimms/nmem0", null, HttpStatusCode.Conflict);
        await _api.PostAsync<RegionDto>($"{host}/regions/region0/disable", "{}");
        await _api.RemoveAsync($"{host}/regions/region0");
        var again = await _api.PostAsync<RegionDto>($"{host}/regions", """{"dimms":["nmem0"],"size":"512M"}""", HttpStatusCode.Created);
        Assert.Equal((512L << 20, "enabled"), (again.Size, again.State));
        await _api.RefusedAsync(HttpMethod.Post, $"{host}/regions", """{"dimms":["nmem0"],"dpaStart":0,"size":"512M"}""", HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Unplug_FreeDimm_IsGone_AndItsNameIsUsedAgain()
    {
        var host = await LabelledAsync("plug");
        Assert.Equal("nmem1", (await _api.PostAsync<DimmDto>($"{host}/dimms", """{"capacity":"64M","labelSize":0}""", HttpStatusCode.Created)).Name);
        await _api.RemoveAsync($"{host}/dimms/nmem1");
        Assert.Equal(HttpStatusCode.NotFound, (await _api.GetAsync(new Uri($"{host}/dimms/nmem1", UriKind.Relative))).StatusCode);
        var again = await _api.PostAsync<DimmDto>($"{host}/dimms", """{"capacity":"64M","armed":false}""", HttpStatusCode.Created);
        Assert.Equal(("nmem1", false), (again.Name, again.Armed));
        var region = await _api.PostAsync<RegionDto>($"{host}/regions", """{"dimms":["nmem1"]}""", HttpStatusCode.Created);
        Assert.True(region.ReadOnly);
    }
}
