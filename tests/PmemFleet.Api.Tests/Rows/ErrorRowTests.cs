using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Namespaces;

namespace PmemFleet.Api.Tests.Rows;

/// <summary>Media errors on reads, writes and metadata through the running product.</summary>
[Collection(ProductCollection.Name)]
public sealed class ErrorRowTests(RealWorkerFixture fixture) : ProductRows(fixture)
{
    private const string Space = "namespaces/namespace0.0";

    [Fact]
    [Trait("Row", "26")]
    [Trait("Row", "36")]
    [Trait("Row", "37")]
    [Trait("Row", "41")]
    public async Task LatentError_IsAnErrorOfItsSectorOnly_AndAWriteClearsIt()
    {
        var host = await HostAsync("latent", "64M");
        await InjectAsync(host, """{"namespace":"namespace0.0","block":17,"count":1,"notify":false}""");
        Assert.Equal(0, (await SpaceAsync(host)).BadblockCount);
        Assert.Equal("EIO", await ErrnoOfReadAsync($"{host}/{Space}/data?offset={17 * 512}&length=512"));
        Assert.All(await Task.WhenAll(((int[])[16, 18]).Select(sector => ErrnoOfReadAsync($"{host}/{Space}/data?offset={sector * 512}&length=512"))), Assert.Null);

        // the machine check made it known, the worker lives, and reading again changes nothing
        await Eventually.Async(async () => (await SpaceAsync(host)).BadblockCount == 1, TimeSpan.FromSeconds(20));
        Assert.Equal("EIO", await ErrnoOfReadAsync($"{host}/{Space}/data?offset=0&length=65536"));
        Assert.Equal((17L, 1L), (await SpaceAsync(host)).Badblocks.Single() is var bad ? (bad.Offset, bad.Length) : default);

        var bytes = Enumerable.Repeat((byte)7, 512).ToArray();
        await WriteAsync($"{host}/{Space}/data?offset={17 * 512}", bytes);
        Assert.Equal(bytes, await BytesAsync($"{host}/{Space}/data?offset={17 * 512}&length=512"));
        await Eventually.Async(async () => (await SpaceAsync(host)).BadblockCount == 0, TimeSpan.FromSeconds(20));
    }

    [Fact]
    [Trait("Row", "31")]
    public async Task Clear_ThatFailsOrFallsShort_IsEioAndOnlyWhatWasClearedLeavesTheList()
    {
        var host = await HostAsync("short", "64M");
        await InjectAsync(host, """{"namespace":"namespace0.0","block":16,"count":16,"saturate":true}""");
        await InjectHealthAsync(host, """{"clearErrorErrno":"ENXIO"}""");
        Assert.Equal("EIO", await ErrnoOfWriteAsync(host));
        Assert.Equal((16L, 16L), (await SpaceAsync(host)).Badblocks.Single() is var all ? (all.Offset, all.Length) : default);
        await InjectHealthAsync(host, """{"clearErrorErrno":"none","clearErrorLimit":4096}""");
        Assert.Equal("EIO", await ErrnoOfWriteAsync(host));
        await Eventually.Async(async () => (await SpaceAsync(host)).Badblocks.Single() is { Offset: 24, Length: 8 }, TimeSpan.FromSeconds(20));
        await InjectHealthAsync(host, """{"clearErrorLimit":256}""");
        Assert.Equal("EIO", await ErrnoOfWriteAsync(host));
        await Eventually.Async(async () => (await SpaceAsync(host)).Badblocks.Single() is { Offset: 24, Length: 8 }, TimeSpan.FromSeconds(20));
        await InjectHealthAsync(host, """{"clearErrorLimit":0}""");
        Assert.Null(await ErrnoOfWriteAsync(host));
    }

    [Fact]
    [Trait("Row", "24")]
    [Trait("Row", "25")]
    public async Task InfoBlock_Poisoned_ComesUpRawAndAReconfigureClearsIt()
    {
        var host = await HostAsync("metadata", "64M");
        await ReconfigureAsync(host, "namespace0.0", """{"mode":"fsdax","force":true}""");
        await InjectAsync(host, """{"dimm":"nmem0","offset":4096,"length":512}""");
        await Api.PostAsync<NamespaceDto>($"{host}/{Space}/disable", "{}");
        var raw = await Api.PostAsync<NamespaceDto>($"{host}/{Space}/enable", "{}");
        Assert.Equal(("raw", "enabled", 1L), (raw.Mode, raw.State, raw.BadblockCount));
        Assert.Equal("fsdax", (await ReconfigureAsync(host, "namespace0.0", """{"mode":"fsdax","force":true}""")).Mode);
        await Eventually.Async(async () => (await Api.GetAsync<ListPage<MediaErrorDto>>($"{host}/media-errors")).Items.Count == 0, TimeSpan.FromSeconds(20));
        await PowerAsync(host, "cut");
        Assert.Equal("fsdax", (await SpaceAsync(host)).Mode);
    }

    private Task<NamespaceDto> SpaceAsync(string host) => Api.GetAsync<NamespaceDto>($"{host}/{Space}");

    private Task<ListPage<MediaErrorDto>> InjectAsync(string host, string json) => Api.PostAsync<ListPage<MediaErrorDto>>($"{host}/media-errors", json);

    private async Task<string?> ErrnoOfWriteAsync(string host)
    {
        using var answer = await Api.PutBytesAsync($"{host}/{Space}/data?offset=8192", new byte[8192]);
        return answer.StatusCode == HttpStatusCode.OK ? null : (await answer.ReadProblemAsync()).Errno;
    }
}
