using System.Net;
using System.Net.Sockets;
using System.Text;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Regions;
using PmemFleet.Nvdimm.Btt;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>Backing files out of one host and into another, over the product's own worker: all of an image, or nothing of it.</summary>
public sealed class ImageTests(RealWorkerFixture fixture) : IClassFixture<RealWorkerFixture>
{
    private const int Capacity = 64 << 20;
    private const int LabelSize = 128 << 10;

    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task Image_FromOneHostIntoAnother_IsTheSameNamespacesAndData()
    {
        await HostAsync("from", labels: true);
        var made = await _api.PostAsync<NamespaceDto>("/v1/hosts/from/namespaces", """{"mode":"sector","sectorSize":512,"size":"32M","altName":"moved"}""", HttpStatusCode.Created);
        byte[] data = [.. Enumerable.Range(0, 4096).Select(number => (byte)(number * 7))];
        Assert.True((await _api.PutBytesAsync($"/v1/hosts/from/namespaces/{made.Name}/data?offset=8192", data)).IsSuccessStatusCode);
        var image = await ExportAsync("from");
        Assert.Equal(Capacity + LabelSize, image.Length);

        await HostAsync("into");
        await DisableAsync("into");
        Assert.Equal(HttpStatusCode.NoContent, (await ImportAsync("into", image)).StatusCode);
        await EnableAsync("into");

        var found = Assert.Single(await NamespacesAsync("into"), device => device.RawSize > 0);
        Assert.Equal(("sector", "moved", made.Uuid, made.RawUuid, made.Size, "enabled"), (found.Mode, found.AltName, found.Uuid, found.RawUuid, found.Size, found.State));
        Assert.Equal(data, await _api.GetByteArrayAsync(new Uri($"/v1/hosts/into/namespaces/{found.Name}/data?offset=8192&length=4096", UriKind.Relative)));
        Assert.Empty((await _api.GetAsync<HostCheckDto>("/v1/hosts/into/check")).Differences);
    }

