using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Dax;

/// <summary>daxctl's commands on a pmem dax device, over REST (golden group i).</summary>
public sealed class SystemRamTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task Reconfigure_ToSystemRamAndBack_AsDaxctlShowsIt()
    {
        await _api.CreateReadyHostAsync("""{"name":"ram","dimms":[{"capacity":"1G"}],"regions":[{"dimms":["nmem0"]}]}""");
        await _api.PostAsync<NamespaceDto>("/v1/hosts/ram/namespaces/namespace0.0/reconfigure", """{"mode":"devdax","align":"2M","force":true}""");
        const string Device = "/v1/hosts/ram/dax-devices/dax0.0";

        var ram = await _api.PostAsync<DaxDeviceDto>($"{Device}/reconfigure", """{"mode":"system-ram"}""");
        Assert.Equal(("system-ram", "enabled", true), (ram.Mode, ram.State, ram.OnlineMemblocks > 0 && ram.OnlineMemblocks == ram.TotalMemblocks));
        Assert.Contains(fixture.Worker.Steps, step => step is UnbindStep { Namespace: "namespace0.0" });
        Assert.Contains($"\"mode\":\"system-ram\",\"online_memblocks\":{ram.OnlineMemblocks},\"total_memblocks\":{ram.TotalMemblocks},\"movable\":true", await _api.GetStringAsync(new Uri("/v1/hosts/ram/daxctl/list", UriKind.Relative)), StringComparison.Ordinal);
        Assert.Contains(" : System RAM (kmem)\n", await _api.GetStringAsync(new Uri("/v1/hosts/ram/iomem", UriKind.Relative)), StringComparison.Ordinal);

        foreach (var (path, json) in ((string, string)[])[
            ($"{Device}/reconfigure", """{"mode":"devdax"}"""), ("/v1/hosts/ram/namespaces/namespace0.0/disable", "{}"),
            ("/v1/hosts/ram/namespaces/namespace0.0/reconfigure", """{"mode":"raw","force":true}"""),
            ("/v1/hosts/ram/media-errors/clear", """{"namespace":"namespace0.0"}"""), ("/v1/hosts/ram/namespaces/namespace0.0/check", """{"force":true}""")])
        {
            Assert.Equal("EBUSY", (await _api.RefusedAsync(HttpMethod.Post, path, json, HttpStatusCode.Conflict)).Errno);
        }

        var offline = await _api.PostAsync<DaxDeviceDto>($"{Device}/offline-memory", "{}");
        Assert.Equal(0, offline.OnlineMemblocks);
        var back = await _api.PostAsync<DaxDeviceDto>($"{Device}/reconfigure", """{"mode":"devdax"}""");
        Assert.Equal(("devdax", "enabled", (int?)null), (back.Mode, back.State, back.TotalMemblocks));
        Assert.Equal("ENXIO", (await _api.RefusedAsync(HttpMethod.Post, $"{Device}/online-memory", "{}", HttpStatusCode.UnprocessableEntity)).Errno);
    }

    [Fact]
    public async Task CreateAndDestroy_OnAPmemRegion_AreRefusedAsLinuxDoes()
    {
        await _api.CreateReadyHostAsync("""{"name":"fixed","dimms":[{"capacity":"256M"}],"regions":[{"dimms":["nmem0"]}]}""");
        await _api.PostAsync<NamespaceDto>("/v1/hosts/fixed/namespaces/namespace0.0/reconfigure", """{"mode":"devdax","force":true}""");
        Assert.Equal("ENOSPC", (await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts/fixed/dax-devices", """{"region":0,"size":"128M"}""", HttpStatusCode.Conflict)).Errno);
        await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts/fixed/dax-devices", """{"region":7}""", HttpStatusCode.NotFound);
        Assert.Equal("ENXIO", (await _api.RefusedAsync(HttpMethod.Delete, "/v1/hosts/fixed/dax-devices/dax0.0", null, HttpStatusCode.UnprocessableEntity)).Errno);
        Assert.Equal("dax-region-static", (await _api.RefusedAsync(HttpMethod.Delete, "/v1/hosts/fixed/dax-devices/dax0.0?force=true", null, HttpStatusCode.UnprocessableEntity)).Code);
        Assert.Equal("ENXIO", (await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts/fixed/dax-devices/dax0.0/reconfigure", """{"mode":"bogus"}""", HttpStatusCode.UnprocessableEntity)).Errno);
    }

    [Fact]
    [Trait("Row", "63")]
    public async Task Devdax_OnAKernelWithoutDeviceDax_IsENODEVAndTheRestWorks()
    {
        await _api.CreateReadyHostAsync("""{"name":"nodax","platform":{"deviceDax":false},"dimms":[{"capacity":"256M"}],"regions":[{"dimms":["nmem0"]}]}""");
        var refused = await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts/nodax/namespaces/namespace0.0/reconfigure", """{"mode":"devdax","force":true}""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal(("ENODEV", "Kernel does not support devdax mode"), (refused.Errno, refused.Detail));
        Assert.Equal("fsdax", (await _api.PostAsync<NamespaceDto>("/v1/hosts/nodax/namespaces/namespace0.0/reconfigure", """{"mode":"fsdax","force":true}""")).Mode);
        Assert.Equal("[]", await _api.GetStringAsync(new Uri("/v1/hosts/nodax/daxctl/list", UriKind.Relative)));
    }
}
