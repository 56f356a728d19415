using System.Net.Sockets;
using System.Text;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Tests.Media;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.Crash;

/// <summary>
/// A worker that is stopped (SIGSTOP), loses its host to another of the pool, and goes on. Its lease would still hold: it is the media store that
/// keeps it from writing.
/// </summary>
public sealed class FencingTests : IAsyncLifetime, IDisposable
{
    private readonly MediaFolder _folder = new();
    private ScriptedFleetApi _api = null!;

    public async Task InitializeAsync()
    {
        _api = await ScriptedFleetApi.StartAsync();
        _api.LeaseSeconds = 300;
    }

    public async Task DisposeAsync() => await _api.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("namespaces/namespace0.0/data?offset=0", 64 << 10)]
    [InlineData("dimms/{dimm}/images/01a20000-0000-7000-8000-0000000000ff", (int)TestLayout.DimmBytes)]
    public async Task Request_ThatBeganBeforeTheStop_LandsNowhere(string path, int length)
    {
        var host = _api.AddHost(TestLayout.New());
        await using var zombie = WorkerProcess.Start(_api, _folder.Path);
        await _api.Enqueue(host, path.StartsWith("dimms", StringComparison.Ordinal) ? [] : [TestLayout.Bind()]);
        var dimm = host.Layout.Dimms[0].DimmId;
        using var request = await HalfSent.BeginAsync(zombie.Url, host, path.Replace("{dimm}", dimm.ToString(), StringComparison.Ordinal), length);

        zombie.Pause();
        await using var successor = WorkerProcess.Start(_api, _folder.Path, "worker-2");
        var boot = await _api.Move(host, "worker-2");
        Assert.IsType<StepDone>(Assert.Single(boot.Steps));
        await _api.Enqueue(host, [TestLayout.Bind()]);
        var client = new DataPlaneClient(successor.Url, host);
        byte[] bytes = [.. Enumerable.Repeat((byte)5, 64 << 10)];
        Assert.Equal(200, (await client.PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=0", bytes)).Status);
        zombie.Continue();
        var status = await request.EndAsync();

        Assert.NotEqual(200, status);
        Assert.Equal(bytes, await client.ReadAsync(0, bytes.Length));
        Assert.Equal(1, host.Seen[dimm].DirtyShutdownCount);
        Assert.Null(host.BrokenVersion);
    }

    [Fact]
    public async Task Tasks_UnderWayAtTheStop_CountOnceAndLeaveTheSuccessorsState()
    {
        var host = _api.AddHost(TestLayout.New());
        await using var zombie = WorkerProcess.Start(_api, _folder.Path);
        await _api.Enqueue(host, []);
        var dimm = host.Layout.Dimms[0].DimmId;
        List<Task<TaskResult>> results = [.. Enumerable.Range(0, 60).Select(number => _api.Enqueue(host, [new InjectErrorsStep { Ranges = [new DimmRange(dimm, number * 1024L, 256)], Notify = true }]))];
        await Deadlines.UntilAsync(() => host.Open < 55, "the first are done");

        zombie.Pause();
        await using var successor = WorkerProcess.Start(_api, _folder.Path, "worker-2");
        await _api.Move(host, "worker-2");
        await Task.WhenAll(results);
        await _api.Enqueue(host, [new ClearErrorsStep { Start = TestLayout.Start, Length = TestLayout.RegionBytes }]);
        await Deadlines.UntilAsync(() => host.Seen[dimm].Poison.Count == 0, "the successor has cleared all");
        zombie.Continue();
        await Deadlines.UntilAsync(() => zombie.Log.Contains("another worker's", StringComparison.Ordinal) || zombie.Log.Contains("is over", StringComparison.Ordinal), "the former worker lets the host go");
        await successor.RestartAsync();
        await _api.Enqueue(host, []);

        await Deadlines.UntilAsync(() => host.Seen[dimm].DirtyShutdownCount == 2, "the boot is seen");
        Assert.Empty(host.Seen[dimm].Poison);
        Assert.Null(host.BrokenVersion);
    }

    /// <summary>An upload whose second half waits.</summary>
    private sealed class HalfSent : IDisposable
    {
        private readonly TcpClient _socket = new();
        private readonly int _rest;

        private HalfSent(int rest) => _rest = rest;

        public static async Task<HalfSent> BeginAsync(Uri worker, ScriptedHost host, string path, int length)
        {
            var request = new HalfSent(length - (length / 2));
            await request._socket.ConnectAsync(worker.Host, worker.Port);
            var head = $"PUT /v1/hosts/{host.Id}/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {ScriptedFleetApi.DataPlaneCredential}\r\n{DataPlaneRoutes.EpochHeader}: {host.Epoch}\r\nContent-Length: {length}\r\n\r\n";
            await request._socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
            await request._socket.GetStream().WriteAsync(Enumerable.Repeat((byte)0xEE, length / 2).ToArray());
            await Task.Delay(300);
            return request;
        }

        /// <summary>The rest, and the status.</summary>
        public async Task<int> EndAsync()
        {
            try
            {
                await _socket.GetStream().WriteAsync(Enumerable.Repeat((byte)0xEE, _rest).ToArray());
                using var reader = new StreamReader(_socket.GetStream());
                var line = await reader.ReadLineAsync().WaitAsync(Deadlines.Long);
                return line is null ? 0 : int.Parse(line.Split(' ')[1], null);
            }
            catch (IOException)
            {
                return 0;
            }
        }

        public void Dispose() => _socket.Dispose();
    }
}