    [Fact]
    public async Task Export_HostPoweredOff_IsWhatItWasAndAnImportIsRefused()
    {
        await HostAsync("dark", labels: true);
        var made = await _api.PostAsync<NamespaceDto>("/v1/hosts/dark/namespaces", """{"mode":"sector","size":"32M"}""", HttpStatusCode.Created);
        Assert.True((await _api.PutBytesAsync($"/v1/hosts/dark/namespaces/{made.Name}/data?offset=4096", [.. Enumerable.Repeat((byte)0x5a, 4096)])).IsSuccessStatusCode);
        var lit = await ExportAsync("dark");
        Assert.Equal("off", (await _api.PostAsync<HostDto>("/v1/hosts/dark/power", """{"action":"off"}""")).Power);

        Assert.Equal(lit, await ExportAsync("dark"));
        Assert.False((await ImportAsync("dark", lit)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task Import_RegionEnabled_IsBusyAndAnotherDimmsNamespacesAreNotInTheWay()
    {
        await HostAsync("busy", dimms: 2);
        var image = new byte[Capacity + LabelSize];
        image[5] = 1;
        var refused = await ImportAsync("busy", image);
        Assert.Equal((HttpStatusCode.Conflict, "dimm-active"), (refused.StatusCode, (await refused.ReadProblemAsync()).Code));

        await DisableAsync("busy");
        var imported = await ImportAsync("busy", image);
        Assert.True(imported.StatusCode == HttpStatusCode.NoContent, await imported.Content.ReadAsStringAsync());
        Assert.Equal(image, await ExportAsync("busy"));
        Assert.Equal("enabled", (await _api.GetAsync<NamespaceDto>("/v1/hosts/busy/namespaces/namespace1.0")).State);
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(1, false)]
    [InlineData(0, true)]
    public async Task Import_LengthThatIsNotTheDimms_IsRefusedByItsNumbers(int difference, bool isChunked)
    {
        var host = $"length{difference + 1}{isChunked}".ToLowerInvariant();
        await HostAsync(host);
        await DisableAsync(host);
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/v1/hosts/{host}/dimms/nmem0/image") { Content = new ByteArrayContent(new byte[Capacity + LabelSize + difference]) };
        request.Content.Headers.ContentType = new("application/octet-stream");
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        request.Headers.TransferEncodingChunked = isChunked ? true : null;
        request.Headers.ExpectContinue = true;
        var problem = await (await _api.SendAsync(request)).ReadProblemAsync();
        Assert.Equal((422, "image-length", $"{Capacity + LabelSize}"), (problem.Status, problem.Code, Assert.Single(problem.Allowed!)));
        Assert.Equal($"{Capacity}", problem.Numbers!["capacity"]);
    }

    [Theory]
    [InlineData(1 << 20)]
    [InlineData(Capacity)]
    [InlineData(Capacity + LabelSize - 1)]
    public async Task Import_CallerHangsUp_ChangesNothing(int sent)
    {
        var host = $"cut{sent}";
        var id = (await HostAsync(host, labels: true)).Id;
        await _api.PostAsync<NamespaceDto>($"/v1/hosts/{host}/namespaces", """{"mode":"fsdax","size":"32M"}""", HttpStatusCode.Created);
        await DisableAsync(host);
        var before = await ExportAsync(host);
        using (var socket = new TcpClient())
        {
            await socket.ConnectAsync(fixture.Address.Host, fixture.Address.Port);
            var head = $"PUT /v1/hosts/{host}/dimms/nmem0/image HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ApiFixture.AdminKey}\r\nIf-Match: *\r\nContent-Type: application/octet-stream\r\nContent-Length: {Capacity + LabelSize}\r\n\r\n";
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
            await socket.GetStream().WriteAsync(Enumerable.Repeat((byte)0xEE, sent).ToArray());
            await Eventually.Async(() => Task.FromResult(fixture.FilesOf(id, "*.upload").Concat(fixture.FilesOf(id, "*.staged")).Any()), TimeSpan.FromSeconds(20));
        }

        await Eventually.Async(() => Task.FromResult(!fixture.FilesOf(id, "*.upload").Concat(fixture.FilesOf(id, "*.staged")).Any()), TimeSpan.FromSeconds(20));
        Assert.Equal(before, await ExportAsync(host));
    }

    [Fact]
    public async Task Import_WorkerKilledInItsMiddle_ChangesNothingAndTheNextOneSucceeds()
    {
        await HostAsync("killed", labels: true);
        await DisableAsync("killed");
        var before = await ExportAsync("killed");
        var image = new byte[Capacity + LabelSize];
        new Random(3).NextBytes(image.AsSpan(0, Capacity));
        before.AsSpan(Capacity).CopyTo(image.AsSpan(Capacity));
        var import = ImportAsync("killed", image);
        await Task.Delay(40);
        fixture.KillWorker();

        var answer = await import;
        await Eventually.Async(async () => (await _api.GetAsync(new Uri("/v1/hosts/killed/dimms/nmem0/image", UriKind.Relative))).IsSuccessStatusCode, TimeSpan.FromSeconds(30));
        var after = await ExportAsync("killed");
        Assert.Equal(answer.IsSuccessStatusCode ? image : before, after);
        Assert.NotEqual(HttpStatusCode.InternalServerError, answer.StatusCode);

        // a host that lost its worker boots, and its regions come up
        await Eventually.Async(
            async () =>
            {
                await _api.SendJsonAsync(HttpMethod.Post, "/v1/hosts/killed/regions/region0/disable", "{}");
                return (await ImportAsync("killed", image)).StatusCode == HttpStatusCode.NoContent;
            },
            TimeSpan.FromSeconds(30));
        Assert.Equal(image, await ExportAsync("killed"));
    }

    [Fact]
    public async Task Import_LabelsThatAreGarbage_IsAnOrdinaryProbe()
    {
        await HostAsync("garbage", labels: true);
        await _api.PostAsync<NamespaceDto>("/v1/hosts/garbage/namespaces", """{"mode":"devdax","size":"32M"}""", HttpStatusCode.Created);
        await DisableAsync("garbage");
        var image = await ExportAsync("garbage");
        new Random(5).NextBytes(image.AsSpan(Capacity));
        Assert.Equal(HttpStatusCode.NoContent, (await ImportAsync("garbage", image)).StatusCode);
        await _api.PostAsync<HostDto>("/v1/hosts/garbage/power", """{"action":"cycle"}""");
        await _api.UntilReadyAsync("garbage");
        await EnableAsync("garbage");
        var whole = Assert.Single(await NamespacesAsync("garbage"), device => device.RawSize > 0);
        Assert.Equal(("raw", (long)Capacity), (whole.Mode, whole.RawSize));
        Assert.Null((await _api.GetAsync<DimmDto>("/v1/hosts/garbage/dimms/nmem0")).LabelVersion);
    }

    [Fact]
    public async Task Export_BlockThatCrashesAKernel_IsRefusedUntilItIsGone()
    {
        await HostAsync("hazard");
        var block = new BttInfoBlock
        {
            Uuid = Guid.NewGuid(),
            ParentUuid = Guid.Empty,
            Version = new Version(1, 1),
            Geometry = BttGeometry.Of(Capacity - 4096, 4096) with { ExternalLbaSize = 8192 },
            NextOffset = 0,
        };
        Assert.True((await _api.PutBytesAsync("/v1/hosts/hazard/namespaces/namespace0.0/data?offset=4096", block.ToBytes())).IsSuccessStatusCode);
        var refused = await _api.GetAsync(new Uri("/v1/hosts/hazard/dimms/nmem0/image", UriKind.Relative));
        var problem = await refused.ReadProblemAsync();
        Assert.Equal((409, "image-hazard-btt-sector-size", "4096", "8192"), (problem.Status, problem.Code, problem.Numbers!["dpa"], problem.Numbers["externalLbaSize"]));

        // the way out that the refusal tells
        Assert.True((await _api.PutBytesAsync("/v1/hosts/hazard/namespaces/namespace0.0/data?offset=4096", new byte[4096])).IsSuccessStatusCode);
        Assert.Equal(-1, (await ExportAsync("hazard")).AsSpan().IndexOfAnyExcept((byte)0));
    }

    private async Task<HostDto> HostAsync(string name, bool labels = false, int dimms = 1)
    {
        var plugged = string.Join(',', Enumerable.Range(0, dimms).Select(slot => $$"""{"capacity":{{Capacity}},"labelSize":{{LabelSize}},"serialNumber":"0x12345{{6 + slot}}"}"""));
        var regions = string.Join(',', Enumerable.Range(0, dimms).Select(number => $$"""{"dimms":["nmem{{number}}"]}"""));
        var host = await _api.CreateReadyHostAsync($$"""{"name":"{{name}}","dimms":[{{plugged}}],"regions":[{{regions}}]}""");
        if (labels)
        {
            await DisableAsync(name);
            await _api.PostAsync<LabelsDto>($"/v1/hosts/{name}/dimms/nmem0/labels/init", """{"version":"1.2"}""");
            await EnableAsync(name);
        }

        return host;
    }

    private Task<RegionDto> DisableAsync(string host) => _api.PostAsync<RegionDto>($"/v1/hosts/{host}/regions/region0/disable", "{}");

    private Task<RegionDto> EnableAsync(string host) => _api.PostAsync<RegionDto>($"/v1/hosts/{host}/regions/region0/enable", "{}");

    private async Task<byte[]> ExportAsync(string host)
    {
        var answer = await _api.GetAsync(new Uri($"/v1/hosts/{host}/dimms/nmem0/image", UriKind.Relative));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadAsByteArrayAsync();
    }

    private Task<HttpResponseMessage> ImportAsync(string host, byte[] image) => _api.PutBytesAsync($"/v1/hosts/{host}/dimms/nmem0/image", image);

    private async Task<IReadOnlyList<NamespaceDto>> NamespacesAsync(string host) => (await _api.GetAsync<ListPage<NamespaceDto>>($"/v1/hosts/{host}/namespaces")).Items;
}
