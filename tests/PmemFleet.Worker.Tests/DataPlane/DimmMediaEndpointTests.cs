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

        await ReplaceAsync(image);

        Assert.Equal(image, await DownloadAsync());
        await Deadlines.UntilAsync(() => _worker.Host.Seen[Dimm] is { Poison.Count: 0, BadRanges.Count: 0 }, "the image's errors are gone");
    }

    [Fact]
    public async Task Image_MostlyZero_StaysSparse()
    {
        var image = new byte[TestLayout.DimmBytes];
        image[5 << 20] = 1;

        await ReplaceAsync(image);

        Assert.True(AllocatedBytes($"{Dimm:N}.dimm") <= 2 << 20, $"{AllocatedBytes($"{Dimm:N}.dimm")} bytes are allocated");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task Image_OfAnotherSize_IsRefusedAndChangesNothing(int difference)
    {
        await ReplaceAsync(NewImage());
        var before = await DownloadAsync();
        foreach (var isChunked in (bool[])[false, true])
        {
            using var stream = new MemoryStream(new byte[TestLayout.DimmBytes + difference]);
            using var content = new StreamContent(stream);
            var bytes = isChunked ? (HttpContent)new Unannounced(content) : content;

            Assert.Equal((422, "EINVAL", "image-size"), (await _worker.Client.SendAsync<Acknowledged>(HttpMethod.Put, $"dimms/{Dimm}/media/{Guid.NewGuid()}", bytes)).Refused);
        }

        Assert.Equal(before, await DownloadAsync());
        Assert.Empty(Directory.EnumerateFiles(Folder, "*.upload"));
        Assert.Empty(Directory.EnumerateFiles(Folder, "*.staged"));
    }

    [Fact]
    public async Task Image_Staged_ChangesNothingUntilItIsTakenAndIsTakenOnce()
    {
        var (before, image, stage) = (await DownloadAsync(), NewImage(), Guid.NewGuid());
        Assert.Equal(200, (await _worker.Client.PutAsync<Acknowledged>($"dimms/{Dimm}/media/{stage}", image)).Status);
        Assert.Equal(before, await DownloadAsync());

        await _worker.RunAsync(new TakeImageStep { DimmId = Dimm, Stage = stage });
        Assert.Equal(image, await DownloadAsync());
        await _worker.RunAsync(new TakeImageStep { DimmId = Dimm, Stage = stage });
        Assert.Equal(image, await DownloadAsync());
        Assert.Empty(Directory.EnumerateFiles(Folder, "*.staged"));
    }

    [Fact]
    public async Task Image_Unstaged_IsGone()
    {
        var (before, stage) = (await DownloadAsync(), Guid.NewGuid());
        await _worker.Client.PutAsync<Acknowledged>($"dimms/{Dimm}/media/{stage}", NewImage());
        Assert.Equal(200, (await _worker.Client.DeleteAsync($"dimms/{Dimm}/media/{stage}")).Status);

        await _worker.RunAsync(new TakeImageStep { DimmId = Dimm, Stage = stage });
        Assert.Equal(before, await DownloadAsync());
    }

    [Fact]
    public async Task Hazards_OfABlockThatCrashesAKernel_AreFoundWhereAsked()
    {
        var image = new byte[TestLayout.DimmBytes];
        var block = BttInfoBlockWithSectorsOf(8192);
        block.CopyTo(image, 4096);
        BttInfoBlockWithSectorsOf(4096).CopyTo(image, 1 << 20);
        await ReplaceAsync(image);

        var answer = await _worker.Client.PostAsync<InfoBlockHazards>(
            $"dimms/{Dimm}/hazards", new InfoBlockPlaces { Dpas = [0, 4096, 1 << 20, TestLayout.DimmBytes, -1, long.MaxValue] });

        Assert.Equal((4096, "btt-sector-size"), Assert.Single(answer.Value!.Found) is var found ? (found.Dpa, found.Rule) : default);
    }

    private static byte[] BttInfoBlockWithSectorsOf(int bytes) => new BttInfoBlock
    {
        Uuid = Guid.NewGuid(),
        ParentUuid = Guid.Empty,
        Version = new Version(1, 1),
        NextOffset = 0,
        Geometry = new BttGeometry
        {
            ExternalLbaSize = (uint)bytes,
            ExternalLbaCount = 1,
            InternalLbaSize = (uint)bytes,
            InternalLbaCount = 257,
            FreeCount = 256,
            DataOffset = 4096,
            MapOffset = 1 << 20,
            LogOffset = 2 << 20,
            Info2Offset = 3 << 20,
        },
    }.ToBytes();

    private async Task ReplaceAsync(byte[] image)
    {
        var stage = Guid.NewGuid();
        Assert.Equal(200, (await _worker.Client.PutAsync<Acknowledged>($"dimms/{Dimm}/media/{stage}", image)).Status);
        await _worker.RunAsync(new TakeImageStep { DimmId = Dimm, Stage = stage });
    }

    [Fact]
    public async Task Image_ConnectionCutInItsMiddle_ChangesNothing()
    {
        await ReplaceAsync(NewImage());
        var before = await DownloadAsync();
        using (var socket = new TcpClient())
        {
            await socket.ConnectAsync(_worker.Url.Host, _worker.Url.Port);
            var head = $"PUT /v1/hosts/{_worker.Host.Id}/dimms/{Dimm}/media/{Guid.NewGuid()} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ScriptedFleetApi.DataPlaneCredential}\r\n{DataPlaneRoutes.EpochHeader}: {_worker.Host.Epoch}\r\nContent-Length: {TestLayout.DimmBytes}\r\n\r\n";
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
            await socket.GetStream().WriteAsync(new byte[1 << 20]);
            await Deadlines.UntilAsync(() => Directory.EnumerateFiles(Folder, "*.upload").Any(), "the upload begins");
        }

        await Deadlines.UntilAsync(() => !Directory.EnumerateFiles(Folder, "*.upload").Any(), "what came of it is removed");
        Assert.Equal(before, await DownloadAsync());
    }

    [Fact]
    public async Task Image_OfNoDimm_IsNotFound()
    {
        Assert.Equal((404, "ENOENT", "not-found"), (await _worker.Client.PutAsync<Acknowledged>($"dimms/{Guid.NewGuid()}/media/{Guid.NewGuid()}", [1])).Refused);
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
