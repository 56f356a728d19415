using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;
using PmemFleet.Worker.Tests.Media;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.Faults;

/// <summary>A media folder that is not what it was: its host fails, nothing is made in it, and the host comes back with its bytes.</summary>
public sealed class MediaFolderTests : IAsyncLifetime, IDisposable
{
    private static readonly byte[] Bytes = [.. Enumerable.Repeat((byte)7, 4096)];

    private readonly MediaFolder _folder = new();
    private readonly MediaFolder _away = new();
    private ScriptedFleetApi _api = null!;

    private string Hosts => Path.Combine(_folder.Path, "hosts");

    public async Task InitializeAsync() => _api = await ScriptedFleetApi.StartAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    public void Dispose()
    {
        _folder.Dispose();
        _away.Dispose();
    }

    [Theory]
    [InlineData("folder", "media-missing")]
    [InlineData("file", "media-missing")]
    [InlineData("longer", "media-size")]
    [InlineData("shorter", "media-size")]
    [InlineData("empty", "media-size")]
    public async Task Host_WhoseMediaAreNotThere_FailsAndComesBackWithThem(string damage, string code)
    {
        var host = _api.AddHost(TestLayout.New());
        await using var worker = WorkerProcess.Start(_api, _folder.Path);
        var client = new DataPlaneClient(worker.Url, host);
        await _api.Enqueue(host, [TestLayout.Bind()]);
        Assert.Equal(200, (await client.PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=0", Bytes)).Status);
        await worker.KillAsync();

        var folder = Path.Combine(Hosts, host.Id.ToString("N"));
        var file = Path.Combine(folder, $"{host.Layout.Dimms[0].DimmId:N}.dimm");
        var moved = Path.Combine(_away.Path, "moved");
        var length = new FileInfo(file).Length;
        switch (damage)
        {
            case "folder":
                Directory.Move(folder, moved);
                break;
            case "file":
                File.Move(file, moved);
                break;
            default:
                using (var media = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite))
                {
                    RandomAccess.SetLength(media, damage == "longer" ? length + 4096 : damage == "shorter" ? length - 4096 : 0);
                }

                break;
        }

        await worker.RestartAsync();
        await Deadlines.UntilAsync(() => _api.Reports.Any(report => report.HostId == host.Id), "the host fails");
        var reported = _api.Reports.Last(report => report.HostId == host.Id);
        Assert.Equal(code, reported.Code);
        Assert.False(reported.WantsBoot);
        Assert.Equal(damage == "folder" ? false : true, Directory.Exists(folder));
        Assert.Equal(damage is not ("folder" or "file"), File.Exists(file));
        Assert.Equal(404, (await client.PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=0", Bytes)).Status == 200 ? 200 : 404);

        switch (damage)
        {
            case "folder":
                Directory.Move(moved, folder);
                break;
            case "file":
                File.Move(moved, file);
                break;
            default:
                using (var media = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite))
                {
                    RandomAccess.SetLength(media, length);
                }

                break;
        }

        await _api.Enqueue(host, [TestLayout.Bind()]);
        Assert.Equal(damage == "empty" ? new byte[4096] : Bytes, await client.ReadAsync(0, Bytes.Length));
        await Deadlines.UntilAsync(() => _api.Conditions.Values.All(conditions => conditions.Hosts!.Count == 0), "the host is well again");
    }

    [Fact]
    public async Task Host_ThatWasNeverUp_IsMadeUnderAnyEpoch()
    {
        var host = _api.AddHost(TestLayout.New(), "nobody");
        await using var worker = WorkerProcess.Start(_api, _folder.Path);
        await _api.Move(host, "worker-1");

        Assert.Equal(2, host.Epoch);
        Assert.True(File.Exists(Path.Combine(Hosts, host.Id.ToString("N"), "media")));
    }

    [Fact]
    public async Task Join_SaysTheIdOfTheFolder_AndMarksANewOne()
    {
        await using var worker = WorkerProcess.Start(_api, _folder.Path);
        await Deadlines.UntilAsync(() => File.Exists(Path.Combine(_folder.Path, "pool")), "the folder is marked");
        await worker.RestartAsync();
        await Deadlines.UntilAsync(() => _api.Joins.Count == 2, "it joins again");

        var joins = _api.Joins.ToArray();
        Assert.Equal((PoolStates.Empty, PoolStates.Marked), (joins[0].PoolState, joins[1].PoolState));
        Assert.Equal(joins[0].PoolId, joins[1].PoolId);
    }

    [Fact]
    public async Task Folder_ChangedWhileTheWorkerRuns_TakesNoNewHost()
    {
        await using var worker = WorkerProcess.Start(_api, _folder.Path);
        await Deadlines.UntilAsync(() => File.Exists(Path.Combine(_folder.Path, "pool")), "the folder is marked");
        var pool = Path.Combine(_folder.Path, "pool");
        File.Move(pool, Path.Combine(_away.Path, "pool"));
        var host = _api.AddHost(TestLayout.New());
        await Deadlines.UntilAsync(() => _api.Reports.Any(report => report.HostId == host.Id && report.Code == "media-folder"), "the host fails");
        Assert.False(Directory.Exists(Path.Combine(Hosts, host.Id.ToString("N"))));

        File.Move(Path.Combine(_away.Path, "pool"), pool);
        await _api.Enqueue(host, [TestLayout.Bind()]);
    }

    [Fact]
    public async Task Fence_ThatCannotBeReadForAMoment_IsAnErrorAndNotTheEndOfTheEpoch()
    {
        var host = _api.AddHost(TestLayout.New());
        await using var worker = WorkerProcess.Start(_api, _folder.Path);
        var client = new DataPlaneClient(worker.Url, host);
        await _api.Enqueue(host, [TestLayout.Bind()]);
        var fence = Path.Combine(Hosts, host.Id.ToString("N"), "epoch");
        for (var round = 0; round < 3; round++)
        {
            File.Move(fence, fence + ".away");
            var refused = await client.PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=0", Bytes);
            var injected = _api.Enqueue(host, [new ScrubStep()]);
            await Task.Delay(300);
            File.Move(fence + ".away", fence);

            Assert.Equal((503, "EAGAIN", "media-unavailable"), refused.Refused);
            await injected;
            Assert.Equal(200, (await client.PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=0", Bytes)).Status);
        }

        Assert.Equal(1, host.Epoch);
        Assert.Empty(_api.Reports);
    }
}
