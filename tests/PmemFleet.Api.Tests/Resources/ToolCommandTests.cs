using System.Buffers.Binary;
using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Processes;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>clear-errors, check-namespace, inject-error and daxctl through REST, the database and the product's own worker, as ndctl 76.1 does them.</summary>
public sealed class ToolCommandTests(RealWorkerFixture fixture) : IClassFixture<RealWorkerFixture>
{
    private const int InfoBlock = 4096;
    private const int FreeCount = 72;
    private const int Checksum = 4088;

    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task ClearErrors_OfAMappedDevdax_RevokesEveryMappingAndLeavesItEnabled()
    {
        var host = await LabelledAsync("clear-dax");
        await CreateAsync(host, "\"mode\":\"devdax\",\"size\":\"256M\",\"align\":\"2M\"");
        var pid = (await _api.PostAsync<ProcessDto>($"{host}/processes", """{"comm":"db"}""", HttpStatusCode.Created)).Pid;
        await _api.PostAsync<MappingDto>($"{host}/processes/{pid}/mappings", """{"device":"dax0.0","length":"64M"}""", HttpStatusCode.Created);
        Assert.Equal("completed", (await AccessAsync(host, pid, "32M")).Outcome);
        await InjectAsync(host, "\"namespace\":\"namespace0.0\",\"block\":8,\"count\":1");
        Assert.Equal("BUS_MCEERR_AR", (await AccessAsync(host, pid, "4096")).Signal!.Code);

        var left = await _api.PostAsync<ListPage<MediaErrorDto>>($"{host}/media-errors/clear", """{"namespace":"namespace0.0"}""");

        Assert.Empty(left.Items);
        Assert.Equal(("devdax", "enabled"), await StateAsync(host, "namespace0.0"));
        foreach (var offset in (string[])["4096", "32M"])
        {
            Assert.Equal("BUS_ADRERR", (await AccessAsync(host, pid, offset)).Signal!.Code);
        }

        // a new mapping is of the device that the enable made, whose pages carry no marks
        var next = (await _api.PostAsync<ProcessDto>($"{host}/processes", """{"comm":"db"}""", HttpStatusCode.Created)).Pid;
        await _api.PostAsync<MappingDto>($"{host}/processes/{next}/mappings", """{"device":"dax0.0","length":"64M"}""", HttpStatusCode.Created);
        Assert.Equal("completed", (await AccessAsync(host, next, "4096")).Outcome);
    }

    [Fact]
    public async Task ClearErrors_OfADisabledNamespace_CoversAllOfItAndEnablesIt()
    {
        var host = await LabelledAsync("clear-raw");
        await CreateAsync(host, "\"mode\":\"fsdax\",\"size\":\"256M\"");
        await InjectAsync(host, "\"region\":\"region0\",\"offset\":0,\"length\":512");

        // enabled: the error lies before the info block, outside the data
        Assert.Single((await _api.PostAsync<ListPage<MediaErrorDto>>($"{host}/media-errors/clear", """{"namespace":"namespace0.0"}""")).Items);
        await _api.PostAsync<NamespaceDto>($"{host}/namespaces/namespace0.0/disable", "{}");
        Assert.Empty((await _api.PostAsync<ListPage<MediaErrorDto>>($"{host}/media-errors/clear", """{"namespace":"namespace0.0"}""")).Items);
        Assert.Equal(("fsdax", "enabled"), await StateAsync(host, "namespace0.0"));
    }

