using System.Net;
using System.Net.Sockets;
using System.Text;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.DataPlane;

/// <summary>Whole images of DIMMs, in and out: all or nothing.</summary>
public sealed class DimmMediaEndpointTests : IAsyncLifetime
{
    private WorkerFixture _worker = null!;

    private Guid Dimm => _worker.Host.Layout.Dimms[0].DimmId;

    private string Folder => Path.Combine(_worker.Data, "hosts", _worker.Host.Id.ToString("N"));

    public async Task InitializeAsync()
    {
        _worker = await WorkerFixture.StartAsync();
        await _worker.RunAsync();
    }

    public async Task DisposeAsync() => await _worker.DisposeAsync();

    [Fact]
    public async Task Image_PutThenGot_IsTheSameAndItsErrorsAreGone()
    {
        await _worker.RunAsync(new InjectErrorsStep { Ranges = [new DimmRange(Dimm, 4096, 512)], Notify = true });
        var image = NewImage();

        await TakeAsync(image);

        Assert.Equal(image, await DownloadAsync());
        await Deadlines.UntilAsync(() => _worker.Host.Seen[Dimm] is { Poison.Count: 0, BadRanges.Count: 0 }, "the image's errors are gone");
    }

    [Fact]
    public async Task Image_MostlyZero_StaysSparse()
    {
        var image = new byte[TestLayout.DimmBytes];
        image[5 << 20] = 1;

        await TakeAsync(image);

        Assert.True(AllocatedBytes($"{Dimm:N}.dimm") <= 2 << 20, $"{AllocatedBytes($"{Dimm:N}.dimm")} bytes are allocated");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task Image_OfAnotherSize_IsRefusedAndChangesNothing(int difference)
    {
        await TakeAsync(NewImage());
        var before = await DownloadAsync();
        foreach (var isChunked in (bool[])[false, true])
        {
            using var stream = new MemoryStream(new byte[TestLayout.DimmBytes + difference]);
            using var content = new StreamContent(stream);
            var bytes = isChunked ? (HttpContent)new Unannounced(content) : content;

            Assert.Equal((422, "EINVAL", "image-size"), (await _worker.Client.SendAsync<Acknowledged>(HttpMethod.Put, $"dimms/{Dimm}/images/{Guid.NewGuid()}", bytes)).Refused);
        }

        Assert.Equal(before, await DownloadAsync());
        Assert.Empty(Directory.EnumerateFiles(Folder, "*.upload"));
    }

    [Fact]
    public async Task Image_ConnectionCutInItsMiddle_ChangesNothing()
    {
        await TakeAsync(NewImage());
        var before = await DownloadAsync();
        using (var socket = new TcpClient())
        {
            await socket.ConnectAsync(_worker.Url.Host, _worker.Url.Port);
            var head = $"PUT /v1/hosts/{_worker.Host.Id}/dimms/{Dimm}/images/{Guid.NewGuid()} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ScriptedFleetApi.DataPlaneCredential}\r\n{DataPlaneRoutes.EpochHeader}: {_worker.Host.Epoch}\r\nContent-Length: {TestLayout.DimmBytes}\r\n\r\n";
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
            await socket.GetStream().WriteAsync(new byte[1 << 20]);
            await Deadlines.UntilAsync(() => Directory.EnumerateFiles(Folder, "*.upload").Any(), "the upload begins");
        }

        await Deadlines.UntilAsync(() => !Directory.EnumerateFiles(Folder, "*.upload").Any(), "what came of it is removed");
        Assert.Equal(before, await DownloadAsync());
    }

    [Fact]
    public async Task Image_WhileANamespaceIsEnabled_IsBusy()
    {
        var image = await StageAsync(NewImage());
        await _worker.RunAsync(TestLayout.Bind());

        Assert.Equal("namespaces-active", Refused(await TakeAsync(image)));
        Assert.All(await DownloadAsync(), one => Assert.Equal(0, one));
        await _worker.RunAsync(new UnbindStep { Namespace = "namespace0.0" });
        Assert.IsType<StepDone>(await TakeAsync(image));
    }

    [Fact]
    public async Task Image_Staged_ChangesNothingAndCanBeDropped()
    {
        var image = await StageAsync(NewImage());

        Assert.All(await DownloadAsync(), one => Assert.Equal(0, one));
        Assert.Equal(200, (await _worker.Client.DeleteAsync($"dimms/{Dimm}/images/{image}")).Status);
        Assert.Equal("image-lost", Refused(await TakeAsync(image)));
        Assert.Empty(Directory.EnumerateFiles(Folder, "*.staged"));
    }

    [Fact]
    public async Task Image_TakenTwice_IsTakenOnce()
    {
        var image = await StageAsync(NewImage());
        Assert.IsType<StepDone>(await TakeAsync(image));
        await _worker.RunAsync(TestLayout.Bind());
        byte[] stored = [.. Enumerable.Repeat((byte)7, 4096)];
        await _worker.Client.PutAsync<Contracts.Namespaces.DataWrittenDto>("namespaces/namespace0.0/data?offset=0", stored);
        await _worker.RunAsync(new UnbindStep { Namespace = "namespace0.0" });

        // the task comes once more, as after a crash before its result was kept
        Assert.IsType<StepDone>(await TakeAsync(image));

        Assert.Equal(stored, (await DownloadAsync())[..4096]);
    }

    [Fact]
    public async Task Hazards_BlockThatCrashesAKernel_IsNamedWithItsPlace()
    {
        var image = new byte[TestLayout.DimmBytes];
        var block = new BttInfoBlock
        {
            Uuid = Guid.NewGuid(),
            ParentUuid = Guid.NewGuid(),
            Version = new Version(1, 1),
            Geometry = BttGeometry.Of(TestLayout.DimmBytes - 4096, 4096) with { ExternalLbaSize = 8192 },
            NextOffset = 0,
        };
        block.ToBytes().CopyTo(image, (1 << 20) + 4096);
        await TakeAsync(image);

        Assert.Equal(200, (await _worker.Client.PostAsync<Acknowledged>($"dimms/{Dimm}/hazards", new HazardQuery { Starts = [0, 2 << 20, -1, long.MaxValue] })).Status);
        var found = await _worker.Client.PostAsync<Acknowledged>($"dimms/{Dimm}/hazards", new HazardQuery { Starts = [0, 1 << 20] });
        Assert.Equal((409, "EBUSY", "image-hazard-btt-sector-size"), found.Refused);
        Assert.Equal(($"{(1 << 20) + 4096}", "8192"), (found.Refusal!.Numbers!["dpa"], found.Refusal.Numbers["externalLbaSize"]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData((1 << 20) - 1)]
    [InlineData((24 << 20) - 1)]
    public async Task Image_OneByte_KeepsItsPlace(int at)
    {
        var image = new byte[TestLayout.DimmBytes];
        image[at] = 0xA5;

        await TakeAsync(image);

        var exported = await DownloadAsync();
        Assert.Equal((TestLayout.DimmBytes, at), (exported.LongLength, exported.AsSpan().IndexOfAnyExcept((byte)0)));
        Assert.Equal(-1, exported.AsSpan(at + 1).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public async Task Image_OfNoDimm_IsNotFound()
    {
        Assert.Equal((404, "ENOENT", "not-found"), (await _worker.Client.PutAsync<Acknowledged>($"dimms/{Guid.NewGuid()}/images/{Guid.NewGuid()}", [1])).Refused);
        using var response = await _worker.Client.RawAsync(HttpMethod.Get, $"dimms/{Guid.NewGuid()}/media");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Scrub_Run_CountsPassesAndAShortOneFindsNothingNew()
    {
        await _worker.RunAsync(new InjectErrorsStep { Ranges = [new DimmRange(Dimm, 4096, 512)], Notify = false });

        await _worker.RunAsync(new ScrubStep { Short = true });
        await Deadlines.UntilAsync(() => _worker.Host.Seen[Dimm].ScrubCount == 1, "the short scrub is seen");
        Assert.Empty(_worker.Host.Seen[Dimm].BadRanges);
        await _worker.RunAsync(new ScrubStep());
        await Deadlines.UntilAsync(() => _worker.Host.Seen[Dimm].ScrubCount == 2, "the scrub is seen");

        Assert.Equal([new DpaRange(4096, 512)], _worker.Host.Seen[Dimm].BadRanges);
        Assert.Equal(2, (await _worker.Client.GetAsync<ScrubDto>("scrub")).Value!.Count);
    }

    private static string Refused(StepResult step) => Assert.IsType<StepRefused>(step).Refusal.Code;

    private async Task<Guid> StageAsync(byte[] bytes)
    {
        var image = Guid.NewGuid();
        Assert.Equal(200, (await _worker.Client.PutAsync<Acknowledged>($"dimms/{Dimm}/images/{image}", bytes)).Status);
        return image;
    }

    private async Task<StepResult> TakeAsync(Guid image) => Assert.Single((await _worker.RunAsync(new TakeImageStep { DimmId = Dimm, ImageId = image })).Steps);

    private async Task TakeAsync(byte[] bytes) => Assert.IsType<StepDone>(await TakeAsync(await StageAsync(bytes)));

    private static byte[] NewImage()
    {
        var image = new byte[TestLayout.DimmBytes];
        new Random(1).NextBytes(image.AsSpan(3 << 20, 1 << 20));
        return image;
    }

    private long AllocatedBytes(string file)
    {
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%b", Path.Combine(Folder, file)]) { RedirectStandardOutput = true })!;
        return long.Parse(stat.StandardOutput.ReadToEnd(), null) * 512;
    }

    private async Task<byte[]> DownloadAsync()
    {
        using var response = await _worker.Client.RawAsync(HttpMethod.Get, $"dimms/{Dimm}/media");
        return await response.Content.ReadAsByteArrayAsync();
    }

    /// <summary>A body whose length is not said before it ends.</summary>
    private sealed class Unannounced(HttpContent inner) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => inner.CopyToAsync(stream);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