    [Fact]
    public async Task ClearErrors_OfSectorSeedAndSystemRam_ClearNothing()
    {
        var host = await LabelledAsync("clear-none");
        await CreateAsync(host, "\"mode\":\"sector\",\"size\":\"128M\"");
        await CreateAsync(host, "\"mode\":\"devdax\",\"size\":\"512M\",\"align\":\"2M\"");
        await InjectAsync(host, "\"region\":\"region0\",\"offset\":\"64M\",\"length\":512");
        await InjectAsync(host, "\"namespace\":\"namespace0.1\",\"block\":800000,\"count\":1");

        // a sector namespace is skipped: no error, and none cleared
        Assert.Equal(2, (await _api.PostAsync<ListPage<MediaErrorDto>>($"{host}/media-errors/clear", """{"namespace":"namespace0.0"}""")).Items.Count);
        var seed = (await _api.GetAsync<Contracts.Regions.RegionDto>($"{host}/regions/region0")).NamespaceSeed;
        Assert.Equal("ENXIO", (await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors/clear", $$"""{"namespace":"{{seed}}"}""", HttpStatusCode.UnprocessableEntity)).Errno);
        await _api.PostAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.1/reconfigure", """{"mode":"system-ram"}""");
        Assert.Equal("EBUSY", (await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors/clear", """{"namespace":"namespace0.1"}""", HttpStatusCode.Conflict)).Errno);
        Assert.Equal("system-ram", (await _api.GetAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.1")).Mode);

        // offline memory is no obstacle: kmem goes with the disable, and the enable brings devdax
        await _api.PostAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.1/offline-memory", "{}");
        Assert.Single((await _api.PostAsync<ListPage<MediaErrorDto>>($"{host}/media-errors/clear", """{"namespace":"namespace0.1"}""")).Items);
        Assert.Equal("devdax", (await _api.GetAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.1")).Mode);
    }

    [Fact]
    public async Task ClearErrors_ThatFailsHalfWay_SaysSoAndEnablesTheNamespace()
    {
        var host = await LabelledAsync("clear-short");
        await CreateAsync(host, "\"mode\":\"raw\",\"size\":\"128M\"");
        await InjectAsync(host, "\"namespace\":\"namespace0.0\",\"block\":8,\"count\":4");
        Assert.True((await _api.SendJsonAsync(HttpMethod.Post, $"{host}/dimms/nmem0/health/inject", """{"clearErrorErrno":"EIO"}""")).IsSuccessStatusCode);

        Assert.Equal("clear-short", (await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors/clear", """{"namespace":"namespace0.0"}""", HttpStatusCode.UnprocessableEntity)).Code);
        Assert.Equal(("raw", "enabled"), await StateAsync(host, "namespace0.0"));
    }

    [Fact]
    public async Task Check_OfWhatHasNoBtt_FailsAndBindsItAgain()
    {
        var host = await LabelledAsync("check-none");
        await CreateAsync(host, "\"mode\":\"devdax\",\"size\":\"256M\",\"align\":\"2M\"");
        var check = $"{host}/namespaces/namespace0.0/check";
        var pid = (await _api.PostAsync<ProcessDto>($"{host}/processes", """{"comm":"db"}""", HttpStatusCode.Created)).Pid;
        await _api.PostAsync<MappingDto>($"{host}/processes/{pid}/mappings", """{"device":"dax0.0","length":"2M"}""", HttpStatusCode.Created);

        Assert.Equal("EBUSY", (await _api.RefusedAsync(HttpMethod.Post, check, "{}", HttpStatusCode.Conflict)).Errno);
        Assert.Equal("EINVAL", (await _api.RefusedAsync(HttpMethod.Post, check, """{"rewriteLog":true}""", HttpStatusCode.UnprocessableEntity)).Errno);
        Assert.Equal("completed", (await AccessAsync(host, pid, "0")).Outcome);
        Assert.Equal(("ENXIO", "no-btt"), await RefusedAsync(check, """{"force":true}"""));

        Assert.Equal(("devdax", "enabled"), await StateAsync(host, "namespace0.0"));
        Assert.Equal("BUS_ADRERR", (await AccessAsync(host, pid, "0")).Signal!.Code);
        await _api.PostAsync<NamespaceDto>($"{host}/namespaces/namespace0.0/disable", "{}");
        Assert.Equal(("ENXIO", "no-btt"), await RefusedAsync(check, "{}"));
        Assert.Equal(("raw", "disabled"), await StateAsync(host, "namespace0.0"));
    }

    [Fact]
    public async Task Check_OfADamagedFirstBlock_RepairsItAndTheNamespaceIsSectorAgain()
    {
        var host = await LabelledAsync("check-info");
        await CreateAsync(host, "\"mode\":\"sector\",\"size\":\"128M\"");
        await ChangeInfoAsync(host, block => block[0] ^= 1);
        Assert.Equal(("raw", "enabled"), await StateAsync(host, "namespace0.0"));
        var check = $"{host}/namespaces/namespace0.0/check";

        Assert.Equal("EBUSY", (await _api.RefusedAsync(HttpMethod.Post, check, "{}", HttpStatusCode.Conflict)).Errno);
        Assert.Equal(("ENXIO", "no-btt"), await RefusedAsync(check, """{"force":true}"""));
        Assert.Equal(("raw", "enabled"), await StateAsync(host, "namespace0.0"));
        Assert.True((await _api.PostAsync<CheckNamespaceDto>(check, """{"force":true,"repair":true}""")).Consistent);
        Assert.Equal(("sector", "enabled"), await StateAsync(host, "namespace0.0"));
    }

    [Fact]
    public async Task Check_OfABttThatDoesNotStart_TakesItOffFirst()
    {
        var host = await LabelledAsync("check-held");
        await CreateAsync(host, "\"mode\":\"sector\",\"size\":\"128M\"");
        await ChangeInfoAsync(host, block => BinaryPrimitives.WriteInt32LittleEndian(block.AsSpan(FreeCount), 128));
        Assert.Equal(("sector", "disabled"), await StateAsync(host, "namespace0.0"));
        var check = $"{host}/namespaces/namespace0.0/check";

        Assert.Equal(("ENXIO", "no-raw-bind"), await RefusedAsync(check, "{}"));
        Assert.Equal(("raw", "disabled"), await StateAsync(host, "namespace0.0"));
        Assert.Equal(("ENXIO", "arena-metadata"), await RefusedAsync(check, """{"force":true}"""));
    }

    [Fact]
    public async Task Inject_AcrossTheEnd_DoesWhatIsInsideAndNamesTheLimit()
    {
        var host = await LabelledAsync("inject-end");
        await CreateAsync(host, "\"mode\":\"raw\",\"size\":\"64M\"");
        const long Blocks = (64 << 20) / 512;

        var refused = await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors", $$"""{"namespace":"namespace0.0","block":{{Blocks - 2}},"count":5}""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal(("EINVAL", "blocks-out-of-bounds"), (refused.Errno, refused.Code));
        Assert.Contains($"block {Blocks:x}: the namespace has {Blocks} blocks", refused.Detail, StringComparison.Ordinal);
        Assert.Equal((Blocks - 2, 2), await InjectedAsync(host));
        await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors/uninject", $$"""{"namespace":"namespace0.0","block":{{Blocks - 1}},"count":2}""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal((Blocks - 2, 1), await InjectedAsync(host));
        Assert.Equal("blocks-out-of-bounds", (await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors", $$"""{"namespace":"namespace0.0","block":{{Blocks}},"count":1}""", HttpStatusCode.UnprocessableEntity)).Code);

        await CreateAsync(host, "\"mode\":\"raw\",\"size\":\"768M\"");
        var many = await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors", """{"namespace":"namespace0.1","block":0,"count":1500000}""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal("blocks-too-many", many.Code);
        Assert.Equal((Blocks - 2, 1), await InjectedAsync(host));
    }

    [Fact]
    public async Task Inject_IntoASeedOrABtt_IsRefusedAsNdctlDoes()
    {
        var host = await LabelledAsync("inject-none");
        await CreateAsync(host, "\"mode\":\"sector\",\"size\":\"64M\"");
        var seed = (await _api.GetAsync<Contracts.Regions.RegionDto>($"{host}/regions/region0")).NamespaceSeed;
        Assert.Equal("EOPNOTSUPP", (await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors", """{"namespace":"namespace0.0","block":0,"count":1}""", HttpStatusCode.UnprocessableEntity)).Errno);
        Assert.Equal("ENXIO", (await _api.RefusedAsync(HttpMethod.Post, $"{host}/media-errors", $$"""{"namespace":"{{seed}}","block":0,"count":1}""", HttpStatusCode.UnprocessableEntity)).Errno);
        Assert.Equal("ENXIO", (await _api.RefusedAsync(HttpMethod.Get, $"{host}/media-errors/injected?namespace={seed}", null, HttpStatusCode.UnprocessableEntity)).Errno);
    }

    [Fact]
    public async Task Daxctl_KmemThatRejectsTheRange_LeavesTheDeviceDisabled()
    {
        var host = await LabelledAsync("kmem");
        await CreateAsync(host, "\"mode\":\"devdax\",\"size\":\"192M\",\"align\":\"2M\"");
        var device = $"{host}/dax-devices/dax0.0";

        Assert.Equal(("EINVAL", "kmem-range-too-small"), await RefusedAsync($"{device}/reconfigure", """{"mode":"system-ram"}"""));
        var left = await _api.GetAsync<DaxDeviceDto>(device);
        Assert.Equal(("devdax", "disabled"), (left.Mode, left.State));
        Assert.Equal(("devdax", "enabled"), await StateAsync(host, "namespace0.0"));
        Assert.Contains("\"mode\":\"devdax\",\"state\":\"disabled\"", await TextAsync($"{host}/daxctl/list"), StringComparison.Ordinal);

        // again: there is nothing left to unbind
        Assert.Equal(("EINVAL", "kmem-range-too-small"), await RefusedAsync($"{device}/reconfigure", """{"mode":"system-ram"}"""));
        Assert.Equal("enabled", (await _api.PostAsync<DaxDeviceDto>($"{device}/reconfigure", """{"mode":"devdax"}""")).State);
    }

    [Fact]
    public async Task Daxctl_EnableAndDisableOfSystemRam_AreNotApplicableOnlineOrOffline()
    {
        var host = await LabelledAsync("status");
        await CreateAsync(host, "\"mode\":\"devdax\",\"size\":\"512M\",\"align\":\"2M\"");
        var device = $"{host}/dax-devices/dax0.0";
        await _api.PostAsync<DaxDeviceDto>($"{device}/reconfigure", """{"mode":"system-ram"}""");
        foreach (var offline in (bool[])[false, true])
        {
            if (offline)
            {
                await _api.PostAsync<DaxDeviceDto>($"{device}/offline-memory", "{}");
            }

            Assert.Equal(("ENXIO", "dax-status-in-ram"), await RefusedAsync($"{device}/disable", "{}"));
            Assert.Equal(("ENXIO", "dax-status-in-ram"), await RefusedAsync($"{device}/enable", "{}"));
            Assert.Equal("system-ram", (await _api.GetAsync<DaxDeviceDto>(device)).Mode);
        }
    }

    [Fact]
    public async Task CreateNamespace_InAllRegions_AndAProposalInTheUnitThatWasTyped()
    {
        var host = await LabelledAsync("typed");
        Assert.Equal("namespace0.0", (await CreateAsync(host, "\"mode\":\"raw\",\"size\":\"64M\",\"region\":\"all\"")).Name);
        await _api.PatchAsync<Contracts.Regions.RegionDto>($"{host}/regions/region0", """{"align":"2M"}""");
        var refused = await _api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces", """{"mode":"devdax","size":"66M","align":"1G"}""", HttpStatusCode.UnprocessableEntity);
        Assert.Contains("did you intend --size=1024M?", refused.Detail, StringComparison.Ordinal);
    }

    private async Task<string> LabelledAsync(string name)
    {
        await _api.CreateReadyHostAsync($$"""{"name":"{{name}}","dimms":[{"capacity":"1G"}],"regions":[{"dimms":["nmem0"]}]}""");
        foreach (var step in (string[])["regions/region0/disable", "dimms/nmem0/labels/init", "regions/region0/enable"])
        {
            Assert.True((await _api.SendJsonAsync(HttpMethod.Post, $"/v1/hosts/{name}/{step}", "{}")).IsSuccessStatusCode);
        }

        return $"/v1/hosts/{name}";
    }

    private Task<NamespaceDto> CreateAsync(string host, string members) => _api.PostAsync<NamespaceDto>($"{host}/namespaces", $"{{{members}}}", HttpStatusCode.Created);

    private Task<ListPage<MediaErrorDto>> InjectAsync(string host, string members) => _api.PostAsync<ListPage<MediaErrorDto>>($"{host}/media-errors", $"{{{members}}}");

    private Task<AccessDto> AccessAsync(string host, int pid, string offset) =>
        _api.PostAsync<AccessDto>($"{host}/processes/{pid}/accesses", $$"""{"mapping":1,"offset":"{{offset}}","kind":"read"}""");

    private async Task<(string Errno, string Code)> RefusedAsync(string path, string json)
    {
        using var response = await _api.SendJsonAsync(HttpMethod.Post, path, json);
        Assert.False(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        var problem = await response.ReadProblemAsync();
        return (problem.Errno!, problem.Code);
    }

    private async Task<(string Mode, string State)> StateAsync(string host, string name)
    {
        var space = await _api.GetAsync<NamespaceDto>($"{host}/namespaces/{name}");
        return (space.Mode, space.State);
    }

    private async Task<(long, long)> InjectedAsync(string host)
    {
        var only = Assert.Single((await _api.GetAsync<InjectionStatusDto>($"{host}/media-errors/injected?namespace=namespace0.0")).Badblocks);
        return (only.Block, only.Count);
    }

    private Task<string> TextAsync(string path) => _api.GetStringAsync(new Uri(path, UriKind.Relative));

    /// <summary>Through the raw namespace: the first info block is changed, and its checksum put right.</summary>
    private async Task ChangeInfoAsync(string host, Action<byte[]> change)
    {
        var path = $"{host}/namespaces/namespace0.0";
        await _api.PostAsync<NamespaceDto>($"{path}/disable", "{}");
        await _api.PatchAsync<NamespaceDto>(path, """{"forceRaw":true}""");
        await _api.PostAsync<NamespaceDto>($"{path}/enable", "{}");
        var block = await _api.GetByteArrayAsync(new Uri($"{path}/data?offset={InfoBlock}&length={InfoBlock}", UriKind.Relative));
        change(block);
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(Checksum), Fletcher64.ComputeSkipping(block, Checksum));
        using var written = await _api.PutBytesAsync($"{path}/data?offset={InfoBlock}", block);
        Assert.True(written.IsSuccessStatusCode);
        await _api.PostAsync<NamespaceDto>($"{path}/disable", "{}");
        await _api.PatchAsync<NamespaceDto>(path, """{"forceRaw":false}""");
        _ = await _api.SendJsonAsync(HttpMethod.Post, $"{path}/enable", "{}");
    }
}
